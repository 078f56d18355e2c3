"""A host in numbers: processors that self-play and others use, seen through noise, and processes that start late."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np

from ringrift.resources.control import Controller, Load, ProcessCount
from ringrift.resources.control_settings import control_settings


class SimulatedHost:
    """One machine under control, a look a step; `others(look)` is the share of it that other programs want."""

    def __init__(
        self,
        *,
        cores: int = 16,
        others: Callable[[int], float] = lambda _: 0.0,
        gpu_gain: float | None = None,
        noise: float = 0.03,
        seed: int = 0,
    ) -> None:
        settings = control_settings()
        self.controller = Controller(settings)
        self.count = ProcessCount(cores, cores, settings.patience_looks)
        self.cores, self.others, self.gpu_gain, self.noise = cores, others, gpu_gain, noise
        self.random = np.random.default_rng(seed)
        self.starting: deque[float] = deque([0.0, 0.0], maxlen=2)
        """What self-play did in the looks before: a process needs some to start, or to take in a new pace."""
        self.cpu: list[float] = []
        self.gpu: list[float] = []
        self.processes: list[int] = []

    def run(self, looks: int) -> SimulatedHost:
        for _ in range(looks):
            own = self.starting[0]
            cpu = min(1.0, own + self.others(len(self.cpu)))
            gpu = None if self.gpu_gain is None else min(1.0, self.gpu_gain * own)
            seen = [float(np.clip(value + self.random.normal(0, self.noise), 0, 1)) for value in (cpu, gpu or 0.0)]
            decision = self.controller.look(Load(seen[0], None if gpu is None else seen[1]))
            share = self.count.follow(decision.intensity)
            self.starting.append(self.count.processes * share / self.cores)
            self.cpu.append(cpu)
            self.gpu.append(gpu or 0.0)
            self.processes.append(self.count.processes)
        return self

    def settled(self, values: list[float], low: float = 0.6, high: float = 0.8, since: int = 0) -> int:
        """The number of looks after which the values stay within the band."""
        outside = [look for look, value in enumerate(values) if look >= since and not low <= value <= high]
        return (outside[-1] + 1 if outside else since) - since
