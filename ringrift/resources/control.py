"""The control of a host's utilisation: how much self-play it should do, decided at every look by a PID controller.

The intensity is a share of the machine, 0 … 1. It becomes a number of processes and the share of the time in which
each of them works, as a whole number of processes would be too coarse: of two processors, one process is half.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from typing import Final

from scipy.stats import linregress

from ringrift.resources.control_settings import ControlSettings, GpuMemorySettings, PidSettings

LEAST: Final = 0.02
"""The intensity below which self-play never goes: its games end at some time, whatever else runs on the machine."""
SPARE: Final = 0.5
"""The part of a process that there may be too much."""


@dataclass(frozen=True)
class Load:
    """The utilisation of a machine, in shares; None for GPUs where there are none."""

    cpu: float
    gpu: float | None = None
    """The share of the time in which the busiest GPU computes."""
    gpu_memory: float | None = None
    """The share of the fullest GPU's memory in use."""


@dataclass(frozen=True)
class Trend:
    """The trend of the utilisation."""

    slope: float
    """Change of the share from one look to the next."""
    ahead: float
    """The share that is expected in the near future."""
    confidence: float
    """1 − p of the slope: near 1 if it is hardly chance."""


@dataclass(frozen=True)
class Decision:
    """The decision of one step of the control."""

    intensity: float
    """The share of the machine that self-play should use."""
    batch: float
    """The factor of the games side by side."""
    cpu: float
    """Smoothed, as the next."""
    gpu: float | None
    trend: Trend | None
    why: str


class Pid:
    """A PID controller whose output stays within 0 … 1.

    The integral stops growing where the output is at its limit (anti-windup), and the derivative is that of the
    measurement, so that a new target makes no kick (Åström and Hägglund, PID Controllers, 1995, chapter 3).
    """

    def __init__(self, settings: PidSettings) -> None:
        self.settings = settings
        self.integral = 0.0
        self._last: float | None = None

    def step(self, error: float, gain: float) -> float:
        """Return the output for the error of a look, with the gains multiplied by `gain`."""
        settings = self.settings
        change = 0.0 if self._last is None else error - self._last
        self._last = error
        fast = gain * (settings.kp * error + settings.kd * change)
        grown = self.integral + gain * settings.ki * error
        if 0 <= fast + grown <= 1 or (fast + grown > 1) == (error < 0):
            self.integral = min(1.0, max(0.0, grown))
        return min(1.0, max(0.0, fast + self.integral))


def trend_of(values: deque[float], ahead: int) -> Trend | None:
    """Return the line through the last looks; None if there are fewer than three."""
    if len(values) < 3:
        return None
    if min(values) == max(values):
        return Trend(0.0, values[-1], 0.0)
    line = linregress(range(len(values)), list(values))
    return Trend(float(line.slope), float(values[-1] + ahead * line.slope), 1 - float(line.pvalue))


def batch_factor(used: float | None, factor: float, settings: GpuMemorySettings) -> float:
    """Return the next factor of the games side by side, by the share of a GPU's memory in use with the present one.

    It grows only if the memory, taken to grow with the games, would stay below the limit: so it does not swing.
    """
    if used is None:
        return 1.0
    if used >= settings.critical:
        return settings.least
    if used >= settings.high:
        return min(factor, settings.factor)
    steps = [step for step in (settings.factor, 1.0) if step > factor and used * step / factor < settings.high]
    return max(steps, default=factor)


@dataclass
class Controller:
    """The controller of one machine, from look to look."""

    settings: ControlSettings
    pid: Pid = field(init=False)
    batch: float = 1.0
    _cpu: float | None = None
    _gpu: float | None = None
    _seen: deque[float] = field(init=False)

    def __post_init__(self) -> None:
        self.pid = Pid(self.settings.pid)
        self._seen = deque(maxlen=self.settings.trend.looks)

    def look(self, load: Load) -> Decision:
        """Decide by what a look has seen."""
        settings = self.settings
        self._cpu = cpu = self._smoothed(self._cpu, load.cpu)
        self._gpu = gpu = None if load.gpu is None else self._smoothed(self._gpu, load.gpu)
        of_cpu = (settings.cpu.target - cpu, cpu, settings.cpu, "processors")
        of_gpu = [] if gpu is None else [(settings.gpu.target - gpu, gpu, settings.gpu, "GPU")]
        error, used, limit, name = min([of_cpu, *of_gpu], key=lambda usage: usage[0])
        self._seen.append(used)
        trend = trend_of(self._seen, settings.trend.ahead)
        sure = trend is not None and trend.confidence >= settings.trend.confidence
        expected = trend.ahead if trend is not None and sure else used
        gain, haste = 1.0, "within the band"
        if max(used, expected) >= limit.critical and error < 0:
            gain, haste = settings.gains.critical, "critical" if used >= limit.critical else "about to be critical"
        elif not settings.band.low <= used <= settings.band.high:
            gain, haste = settings.gains.outside, "below the band" if error > 0 else "above the band"
        self.batch = batch_factor(load.gpu_memory, self.batch, settings.gpu_memory)
        cut = (
            "" if self.batch == 1 else f"; GPU memory {load.gpu_memory:.0%}: {self.batch:.0%} of the games side by side"
        )
        why = f"{name} {used:.0%} of {limit.target:.0%}, {haste}{cut}"
        return Decision(max(LEAST, self.pid.step(error, gain)), self.batch, cpu, gpu, trend, why)

    def _smoothed(self, before: float | None, now: float) -> float:
        weight = self.settings.smoothing
        return now if before is None else before + weight * (now - before)


@dataclass
class ProcessCount:
    """The number of processes for an intensity: more at once, fewer only when that has been enough for a while.

    To end a process gives up its running games; that there are too many costs nothing but memory, as all rest more.
    """

    cores: int
    most: int
    patience: int
    processes: int = 1
    _enough: list[int] = field(default_factory=list)

    def follow(self, intensity: float) -> float:
        """Take in the intensity of a look; return the share of the time in which each process works."""
        wanted = intensity * self.cores
        self.processes = min(self.most, max(self.processes, math.ceil(wanted)))
        enough = max(1, math.ceil(wanted + SPARE))
        self._enough = [*self._enough, enough] if enough < self.processes else []
        if len(self._enough) >= self.patience:
            self.processes, self._enough = max(self._enough), []
        return min(1.0, max(LEAST, wanted / self.processes))


def most_processes(cores: int, memory_gb: float, settings: ControlSettings) -> int:
    """Return how many processes of self-play a machine can bear, at least one."""
    return max(1, min(cores, int(settings.memory * memory_gb / settings.process_gb)))
