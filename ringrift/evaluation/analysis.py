"""Analysis of positions by an agent: what it would play, and what the best actions are worth to each player."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from ringrift.agents import Agent
from ringrift.encoding import outcomes
from ringrift.evaluation.heuristic_terms import Terms, heuristic_terms
from ringrift.game import Board, Game, new_workspace, state_type
from ringrift.game.notation import Notation
from ringrift.game.state import GAME_OVER
from ringrift.game.turn import play_forced, step
from ringrift.game.types import BoardTables, States, Workspace
from ringrift.heuristic import Weights
from ringrift.kernels.compiled import compiled
from ringrift.kernels.types import F32, I32, I64
from ringrift.search import SearchOutput

AT_ONCE: Final = 64
"""Positions in one call of an agent, which is followed by a call with those that come after them."""


@dataclass(frozen=True)
class Candidate:
    """An action in the view of an agent."""

    action: int
    key: str
    policy: float
    """The probability of the action in the agent's policy."""
    visits: int
    values: tuple[float, ...]
    """`[players]`, by seat, −1 … 1: the agent's values after the action, or the outcome if that is the end."""


@dataclass(frozen=True)
class Assessment:
    """An agent's view of a position."""

    values: tuple[float, ...]
    """`[players]`, by seat, −1 … 1."""
    candidates: tuple[Candidate, ...]
    """The action that the agent would play, then the others by their probability."""


@dataclass(frozen=True)
class AnalysedPly:
    """An action of a game, and an agent's view of the position that it was played in."""

    ply: int
    """The moves made before; all actions of a recovery have the same."""
    player: int
    action: int
    key: str
    legal: int
    """The number of legal actions."""
    assessment: Assessment | None = None
    """The agent's view; None where the action was forced."""
    terms: Terms | None = None
    """The terms of the heuristic's evaluation, on demand."""

    @property
    def played(self) -> Candidate | None:
        """The agent's view of the action that was played."""
        candidates = self.assessment.candidates if self.assessment else ()
        return next((candidate for candidate in candidates if candidate.action == self.action), None)

    @property
    def lost(self) -> float | None:
        """The value that the action loses to its player against the best of the candidates."""
        if self.assessment is None or self.played is None:
            return None
        seat = self.player - 1
        best = max(candidate.values[seat] for candidate in self.assessment.candidates)
        return best - self.played.values[seat]


def analyse_game(
    agent: Agent, game: Game, *, plies: range, top: int, weights: Weights | None = None
) -> Iterator[AnalysedPly]:
    """Analyse a game by an agent: yield its actions in `plies` one by one.

    With `weights`, every position with a choice has the terms of the heuristic, too.
    """
    game = game.copy()
    played: list[AnalysedPly] = []
    positions: list[Any] = []
    while game.actions:
        action = game.undo()
        ply = int(game.array["ply"])
        if ply in plies:
            played.append(AnalysedPly(ply, game.player, action, game.key(action), len(game.legal_actions())))
            if played[-1].legal > 1:
                positions.append(game.array.copy())
    states = np.array(positions[::-1], state_type(game.board))
    choices = [entry.action for entry in reversed(played) if entry.legal > 1]
    assessments = assess(agent, game.board, game.players, states, top=top, played=choices)
    terms = iter([] if weights is None else heuristic_terms(game.board, game.players, states, weights))
    for entry in reversed(played):
        if entry.legal > 1:
            yield replace(entry, assessment=next(assessments), terms=next(terms, None))
        else:
            yield entry


def assess(
    agent: Agent, board: Board, players: int, states: States, *, top: int, played: Sequence[int] | None = None
) -> Iterator[Assessment]:
    """Yield an agent's assessment of each of the positions, in which a player has to act.

    The `top` actions of each are candidates, and the one that was `played` there.
    """
    for first in range(0, len(states), AT_ONCE):
        some = states[first : first + AT_ONCE]
        yield from _assess(
            agent, board, players, some, top, None if played is None else played[first : first + AT_ONCE]
        )


def _assess(
    agent: Agent, board: Board, players: int, states: States, top: int, played: Sequence[int] | None
) -> Iterator[Assessment]:
    output = agent.act(states, np.zeros(len(states), np.int64))
    picked = [_pick(output, row, top, None if played is None else played[row]) for row in range(len(states))]
    rows = np.repeat(np.arange(len(states)), [len(indices) for indices in picked])
    after = iter(_values_after(agent, board, players, states[rows], output.policy_actions[np.concatenate(picked)]))
    work = new_workspace(board)
    for row, indices in enumerate(picked):
        notation = Notation(board, states[row], work)
        yield Assessment(
            tuple(output.root_values[row].tolist()),
            tuple(
                Candidate(
                    int(output.policy_actions[index]),
                    notation.key(int(output.policy_actions[index])),
                    float(output.policy_probs[index]),
                    int(output.visits[index]),
                    tuple(next(after).tolist()),
                )
                for index in indices.tolist()
            ),
        )


def _pick(output: SearchOutput, row: int, top: int, played: int | None) -> I64:
    """Return where the candidates of a position lie in the ragged arrays."""
    first, last = output.policy_offsets[row], output.policy_offsets[row + 1]
    actions = output.policy_actions[first:last]
    order = np.lexsort((-output.policy_probs[first:last], actions != output.chosen_actions[row]))
    best = order[:top]
    if played is not None and played not in actions[best]:
        best = np.append(best, np.flatnonzero(actions == played))
    indices: I64 = first + best
    return indices


def _values_after(agent: Agent, board: Board, players: int, states: States, actions: I32) -> F32:
    """Return values `[positions, players]` after an action in each position and those that are then forced."""
    states = states.copy()
    play_each(states, actions, board.tables, new_workspace(board))
    values = outcomes(states, players)
    open_ = np.flatnonzero(states["phase"] != GAME_OVER)
    if len(open_):
        values[open_] = agent.act(states[open_], np.zeros(len(open_), np.int64)).root_values
    return values


@compiled
def play_each(states: States, actions: I32, board: BoardTables, work: Workspace) -> None:
    """Play an action in every state, and those that are then forced."""
    for row in range(len(states)):
        step(states[row], actions[row], board, work)
        play_forced(states[row], board, work)
