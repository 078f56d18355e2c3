"""Self-play: many games of a run side by side, each with its record at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from threading import Event

import numpy as np

from ringrift.agents import Agent
from ringrift.agents.sampling import sample
from ringrift.kernels.random import random_below
from ringrift.selfplay.lineup import Lineup, Player
from ringrift.selfplay.lockstep import Rows, Table
from ringrift.selfplay.notes import Notes
from ringrift.selfplay.openings import Openings
from ringrift.selfplay.plan import SelfPlayPlan
from ringrift.selfplay.record import GameRecord
from ringrift.selfplay.resignation import Resignations
from ringrift.selfplay.temperature import SCHEDULES

SHARE_UNIT = 1 << 30
"""Shares are drawn as whole numbers below this."""


class SelfPlay:
    """The games of a run. What is played depends on plan, models and the game's number alone."""

    def __init__(self, plan: SelfPlayPlan, lineup: Lineup, *, side_by_side: int) -> None:
        self.plan = plan
        self.lineup = lineup
        board, players = lineup.board, lineup.seat_count
        self.openings = Openings(board, players, max_moves=plan.max_moves, seed=plan.seed_of("openings"))
        self.length_seed = np.uint64(plan.seed_of("lengths of openings"))
        self.sampling_seed = np.uint64(plan.seed_of("temperature"))
        self.schedule = SCHEDULES[plan.settings.temperature.schedule]
        self.network_seconds = 0.0
        """Time spent in networks so far."""
        self._ended_moves = 0
        # One slot for each of the games side by side:
        self._table = Table(board, players, side_by_side, max_moves=plan.max_moves)
        self._notes = Notes(side_by_side, players)
        self._resignations = Resignations(side_by_side, players, plan.settings.resignation)
        self._seated: list[tuple[Player, ...]] = [()] * side_by_side
        self._openings = np.zeros(side_by_side, np.int64)  # actions of each
        self._scheduled = np.zeros((side_by_side, players), np.bool_)  # seats with a temperature by the schedule
        self._may_resign = np.zeros((side_by_side, players), np.bool_)

    @property
    def moves(self) -> int:
        """Moves played so far, in running games too."""
        return self._ended_moves + int(self._table.states["ply"][self._table.active].sum())

    def play(
        self, numbers: Iterable[int], *, cancellation: Event | None = None, after_step: Callable[[], None] | None = None
    ) -> Iterator[GameRecord]:
        """Play the games with these numbers; records are yielded as games end, so short ones come early.

        Once `cancellation` is set, the running games are given up. `after_step` is called whenever every running game
        has gone on by a decision.
        """
        waiting = iter(numbers)
        table = self._table
        slots: Iterable[int] = range(len(table.active))
        while True:
            self._fill(slots, waiting)
            if not table.active.any() or (cancellation and cancellation.is_set()):
                return
            for agent, rows in table.turns():
                self._decide(agent, rows)
            slots = table.ended()
            for slot in slots:
                yield self._record(slot)
            if after_step:
                after_step()

    def _fill(self, slots: Iterable[int], waiting: Iterator[int]) -> None:
        """Begin the next games in free slots, with the newest models."""
        self.lineup.refresh()
        for slot, number in zip(slots, waiting, strict=False):
            seats = self._seated[slot] = self.lineup.seats(number)
            opening = self.openings.draw(number, self._opening_plies(number))
            self._openings[slot] = len(opening.actions)
            self._scheduled[slot] = [not player.keeps_temperature for player in seats]
            self._may_resign[slot] = [player.cheaper is not None for player in seats]
            self._table.begin(slot, number, [player.agent for player in seats], opening)

    def _opening_plies(self, number: int) -> int:
        """How many random moves a game begins with."""
        settings = self.plan.settings.opening
        if random_below(self.length_seed, number, 0, SHARE_UNIT) >= settings.share * SHARE_UNIT:
            return 0
        return 1 + int(random_below(self.length_seed, number, 1, settings.moves))

    def _decide(self, agent: Agent, rows: Rows) -> None:
        """Ask an agent about the games in which it has to act, and play what comes of it."""
        table = self._table
        states, games = table.states[rows], table.numbers[rows]
        seats = states["player"].astype(np.int64) - 1
        before = agent.network_seconds
        output = agent.act(states, games)
        self.network_seconds += agent.network_seconds - before
        if agent.provides_targets:
            self._notes.add(
                rows, table.lengths[rows], output, output.has_policy & ~self._resignations.cheap[rows, seats]
            )
        temperature = self.plan.settings.temperature
        moves = temperature.moves[self.plan.config]
        heat = self.schedule(temperature, moves, states["ply"], np.diff(output.policy_offsets), self.plan.progress)
        heat[~self._scheduled[rows, seats]] = 0
        chosen = sample(output, states, games, heat, self.sampling_seed)
        able = self._may_resign[rows, seats]
        for slot, seat in self._resignations.watch(rows[able], seats[able], output.root_values[able]):
            self._give_up(slot, seat)
        table.play(rows, chosen)

    def _give_up(self, slot: int, seat: int) -> None:
        """Somebody resigns: from the next decision on, those concerned are replaced by their cheaper versions."""
        self._resignations.give_up(slot, seat, int(self._table.lengths[slot]))
        cheap = self._resignations.cheap[slot]
        for player in self._seated[slot]:
            player.agent.forget(self._table.numbers[slot : slot + 1])
        self._table.seat(
            slot,
            [
                player.cheaper if less and player.cheaper else player.agent
                for player, less in zip(self._seated[slot], cheap, strict=True)
            ],
        )

    def _record(self, slot: int) -> GameRecord:
        """The record of the game that has ended in a slot, which is free then."""
        ended = self._table.take(slot)
        self._ended_moves += ended.plies
        return GameRecord(
            config=self.plan.config,
            run=self.plan.run,
            game=ended.number,
            seed=self.plan.seed,
            engines=tuple(player.spec for player in self._seated[slot]),
            models=tuple(player.model for player in self._seated[slot]),
            opening=int(self._openings[slot]),
            max_moves=self.plan.max_moves,
            actions=ended.actions,
            winner=ended.winner,
            reason=ended.reason,
            ranks=ended.ranks,
            search=self._notes.take(slot),
            resigned=self._resignations.take(slot),
        )
