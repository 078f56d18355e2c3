"""Games between agents in lockstep: in every step each agent is asked once, for all positions where it has to act.

Actions that are forced are played without asking. A game that ends makes room for the next one, so that the batches
stay full. What is played depends on the agents, the game's number and its opening alone, never on how many games run
side by side.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ringrift.agents import Agent
from ringrift.encoding import outcomes
from ringrift.game import Board, new_states
from ringrift.game.boards import MAX_PLAYERS
from ringrift.game.state import GAME_OVER, REASON_NAMES, thread_workspace
from ringrift.game.turn import only_action, step
from ringrift.game.victory import rank_players
from ringrift.kernels.compiled import compiled
from ringrift.kernels.threads import share_out
from ringrift.selfplay.openings import Opening

MOST_ACTIONS: Final = 3
"""The most actions that one move can have: a recovery slide, its line, and the stack that pays for it."""
GAMES_PER_PART: Final = 64
"""The games that a thread gets at once; waking it takes about as long as playing in that many."""

Slots = npt.NDArray[np.int64]
"""Indices of slots."""


@dataclass(frozen=True, eq=False, kw_only=True)
class EndedGame:
    """A game that has ended, or was stopped at the limit of moves."""

    number: int
    actions: npt.NDArray[np.int32]
    """`[actions]`, all actions from the empty board on."""
    plies: int
    """The number of moves; a recovery with all its actions is one."""
    winner: int | None
    """The winner's seat; None for a game that was stopped."""
    reason: str | None
    ranks: tuple[int, ...] | None
    """`[players]`, by seat; None for a game that was stopped."""
    outcome_values: tuple[float, ...]
    """`[players]`, by seat, the values of the ranks: 1 for the first … −1 for the last; 0 for all if stopped."""


@compiled
def advance(
    states: Any,
    slots: Any,
    actions: Any,
    first: int,
    last: int,
    kept: Any,
    lengths: Any,
    max_moves: int,
    board: Any,
    work: Any,
) -> None:
    """Play an action in each of `slots[first … last−1]`, and on until a player has a choice or the game stops.

    All actions are appended to `kept` `[slots, actions]`, whose rows have `lengths` `[slots]`.
    """
    for i in range(first, last):
        slot = slots[i]
        state = states[slot]
        action = actions[i]
        while action >= 0:
            kept[slot, lengths[slot]] = action
            lengths[slot] += 1
            step(state, action, board, work)
            action = -1 if state.ply >= max_moves else only_action(state, board, work)


class LockstepGames:
    """Games that are played side by side, one in each slot, and the agents that play them."""

    def __init__(self, board: Board, players: int, slots: int, *, max_moves: int) -> None:
        self.board = board
        self.players = players
        self.max_moves = max_moves
        self.states = new_states(board, players, slots)
        """`[slots]`, the positions of the games."""
        self.active = np.zeros(slots, np.bool_)
        """`[slots]`, whether a game is played in the slot."""
        self.numbers = np.zeros(slots, np.int64)
        """`[slots]`, the number of the game in its run."""
        self.lengths = np.zeros(slots, np.int64)
        """`[slots]`, the number of actions played."""
        self._kept = np.empty((slots, MOST_ACTIONS * (max_moves + 1)), np.int32)
        self._seated = np.zeros((slots, players), np.int64)
        self._agents: list[Agent] = []

    def begin(self, slot: int, number: int, agents: Sequence[Agent], opening: Opening) -> None:
        """Start a game in a slot; `agents` are `[players]` by seat."""
        self.states[slot] = opening.state[0]
        self.numbers[slot] = number
        self.lengths[slot] = len(opening.actions)
        self._kept[slot, : len(opening.actions)] = opening.actions
        self.active[slot] = True
        self.seat(slot, agents)

    def seat(self, slot: int, agents: Sequence[Agent]) -> None:
        """Let these agents play on, `[players]` by seat; an agent that plays nowhere any more is dropped."""
        new = [agent for agent in agents if agent not in self._agents]
        if new:
            used = np.unique(self._seated[self.active & (np.arange(len(self.active)) != slot)])
            kept = [agent for index, agent in enumerate(self._agents) if index in used or agent in agents]
            places = np.array([kept.index(agent) if agent in kept else 0 for agent in self._agents], np.int64)
            if len(places):
                self._seated = places[self._seated]
            self._agents = kept + list(dict.fromkeys(new))
        self._seated[slot] = [self._agents.index(agent) for agent in agents]

    def acting(self) -> Iterator[tuple[Agent, Slots]]:
        """Yield every agent that has to act, with the slots where it has to; each slot occurs once."""
        seated = self._seated[np.arange(len(self.states)), self.states["player"].astype(np.int64) - 1]
        for index, agent in enumerate(self._agents.copy()):
            slots = np.flatnonzero(self.active & (seated == index))
            if len(slots):
                yield agent, slots

    def play(self, slots: Slots, actions: npt.NDArray[np.int32]) -> None:
        """Play the actions in these slots, and then all forced actions."""
        board, kept, lengths = self.board, self._kept, self.lengths

        def run(first: int, last: int) -> None:
            work = thread_workspace(board)
            advance(self.states, slots, actions, first, last, kept, lengths, self.max_moves, board.tables, work)

        share_out(len(slots), run, grain=GAMES_PER_PART)

    def actions(self, slot: int) -> npt.NDArray[np.int32]:
        """Return a copy of the actions of the game in a slot, all from the empty board on."""
        return self._kept[slot, : self.lengths[slot]].copy()

    def ended(self) -> list[int]:
        """Return the slots whose games are over or have reached the limit of moves."""
        over = (self.states["phase"] == GAME_OVER) | (self.states["ply"] >= self.max_moves)
        return np.flatnonzero(self.active & over).tolist()

    def take(self, slot: int) -> EndedGame:
        """Return the game of a slot and free the slot; agents may learn from it, and all are told to forget it."""
        self.active[slot] = False
        actions = self.actions(slot)
        if self.states[slot]["winner"]:
            for agent in dict.fromkeys(self._agents[index] for index in self._seated[slot].tolist()):
                agent.learn(int(self.numbers[slot]), actions)
        for agent in self._agents:
            agent.forget(self.numbers[slot : slot + 1])
        last = self.states[slot]
        winner = int(last["winner"]) or None
        ranks = np.zeros(MAX_PLAYERS, np.int64)
        rank_players(last, ranks)
        return EndedGame(
            number=int(self.numbers[slot]),
            actions=actions,
            plies=int(last["ply"]),
            winner=winner,
            reason=REASON_NAMES[int(last["reason"])],
            ranks=tuple(ranks[: self.players].tolist()) if winner else None,
            outcome_values=tuple(outcomes(self.states[slot : slot + 1], self.players)[0].tolist()),
        )
