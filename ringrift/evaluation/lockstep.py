"""Games between agents in lockstep: in every step each agent is asked once, for all positions in which it has to act.

Actions that are forced are played without asking. A game that ends makes room for the next one, so that the batches
stay full. What is played depends on the agents and the fixture alone, never on how many games run side by side.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from threading import Event
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ringrift.agents import Agent
from ringrift.encoding import outcomes
from ringrift.evaluation.schedule import BadMatch, Fixture, Openings
from ringrift.game import Board, new_states, new_workspace
from ringrift.game.compiled import compiled
from ringrift.game.state import GAME_OVER, REASON_NAMES
from ringrift.game.turn import legal_actions, step

MOST_ACTIONS: Final = 3
"""Actions that one move can have: a recovery slide, its line, and the stack that pays for it."""


@dataclass(frozen=True, eq=False)
class PlayedGame:
    """A game that has ended, or was stopped at the limit of moves."""

    fixture: Fixture
    actions: npt.NDArray[np.int32]
    """`[actions]`, all of them, from the empty board on."""
    plies: int
    """Moves; a recovery with all its actions is one."""
    winner: int | None
    """Seat; None for a game that was stopped."""
    reason: str | None
    values: tuple[float, ...]
    """`[players]`, by seat, the values of the ranks: 1 for the first … −1 for the last; 0 for all if stopped."""


@compiled
def advance(
    states: Any, rows: Any, actions: Any, kept: Any, lengths: Any, max_moves: int, board: Any, work: Any
) -> None:
    """Play an action in each of the rows, and on until somebody has a choice or the game stops; keep all actions."""
    for i in range(len(rows)):
        row = rows[i]
        state = states[row]
        action = actions[i]
        while True:
            kept[row, lengths[row]] = action
            lengths[row] += 1
            step(state, action, board, work)
            if state.phase == GAME_OVER or state.ply >= max_moves:
                break
            if legal_actions(state, board, work, work.actions) != 1:
                break
            action = work.actions[0]


def play_games(
    agents: Sequence[Agent],
    board: Board,
    players: int,
    fixtures: Iterable[Fixture],
    openings: Openings,
    *,
    max_moves: int,
    side_by_side: int,
    stop: Event | None = None,
) -> Iterator[PlayedGame]:
    """Play the fixtures, `side_by_side` at once; games are yielded as they end, so short ones come early.

    Once `stop` is set, the running games are given up. `BadMatch` if an opening reaches the limit of moves.
    """
    waiting = iter(fixtures)
    running = list(islice(waiting, side_by_side))
    slots = len(running)
    states = new_states(board, players, slots)
    kept = np.empty((slots, MOST_ACTIONS * (max_moves + 1)), np.int32)
    lengths = np.zeros(slots, np.int64)
    seated = np.zeros((slots, players), np.int64)
    numbers = np.zeros(slots, np.int64)
    work = new_workspace(board)

    def begin(slot: int, fixture: Fixture) -> None:
        opening = openings.draw(fixture.opening)
        if opening.plies >= max_moves:
            raise BadMatch(
                f"an opening of {opening.plies} plies leaves nothing to play: games stop at {max_moves} moves"
            )
        states[slot] = opening.state[0]
        lengths[slot] = len(opening.actions)
        kept[slot, : lengths[slot]] = opening.actions
        seated[slot] = fixture.seating
        numbers[slot] = fixture.number

    for slot, fixture in enumerate(running):
        begin(slot, fixture)
    active = np.ones(slots, np.bool_)
    while active.any() and not (stop and stop.is_set()):
        acting = seated[np.arange(slots), states["player"].astype(np.int64) - 1]
        for index, agent in enumerate(agents):
            rows = np.flatnonzero(active & (acting == index))
            if len(rows):
                chosen = agent.find(states[rows], numbers[rows]).chosen
                advance(states, rows, chosen, kept, lengths, max_moves, board.tables, work)
        for slot in np.flatnonzero(active & ((states["phase"] == GAME_OVER) | (states["ply"] >= max_moves))).tolist():
            for agent in agents:
                agent.forget(numbers[slot : slot + 1])
            yield _played(running[slot], states[slot : slot + 1], kept[slot, : lengths[slot]].copy(), players)
            following = next(waiting, None)
            if following is None:
                active[slot] = False
            else:
                running[slot] = following
                begin(slot, following)


def _played(fixture: Fixture, state: npt.NDArray[np.void], actions: npt.NDArray[np.int32], players: int) -> PlayedGame:
    last = state[0]
    return PlayedGame(
        fixture=fixture,
        actions=actions,
        plies=int(last["ply"]),
        winner=int(last["winner"]) or None,
        reason=REASON_NAMES[int(last["reason"])],
        values=tuple(outcomes(state, players)[0].tolist()),
    )
