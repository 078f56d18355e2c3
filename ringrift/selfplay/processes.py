"""Self-play in several processes of one command, each with its share of the cores, the GPUs and the games.

Each has a run and a folder of its own, named after its place, so that a game follows from its run and number as ever.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.queues import Queue as SharedQueue
from multiprocessing.synchronize import Event as SharedEvent
from pathlib import Path
from queue import Empty
from threading import Event, Thread
from typing import Final

from ringrift.errors import RingRiftError
from ringrift.kernels.cores import own_cores, share_of_cores, use_cores
from ringrift.resources.pace import Pace
from ringrift.run_context import RunContext
from ringrift.selfplay.options import BadOptions, SelfPlayOptions
from ringrift.selfplay.report import EngineResult, SelfPlayReport
from ringrift.selfplay.run import run_selfplay

SECONDS: Final = 0.5
"""The time between two looks at how far the processes are, and between two messages of one."""


class EndedProcess(RingRiftError):
    """A process of self-play that has ended without a word."""


@dataclass(frozen=True, kw_only=True)
class SelfPlayShare:
    """The part of a run of self-play that one of several processes plays."""

    options: SelfPlayOptions
    place: int
    """The number of the process, from 0."""
    processes: int
    device: str | None
    root: Path
    host: str
    worker: str
    models: Path
    games: int | None
    more: int | None
    side_by_side: int | None
    pace: Path | None = None
    """The plan of the host by which it rests between its steps; None for no rest."""
    cores: tuple[int, ...] = ()
    """The cores that its threads run on."""


def shares(whole: SelfPlayShare, gpus: int) -> list[SelfPlayShare]:
    """Share out a run: games evenly, and without a device by name its GPUs in turn."""

    def part(number: int | None, place: int) -> int | None:
        return None if number is None else number // whole.processes + (place < number % whole.processes)

    return [
        replace(
            whole,
            options=replace(whole.options, run=f"{whole.options.run}.{place}"),
            place=place,
            device=f"cuda:{place % gpus}" if whole.device in (None, "cuda") and gpus else whole.device,
            worker=f"{whole.worker}.{place}",
            games=part(whole.games, place),
            more=part(whole.more, place),
            cores=tuple(share_of_cores(own_cores(), place, whole.processes)),
        )
        for place in range(whole.processes)
    ]


def run_in_processes(whole: SelfPlayShare, context: RunContext[object], *, gpus: int) -> SelfPlayReport:
    """Play a run in several processes until all have ended, and report on all of them together.

    `BadOptions` for more processes than cores, `EndedProcess` if one is killed, and what `run_selfplay` raises.
    """
    cores = len(own_cores())
    if whole.processes > cores:
        raise BadOptions(f"{whole.processes} processes: this machine has {cores} cores, and each needs one")
    spawning = get_context("spawn")  # a fork would share locks, threads and the context of a GPU
    channel = _Channel(os.getpid(), spawning.Event(), spawning.Queue())
    with ProcessPoolExecutor(whole.processes, spawning, _join, (channel,)) as pool:
        started = [pool.submit(_play, share) for share in shares(whole, gpus)]
        try:
            _watch(started, context, channel)
            return merged([future.result() for future in started], whole)
        except BrokenProcessPool:
            raise EndedProcess(
                "a process of self-play has been killed, as a system does when memory runs out; what was played is "
                "kept: start fewer --processes, or with a smaller --batch"
            ) from None
        finally:
            channel.stop.set()


def merged(reports: Sequence[SelfPlayReport], whole: SelfPlayShare) -> SelfPlayReport:
    """Return one report on several processes that played side by side."""
    games, seconds = sum(report.games for report in reports), max(report.seconds for report in reports)
    endings: Counter[str] = Counter()
    seats: Counter[str] = Counter()
    won: Counter[str] = Counter()
    for report in reports:
        endings.update(report.endings)
        for engine in report.engines:
            seats[engine.spec] += engine.seats
            won[engine.spec] += engine.won
    return SelfPlayReport(
        config=whole.options.config,
        run=f"{whole.options.run}.0 … .{whole.processes - 1}",
        folder=str(whole.root / whole.options.config / whole.host),
        games=games,
        games_before=sum(report.games_before for report in reports),
        complete=all(report.complete for report in reports),
        moves=sum(report.moves for report in reports),
        seconds=seconds,
        network_seconds=sum(report.network_seconds for report in reports) / len(reports),
        mean_actions=sum(report.mean_actions * report.games for report in reports) / games if games else 0.0,
        endings=dict(endings.most_common()),
        wins_by_seat=tuple(map(sum, zip(*(report.wins_by_seat for report in reports), strict=True))),
        engines=tuple(EngineResult(spec, count, won[spec]) for spec, count in sorted(seats.items())),
        resigned=sum(report.resigned for report in reports),
        resigned_won=sum(report.resigned_won for report in reports),
        reloads=sum(report.reloads for report in reports),
    )


@dataclass(frozen=True)
class _Channel:
    """The queues and events between the processes and their parent."""

    parent: int
    stop: SharedEvent
    """Set once all are to give up."""
    messages: SharedQueue[tuple[int, float, float | None]]
    """Place of a process, and its games so far and in all."""


_channel: _Channel
"""The channel of this process, if it is one of several."""


def _join(channel: _Channel) -> None:
    """Begin a process: it ends when its parent says so, who hears the signals, or when it is gone."""
    global _channel
    _channel = channel
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _play(share: SelfPlayShare) -> SelfPlayReport:
    """Play a share in this process."""
    use_cores(share.cores)
    cancellation = Event()
    Thread(target=_pass_on_end, args=(cancellation,), daemon=True).start()
    told = 0.0

    def progress(work: str, done: float, total: float | None, detail: str = "") -> None:
        nonlocal told
        if time.monotonic() >= told + SECONDS:
            told = time.monotonic()
            _channel.messages.put((share.place, done, total))

    return run_share(share, RunContext(None, progress, cancellation))


def run_share(share: SelfPlayShare, context: RunContext[object]) -> SelfPlayReport:
    """Play a share, or all of a run, in this process."""
    return run_selfplay(
        share.options,
        context,
        root=share.root,
        host=share.host,
        worker=share.worker,
        models=share.models,
        games=share.games,
        more=share.more,
        side_by_side=share.side_by_side,
        device=share.device,
        processes=share.processes,
        rest=Pace(share.pace, context.cancellation).rest if share.pace else lambda: None,
    )


def _pass_on_end(cancellation: Event) -> None:
    """Cancel the play of this process once its parent wants it or is gone."""
    while os.getppid() == _channel.parent and not _channel.stop.wait(SECONDS):
        pass
    cancellation.set()


def _watch(started: list[Future[SelfPlayReport]], context: RunContext[object], channel: _Channel) -> None:
    """Tell how far all processes are until they have ended; if one fails, all are stopped."""
    done: dict[int, tuple[float, float | None]] = {}
    waiting = set(started)
    while waiting:
        ended, waiting = wait(waiting, SECONDS)
        if context.cancelled or any(future.exception() for future in ended):
            channel.stop.set()
        with suppress(Empty):
            while True:
                place, games, total = channel.messages.get_nowait()
                done[place] = games, total
        if done:
            known = [total for _, total in done.values() if total is not None]
            total = sum(known) if len(known) == len(started) else None
            detail = f"in {len(started)} processes"
            context.progress("games", sum(games for games, _ in done.values()), total, detail)
