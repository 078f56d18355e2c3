"""Self-play: many games of a run side by side, each of which ends with its record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from threading import Event

import numpy as np

from ringrift.agents import Agent
from ringrift.agents.sampling import sample
from ringrift.kernels.random import random_below
from ringrift.selfplay.live import RunningGame
from ringrift.selfplay.lockstep import LockstepGames, Slots
from ringrift.selfplay.openings import Opening, Openings
from ringrift.selfplay.options import SelfPlayOptions
from ringrift.selfplay.player_pool import Player, PlayerPool
from ringrift.selfplay.record import GameRecord
from ringrift.selfplay.resignation import Resignations
from ringrift.selfplay.search_recorder import SearchRecorder
from ringrift.selfplay.temperature import SCHEDULES

SHARE_UNIT = 1 << 30
"""The bound below which shares are drawn as whole numbers."""


class SelfPlay:
    """The games of a run; they depend on options, models and the game's number alone."""

    def __init__(self, options: SelfPlayOptions, pool: PlayerPool, *, side_by_side: int) -> None:
        self.options = options
        self.pool = pool
        board, players = pool.board, pool.seat_count
        self.openings = Openings(board, players, max_moves=options.max_moves, seed=options.seed_of("openings"))
        self.length_seed = np.uint64(options.seed_of("lengths of openings"))
        self.sampling_seed = np.uint64(options.seed_of("temperature"))
        self.schedule = SCHEDULES[options.settings.temperature.schedule]
        self.network_seconds = 0.0
        """The time spent in networks so far."""
        self._ended_moves = 0
        # One slot for each of the games side by side:
        self._games = LockstepGames(board, players, side_by_side, max_moves=options.max_moves)
        self._recorder = SearchRecorder(side_by_side, players)
        self._resignations = Resignations(side_by_side, players, options.settings.resignation)
        self._seated: list[tuple[Player, ...]] = [()] * side_by_side
        self._openings = np.zeros(side_by_side, np.int64)  # actions in the opening of each game
        self._scheduled = np.zeros((side_by_side, players), np.bool_)  # seats with a temperature by the schedule
        self._may_resign = np.zeros((side_by_side, players), np.bool_)

    @property
    def moves(self) -> int:
        """The number of moves played so far, those of running games included."""
        return self._ended_moves + int(self._games.states["ply"][self._games.active].sum())

    def running(self, most: int) -> list[RunningGame]:
        """Return at most so many of the games that go on: those of the first slots, so that they stay the same."""
        games = self._games
        return [
            RunningGame(
                game=int(games.numbers[slot]),
                engines=[player.spec for player in self._seated[slot]],
                actions=games.actions(slot).tolist(),
            )
            for slot in np.flatnonzero(games.active)[:most].tolist()
        ]

    def play(
        self, numbers: Iterable[int], *, cancellation: Event | None = None, after_step: Callable[[], None] | None = None
    ) -> Iterator[GameRecord]:
        """Play the games with these numbers; records are yielded as games end, so short ones come early.

        Once `cancellation` is set, the running games are given up. `after_step` is called whenever every running game
        has gone on by a decision.
        """
        waiting = iter(numbers)
        running = self._games
        slots: Iterable[int] = range(len(running.active))
        while True:
            self._fill(slots, waiting)
            if not running.active.any() or (cancellation and cancellation.is_set()):
                return
            for agent, acting in running.acting():
                self._decide(agent, acting)
            slots = running.ended()
            for slot in slots:
                yield self._record(slot)
            if after_step:
                after_step()

    def _fill(self, slots: Iterable[int], waiting: Iterator[int]) -> None:
        """Begin the next games in free slots, with the newest models."""
        self.pool.refresh()
        for slot, number in zip(slots, waiting, strict=False):
            seats = self._seated[slot] = self.pool.seats(number)
            opening = self._opening(number)
            self._openings[slot] = len(opening.actions)
            self._scheduled[slot] = [not player.keeps_temperature for player in seats]
            self._may_resign[slot] = [player.cheaper is not None for player in seats]
            self._games.begin(slot, number, [player.agent for player in seats], opening)

    def _opening(self, number: int) -> Opening:
        """Return the opening of a game: a hard position for a share of them, else random moves."""
        positions, share = self.options.positions, self.options.settings.opening.hard
        if positions and random_below(self.length_seed, number, 2, SHARE_UNIT) < share * SHARE_UNIT:
            return positions.opening(int(random_below(self.length_seed, number, 3, len(positions.positions))))
        return self.openings.draw(number, self._opening_plies(number))

    def _opening_plies(self, number: int) -> int:
        """Draw the number of random moves that a game begins with."""
        settings = self.options.settings.opening
        if random_below(self.length_seed, number, 0, SHARE_UNIT) >= settings.share * SHARE_UNIT:
            return 0
        return 1 + int(random_below(self.length_seed, number, 1, settings.moves))

    def _decide(self, agent: Agent, slots: Slots) -> None:
        """Ask an agent about the games in which it has to act, and play actions drawn from its policies."""
        running = self._games
        states, games = running.states[slots], running.numbers[slots]
        seats = states["player"].astype(np.int64) - 1
        before = agent.network_seconds
        output = agent.act(states, games)
        self.network_seconds += agent.network_seconds - before
        if agent.provides_targets:
            has_policy = output.has_policy & ~self._resignations.cheap[slots, seats]
            self._recorder.add(slots, running.lengths[slots], output, has_policy)
        settings = self.options.settings.temperature
        moves = settings.moves[self.options.config]
        temperature = self.schedule(
            settings, moves, states["ply"], np.diff(output.policy_offsets), self.options.progress
        )
        temperature[~self._scheduled[slots, seats]] = 0
        actions = sample(output, states, games, temperature, self.sampling_seed)
        may_resign = self._may_resign[slots, seats]
        for slot, seat in self._resignations.watch(
            slots[may_resign], seats[may_resign], output.root_values[may_resign]
        ):
            self._give_up(slot, seat)
        running.play(slots, actions)

    def _give_up(self, slot: int, seat: int) -> None:
        """Let the player on `seat` resign: from the next decision on, those concerned play more cheaply."""
        self._resignations.give_up(slot, seat, int(self._games.lengths[slot]))
        cheap = self._resignations.cheap[slot]
        for player in self._seated[slot]:
            player.agent.forget(self._games.numbers[slot : slot + 1])
        self._games.seat(
            slot,
            [
                player.cheaper if less and player.cheaper else player.agent
                for player, less in zip(self._seated[slot], cheap, strict=True)
            ],
        )

    def _record(self, slot: int) -> GameRecord:
        """Return the record of the game that has ended in a slot, and free the slot."""
        ended = self._games.take(slot)
        self._ended_moves += ended.plies
        return GameRecord(
            config=self.options.config,
            run=self.options.run,
            game=ended.number,
            seed=self.options.seed,
            engines=tuple(player.spec for player in self._seated[slot]),
            models=tuple(player.model for player in self._seated[slot]),
            opening=int(self._openings[slot]),
            max_moves=self.options.max_moves,
            actions=ended.actions,
            winner=ended.winner,
            reason=ended.reason,
            ranks=ended.ranks,
            search=self._recorder.take(slot),
            resigned=self._resignations.take(slot),
        )
