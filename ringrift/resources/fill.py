"""Self-play that fills a host, and no more: one service for each config, which agree on their numbers of processes.

Each service leaves a request. The one that holds the lock looks at the machine, decides for all and writes the plan;
when it ends, another one takes the lock. Each starts and ends the processes of its own config.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import psutil

from ringrift.errors import WRONG_USE, Busy, RingRiftError
from ringrift.files import new_file, take_lock
from ringrift.kernels.threads import default_threads
from ringrift.resources.control import Controller, Load, ProcessCount, most_processes
from ringrift.resources.control_settings import ControlSettings
from ringrift.resources.negotiation import Negotiation
from ringrift.resources.pace import PLAN, Plan, read_plan
from ringrift.resources.usage import GIGABYTE, gpu_usage, gpu_work
from ringrift.run_context import RunContext

REQUESTS: Final = "requests"
MISSED: Final = 3
"""Looks without a word of a service, after which its processes are given to others."""
END_SECONDS: Final = 30.0
"""The time that a process may take to end."""

StartWorker = Callable[[int, float, int], "subprocess.Popen[bytes]"]
"""Starts the process of a number, with a factor of the games side by side, and its place among all of the host."""


class WorkerFailed(RingRiftError):
    """Self-play that would fail again."""


_log = logging.getLogger(__name__)


def load_now() -> Load:
    """Look at this machine; the processors since the last look."""
    memory = gpu_usage()
    return Load(psutil.cpu_percent(None) / 100, gpu_work(), None if memory is None else memory.share)


@dataclass
class HostControl:
    """The control of a machine, in the hands of one process."""

    settings: ControlSettings
    cores: int
    memory_gb: float
    controller: Controller = field(init=False)
    count: ProcessCount = field(init=False)
    negotiation: Negotiation = field(default_factory=Negotiation)
    _given: dict[str, int] = field(default_factory=dict)
    _for: tuple[object, ...] = ()
    _turn: float = float("-inf")

    def __post_init__(self) -> None:
        self.controller = Controller(self.settings)
        most = most_processes(self.cores, self.memory_gb, self.settings)
        self.count = ProcessCount(self.cores, most, self.settings.patience_looks)

    def plan(self, load: Load, weights: Mapping[str, float], now: float) -> Plan:
        """Decide for the configs with a request, by their weights; `now` in seconds since 1970."""
        decision = self.controller.look(load)
        working = self.count.follow(decision.intensity)
        processes, requested = self.count.processes, tuple(sorted(weights.items()))
        over = processes < len(weights) and now - self._turn >= 60 * self.settings.turn_minutes
        if over or (processes, requested) != self._for:
            self._given = self.negotiation.share(processes, weights)
            self._for, self._turn = (processes, requested), now
        trend = decision.trend
        return Plan(
            decided=now,
            cpu=decision.cpu,
            gpu=decision.gpu,
            gpu_memory=load.gpu_memory,
            ahead=None if trend is None else trend.ahead,
            confidence=None if trend is None else trend.confidence,
            intensity=decision.intensity,
            working=working,
            batch=decision.batch,
            processes=self._given,
            why=decision.why,
        )


class Workers:
    """The processes of one config."""

    def __init__(self, config: str, start: StartWorker) -> None:
        self.config = config
        self._start = start
        self._running: dict[int, tuple[subprocess.Popen[bytes], float]] = {}

    def adjust(self, count: int, batch: float, first: int = 0) -> None:
        """Run `count` processes, with that factor of the games side by side; those that have ended begin anew.

        :param first: how many processes of other configs come before.
        """
        for number, (process, started_with) in list(self._running.items()):
            if process.poll() is not None:
                if process.returncode == WRONG_USE:
                    raise WorkerFailed(f"{self.config}: its self-play cannot begin; the line above says why")
                _log.warning("%s: worker %d has ended with exit code %d", self.config, number, process.returncode)
                del self._running[number]
            elif number >= count or started_with != batch:
                self._end([number])
        for number in range(count):
            if number not in self._running:
                self._running[number] = self._start(number, batch, first + number), batch

    def end(self) -> None:
        """End all; what they have finished is kept."""
        self._end(list(self._running))

    def _end(self, numbers: list[int]) -> None:
        processes = [self._running.pop(number)[0] for number in numbers]
        for process in processes:
            process.terminate()
        for process in processes:
            try:
                process.wait(END_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def fill(
    config: str,
    weight: float,
    start: StartWorker,
    context: RunContext[ControlSettings],
    *,
    home: Path,
    look: Callable[[], Load] = load_now,
) -> None:
    """Play a config with as many processes as the host can bear beside its other work, until it is cancelled."""
    settings, plan_file = context.settings, home / PLAN
    folder = plan_file.parent
    workers = Workers(config, start)
    control: HostControl | None = None
    lock: int | None = None
    told: tuple[object, ...] = ()
    try:
        while not context.cancelled:
            with new_file(folder / REQUESTS / f"{config}.json") as stream:
                stream.write(json.dumps(weight).encode())
            if control is None:
                with suppress(Busy):
                    lock = take_lock(folder / ".lock", folder, Busy("another service of this host decides"))
                    control = HostControl(settings, default_threads(), psutil.virtual_memory().total / GIGABYTE)
                    look()  # what counts is the time since the last look
            else:
                decided = control.plan(look(), requests(folder / REQUESTS, settings), time.time())
                decided.write(plan_file)
                told = _log_decision(decided, told)
            if (plan := read_plan(plan_file)) is not None:
                first = sum(count for name, count in plan.processes.items() if name < config)
                workers.adjust(plan.processes.get(config, 0), plan.batch, first)
                context.progress("processes", plan.processes.get(config, 0), None, plan.why)
            until = time.monotonic() + settings.look_seconds
            while not context.cancelled and time.monotonic() < until:
                time.sleep(min(0.2, settings.look_seconds))
    finally:
        workers.end()
        (folder / REQUESTS / f"{config}.json").unlink(missing_ok=True)
        if lock is not None:
            os.close(lock)


def _log_decision(plan: Plan, told: tuple[object, ...]) -> tuple[object, ...]:
    """Log a decision, unless only its figures differ from the one that was logged before; return what identifies it."""
    verdict = plan.why.partition(", ")[2].partition(";")[0]
    decision = plan.processes, plan.batch, verdict
    if decision != told:
        processes = ", ".join(f"{config} {count}" for config, count in plan.processes.items()) or "none"
        _log.info("%s: processes %s, each working %.0f%% of the time", plan.why, processes, 100 * plan.working)
    return decision


def requests(folder: Path, settings: ControlSettings) -> dict[str, float]:
    """Return the weights of the configs whose services are alive."""
    weights = {}
    for path in sorted(folder.glob("*.json")):
        with suppress(OSError, ValueError, TypeError):
            if time.time() - path.stat().st_mtime < (MISSED + 1) * settings.look_seconds + 5:
                weights[path.stem] = float(json.loads(path.read_bytes()))
    return weights
