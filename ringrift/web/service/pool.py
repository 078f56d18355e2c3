"""The loaded players: each searches the positions of all clients that wait for it side by side.

A player has one thread. Requests that arrive while it searches are its next batch, so that many clients cost one call
of the network for all of them, and one client never waits for others to come.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from threading import Condition, Lock, Thread
from typing import Any, Final, TypeVar

import numpy as np
import psutil

from ringrift.agents import Agent, make_agent
from ringrift.errors import Busy, RingRiftError
from ringrift.game import parse_config
from ringrift.game.types import States
from ringrift.kernels.threads import default_threads
from ringrift.search import CachedEvaluator
from ringrift.web.service.lineup import Player
from ringrift.web.settings import ServiceSettings

T = TypeVar("T")
MEGABYTE: Final = 1 << 20
_log = logging.getLogger("ringrift.web")


class Overloaded(Busy):
    """A request beyond the moves that this machine can search."""


@dataclass(frozen=True)
class Decision:
    """The choice of a player in a position."""

    action: int
    values: tuple[float, ...]
    """`[players]`, by seat, −1 … 1."""
    batch: int
    """The positions that were searched side by side."""


@dataclass
class _Job:
    states: States
    seed: int
    future: Future[Decision]
    since: float = field(default_factory=time.monotonic)


@dataclass
class _Errand:
    """Work of another kind that needs the agent, such as an analysis."""

    work: Callable[[Agent], Any]
    future: Future[Any]
    since: float = field(default_factory=time.monotonic)


class LoadedPlayer:
    """A player with its thread, which loads it, and works off batches until it is closed.

    Before a batch it takes in a model that has changed. One that cannot be used is left, with a warning, until its file
    changes again: it may be half written.
    """

    def __init__(self, player: Player, settings: ServiceSettings) -> None:
        """Begin; the player is made for the first batch."""
        self.player = player
        self.settings = settings
        self.last_used = time.monotonic()
        self.decisions = 0
        self.batches = 0
        self.reloads = 0
        self._agent: Agent | None = None
        self._stamp = player.stamp
        self._jobs: deque[_Job | _Errand] = deque()
        self._wake = Condition()
        self._closed = False
        Thread(target=self._work, name=f"player {player.config} {player.mode}", daemon=True).start()

    @property
    def waiting(self) -> int:
        """The positions that wait for a search."""
        return len(self._jobs)

    @property
    def cache(self) -> CachedEvaluator[Any] | None:
        """The cache of its evaluations, if it has a network."""
        evaluator = getattr(getattr(self._agent, "search", None), "evaluator", None)
        return evaluator if isinstance(evaluator, CachedEvaluator) else None

    def submit(self, player: Player, states: States, seed: int) -> Future[Decision]:
        """Ask for a decision in a position `[1]`; the same seed decides the same. `player` has the file's stamp."""
        job = _Job(states, seed, Future())
        self._queue(player, job)
        return job.future

    def send(self, player: Player, work: Callable[[Agent], T]) -> Future[T]:
        """Run work with the agent, in its thread and in its turn."""
        errand = _Errand(work, Future())
        self._queue(player, errand)
        return errand.future

    def _queue(self, player: Player, job: _Job | _Errand) -> None:
        with self._wake:
            if self._closed:
                raise Overloaded("this player is being unloaded; ask again")
            self.player = player
            self._jobs.append(job)
            self.last_used = job.since
            self._wake.notify()

    def close(self) -> None:
        """End the thread after the waiting jobs."""
        with self._wake:
            self._closed = True
            self._wake.notify()

    def _work(self) -> None:
        while jobs := self._next_batch():
            try:
                self._answer(jobs)
            except RingRiftError as error:
                _fail(jobs, error)
            except Exception as error:  # the thread must go on, and the clients need an answer
                _log.exception("a batch has failed")
                _fail(jobs, RingRiftError(f"the search has failed ({type(error).__name__})"))
        self._agent = None

    def _next_batch(self) -> list[_Job | _Errand]:
        """Wait for jobs and take as many as fit; none when the player is closed."""
        with self._wake:
            while not self._jobs and not self._closed:
                self._wake.wait()
            return [self._jobs.popleft() for _ in range(min(len(self._jobs), self._batch_size()))]

    def _batch_size(self) -> int:
        """Return the batch size that still gains from a joint search: one a core for players without a network."""
        one_by_one = self.player.mode in ("minimax", "maxn", "paranoid", "brs")
        return default_threads() if one_by_one else self.settings.batch_games

    def _answer(self, waiting: list[_Job | _Errand]) -> None:
        oldest = time.monotonic() - self.settings.wait_seconds
        late = [job for job in waiting if job.since < oldest]
        _fail(late, Overloaded(f"this position was not searched within {self.settings.wait_seconds:g} s; ask later"))
        wanted = [job for job in waiting if job.since >= oldest and job.future.set_running_or_notify_cancel()]
        if not wanted:
            return
        agent = self._loaded()
        for job in wanted:
            if isinstance(job, _Errand):
                job.future.set_result(job.work(agent))
        jobs = [job for job in wanted if isinstance(job, _Job)]
        if not jobs:
            return
        output = agent.act(np.concatenate([job.states for job in jobs]), np.array([job.seed for job in jobs], np.int64))
        self.batches += 1
        self.decisions += len(jobs)
        values = output.root_values.tolist()
        for row, job in enumerate(jobs):
            job.future.set_result(Decision(int(output.chosen_actions[row]), tuple(values[row]), len(jobs)))

    def _loaded(self) -> Agent:
        """Return the agent: made when it is first needed, and anew when its model's file has changed."""
        player, agent = self.player, self._agent
        if agent is not None and player.stamp == self._stamp:
            return agent
        self._stamp = player.stamp
        board, players = parse_config(player.config)
        try:
            fresh = make_agent(player.spec, board, players)
        except RingRiftError as error:
            if agent is None:
                raise
            _log.warning("%s: the model that was loaded before goes on: %s", player.config, error)
            return agent
        fresh.limit_time(self.settings.move_seconds)
        self.reloads += agent is not None
        self._agent = fresh
        return fresh


def _fail(jobs: Sequence[_Job | _Errand], error: RingRiftError) -> None:
    for job in jobs:
        if not job.future.done():
            job.future.set_exception(error)


class PlayerPool:
    """The loaded players."""

    def __init__(self, settings: ServiceSettings) -> None:
        """Begin with no player loaded."""
        self.settings = settings
        self._loaded: dict[Player, LoadedPlayer] = {}
        self._lock = Lock()

    def decide(self, player: Player, states: States, seed: int) -> Future[Decision]:
        """Ask a player for a decision in a position `[1]`; `Overloaded` if too many wait already."""
        with self._lock:
            return self._ready(player).submit(player, states, seed)

    def send(self, player: Player, work: Callable[[Agent], T]) -> Future[T]:
        """Run work with the agent of a player, as `decide` does; `work` is called in the player's thread."""
        with self._lock:
            return self._ready(player).send(player, work)

    def _ready(self, player: Player) -> LoadedPlayer:
        """Return a loaded player that may be asked for more."""
        if sum(loaded.waiting for loaded in self._loaded.values()) >= self.settings.most_waiting:
            raise Overloaded(f"{self.settings.most_waiting} positions wait already; ask later")
        if player not in self._loaded:
            self._make_room()
            self._loaded[player] = LoadedPlayer(player, self.settings)
        return self._loaded[player]

    def loaded(self) -> list[LoadedPlayer]:
        """Return the loaded players."""
        with self._lock:
            return list(self._loaded.values())

    def clear(self) -> int:
        """Unload all players after their waiting jobs, and return their number."""
        with self._lock:
            players = list(self._loaded)
            for player in players:
                self._drop(player)
            return len(players)

    def _make_room(self) -> None:
        """Unload the players that have been idle the longest."""
        idle = sorted(
            (loaded for loaded in self._loaded.values() if not loaded.waiting), key=lambda loaded: loaded.last_used
        )
        full = psutil.Process().memory_info().rss > self.settings.megabytes * MEGABYTE
        too_many = len(self._loaded) + 1 - self.settings.loaded_players
        for loaded in idle[: max(too_many, 1 if full else 0)]:
            self._drop(loaded.player)

    def _drop(self, player: Player) -> None:
        self._loaded.pop(player).close()
