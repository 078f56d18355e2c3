"""What an agent thinks of positions: what it would play, and what the best actions are worth to whom."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ringrift.agents import Agent
from ringrift.agents.agents import States
from ringrift.encoding import outcomes
from ringrift.game import Board, Game, new_workspace, state_type
from ringrift.game.compiled import compiled
from ringrift.game.notation import Notation
from ringrift.game.state import GAME_OVER
from ringrift.game.turn import step
from ringrift.search import Found
from ringrift.search.tree import play_forced

AT_ONCE: Final = 64
"""Positions that an agent is asked about in one call, and then about several times as many that follow from them."""

Indices = npt.NDArray[np.int64]
Values = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Candidate:
    """One action, as the agent sees it."""

    action: int
    key: str
    policy: float
    """The share that the agent would have a network learn."""
    visits: int
    values: tuple[float, ...]
    """`[players]`, by seat, −1 … 1: what the agent gives the position after it, or the outcome if that is the end."""


@dataclass(frozen=True)
class Assessment:
    """What the agent thinks of one position."""

    values: tuple[float, ...]
    """`[players]`, by seat, −1 … 1."""
    candidates: tuple[Candidate, ...]
    """What the agent would play, then the others by their share of the policy."""


@dataclass(frozen=True)
class AnalysedPly:
    """An action of a game, and what an agent thinks of the position that it was played in."""

    ply: int
    """Moves made before; all actions of a recovery have the same."""
    player: int
    action: int
    key: str
    legal: int
    """Legal actions to choose from."""
    assessment: Assessment | None
    """None where the action was forced."""

    @property
    def played(self) -> Candidate | None:
        """The agent's view of the action that was played."""
        candidates = self.assessment.candidates if self.assessment else ()
        return next((candidate for candidate in candidates if candidate.action == self.action), None)

    @property
    def lost(self) -> float | None:
        """How much less the action is worth to its player than the best of the candidates."""
        if self.assessment is None or self.played is None:
            return None
        seat = self.player - 1
        best = max(candidate.values[seat] for candidate in self.assessment.candidates)
        return best - self.played.values[seat]


def analyse_game(agent: Agent, game: Game, *, plies: range, top: int) -> Iterator[AnalysedPly]:
    """What an agent thinks of a game that has been played: its actions in `plies`, one by one."""
    game = game.copy()
    played: list[AnalysedPly] = []
    states: list[Any] = []
    while game.actions:
        action = game.undo()
        ply = int(game.array["ply"])
        if ply in plies:
            played.append(AnalysedPly(ply, game.player, action, game.key(action), len(game.legal_actions()), None))
            states.append(game.array.copy())
    played.reverse()
    states.reverse()
    chosen = [index for index, entry in enumerate(played) if entry.legal > 1]
    assessments = assess(
        agent,
        game.board,
        game.players,
        np.array([states[index] for index in chosen], state_type(game.board)),
        top=top,
        played=[played[index].action for index in chosen],
    )
    for entry in played:
        yield replace(entry, assessment=next(assessments)) if entry.legal > 1 else entry


def assess(
    agent: Agent, board: Board, players: int, states: States, *, top: int, played: Sequence[int] | None = None
) -> Iterator[Assessment]:
    """Ask an agent about positions `[positions]` in which somebody has to act, one assessment for each.

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
    found = agent.find(states, np.zeros(len(states), np.int64))
    picked = [_pick(found, row, top, None if played is None else played[row]) for row in range(len(states))]
    rows = np.repeat(np.arange(len(states)), [len(indices) for indices in picked])
    after = iter(_values_after(agent, board, players, states[rows], found.actions[np.concatenate(picked)]))
    work = new_workspace(board)
    for row, indices in enumerate(picked):
        notation = Notation(board, states[row], work)
        yield Assessment(
            tuple(found.values[row].tolist()),
            tuple(
                Candidate(
                    int(found.actions[index]),
                    notation.key(int(found.actions[index])),
                    float(found.policy[index]),
                    int(found.visits[index]),
                    tuple(next(after).tolist()),
                )
                for index in indices.tolist()
            ),
        )


def _pick(found: Found, row: int, top: int, played: int | None) -> Indices:
    """Where the candidates of a position lie in the ragged arrays."""
    first, last = found.offsets[row], found.offsets[row + 1]
    actions = found.actions[first:last]
    order = np.lexsort((-found.policy[first:last], actions != found.chosen[row]))
    best = order[:top]
    if played is not None and played not in actions[best]:
        best = np.append(best, np.flatnonzero(actions == played))
    indices: Indices = first + best
    return indices


def _values_after(agent: Agent, board: Board, players: int, states: States, actions: npt.NDArray[np.int32]) -> Values:
    """What positions are worth after an action in each, `[positions, players]`, as soon as somebody has a choice."""
    states = states.copy()
    play_each(states, actions, board.tables, new_workspace(board))
    values = outcomes(states, players)
    open_ = np.flatnonzero(states["phase"] != GAME_OVER)
    if len(open_):
        values[open_] = agent.find(states[open_], np.zeros(len(open_), np.int64)).values
    return values


@compiled
def play_each(states: Any, actions: Any, board: Any, work: Any) -> None:
    """Play an action in every state, and those that are forced then."""
    for row in range(len(states)):
        step(states[row], actions[row], board, work)
        play_forced(states[row], board, work)
