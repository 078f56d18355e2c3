"""Our searches beside those of mctx and OpenSpiel: the same Connect Four positions, simulations and evaluators.

Each measurement runs in processes of its own that are bound to cores before they load anything, so that no library
starts more threads than it is given cores.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from multiprocessing import get_context
from statistics import median
from threading import Barrier
from typing import Final, NamedTuple

from ringrift.benchmarks.connect_four import openings
from ringrift.benchmarks.programs import MCTX, OPENSPIEL, OPENSPIEL_COMPILED, OUR_GUMBEL, OUR_PUCT, PROGRAMS

SIMULATIONS: Final = 64
OPENING: Final = 12
"""The most plies of the random games at whose ends the positions stand."""
LEAST_POSITIONS: Final = 32
"""The least number of positions for programs that search only a few at a time."""


class Task(NamedTuple):
    """A task of one program."""

    program: str
    evaluator: str
    in_flight: int
    """The number of positions searched side by side."""


class Contest(NamedTuple):
    """Two programs that do the same task."""

    ours: tuple[Task, ...]
    theirs: Task


def contests(in_flight: int) -> list[Contest]:
    """Return what is compared; OpenSpiel searches one position at a time, and so do we for once."""
    batches = (1, in_flight)
    gumbel = [
        Contest((Task(OUR_GUMBEL, evaluator, count),), Task(MCTX, evaluator, count))
        for evaluator in ("uniform", "network")
        for count in batches
    ]
    puct = [
        Contest(tuple(Task(OUR_PUCT, evaluator, count) for count in batches), Task(theirs, evaluator, 1))
        for evaluator, theirs in (("uniform", OPENSPIEL), ("network", OPENSPIEL), ("rollouts", OPENSPIEL_COMPILED))
    ]
    return gumbel + puct


@dataclass(frozen=True)
class ProgramSpeed:
    """The speed of one program in simulations per second."""

    program: str
    evaluator: str
    in_flight: int
    one_core: float
    """The simulations per second of processor time on one core."""
    all_cores: float
    """The simulations per second on all cores: in one process or in one for each core, whichever is faster."""
    against: str | None
    """The program that ours is compared with, if this is one of ours."""
    times_one_core: float | None
    """The speed relative to that program on one core."""
    times_all_cores: float | None


def obstacle() -> str | None:
    """Return in a line why there can be no comparison here; None if there can."""
    missing = [name for name in ("jax", "mctx", "pgx", "pyspiel") if find_spec(name) is None]
    if missing:
        return f"no comparison with other programs without {', '.join(missing)}: pip install 'ringrift[compare]'"
    if not hasattr(os, "sched_setaffinity"):
        return "no comparison with other programs on this system: it cannot bind them to cores (Linux can)"
    return None


def compare(*, in_flight: int = 512, seconds: float = 1.0) -> Iterator[ProgramSpeed]:
    """Measure all programs, each for about that long on one core and twice on all."""
    cores = sorted(os.sched_getaffinity(0))
    with (
        Bench([{cores[0]}], seconds) as alone,
        Bench([set(cores)], seconds) as threaded,
        Bench([{core} for core in cores], seconds) as side_by_side,
    ):
        measured: dict[Task, tuple[float, float]] = {}

        def speeds(task: Task) -> tuple[float, float]:
            if task not in measured:
                together = max(
                    sum(timing.per_second for timing in bench.time(task)) for bench in (threaded, side_by_side)
                )
                measured[task] = alone.time(task)[0].per_processor_second, together
            return measured[task]

        for contest in contests(in_flight):
            one_core, all_cores = speeds(contest.theirs)
            yield ProgramSpeed(*contest.theirs, one_core, all_cores, None, None, None)
            for task in contest.ours:
                our_one_core, our_all_cores = speeds(task)
                yield ProgramSpeed(
                    *task,
                    our_one_core,
                    our_all_cores,
                    contest.theirs.program,
                    our_one_core / one_core,
                    our_all_cores / all_cores,
                )


class Timing(NamedTuple):
    """The simulations of one process, and their time."""

    per_second: float
    per_processor_second: float


class Bench:
    """Processes bound to cores, that do the same task at the same time."""

    def __init__(self, cores: list[set[int]], seconds: float) -> None:
        """Start one process for each set of cores."""
        context = get_context("spawn")
        barrier = context.Barrier(len(cores))
        self.seconds = seconds
        self.pools = []
        for mine in cores:
            with bound_to(mine):  # a new process inherits this
                pool = ProcessPoolExecutor(1, context, _meet_at, (barrier,))
                pool.submit(int).result()
            self.pools.append(pool)

    def time(self, task: Task) -> list[Timing]:
        """Return the timing of each process."""
        return [timing.result() for timing in [pool.submit(_time, task, self.seconds) for pool in self.pools]]

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: object) -> None:
        for pool in self.pools:
            pool.shutdown()


@contextmanager
def bound_to(cores: set[int]) -> Iterator[None]:
    """Keep this thread, and the processes that it starts, to some cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _meet_at(barrier: Barrier) -> None:
    global _start
    _start = barrier


_start: Barrier
"""The barrier at which the processes of a bench wait for each other."""


def _time(task: Task, seconds: float) -> Timing:
    """Search again and again for about that long; the median counts."""
    positions = max(task.in_flight, LEAST_POSITIONS)
    try:
        run = PROGRAMS[task.program](task.evaluator, openings(positions, OPENING), SIMULATIONS, task.in_flight)
        run()  # compiled, before the clock starts
        _start.wait()
    except BaseException:
        _start.abort()  # no process is to wait for one that failed
        raise
    elapsed: list[float] = []
    used: list[float] = []
    end = time.perf_counter() + seconds
    while not elapsed or time.perf_counter() < end:
        wall, processor = time.perf_counter(), time.process_time()
        run()
        elapsed.append(time.perf_counter() - wall)
        used.append(time.process_time() - processor)
    simulations = positions * SIMULATIONS
    return Timing(simulations / median(elapsed), simulations / median(used))
