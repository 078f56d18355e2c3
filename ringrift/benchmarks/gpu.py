"""The use of a GPU in self-play and training: its ceilings, and what networks, searches and steps reach of them.

Everything also runs on a processor, where it shows that it runs, and small.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Final

import numpy as np
import torch
from torch.nn import functional

from ringrift.agents.network_evaluators import GPU_CACHE_MEGABYTES, GROUPS
from ringrift.benchmarks.gpu_checks import waits_of
from ringrift.benchmarks.loading import FEATURES, write_synthetic
from ringrift.benchmarks.networks import LEGAL_ACTIONS, timed_on
from ringrift.benchmarks.search import SIMULATIONS, stages
from ringrift.benchmarks.selfplay import save_untrained
from ringrift.datasets import open_dataset
from ringrift.datasets.loader import Loader
from ringrift.encoding import feature_version
from ringrift.game import get_board, policy_size
from ringrift.networks import (
    InferenceSession,
    NetworkConfig,
    build_network,
    flops,
    inference_copy,
    inference_type,
)
from ringrift.networks.device_queue import CopyingQueue
from ringrift.networks.devices import gpu_count
from ringrift.run_context import RunContext
from ringrift.search import CachedEvaluator, GumbelSearch, NetworkEvaluator
from ringrift.selfplay import SelfPlayOptions, selfplay_settings
from ringrift.selfplay.processes import SelfPlayShare, run_in_processes, run_share
from ringrift.training import hyper_parameters
from ringrift.training.distributed import ProcessGroup
from ringrift.training.losses import PolicyTarget
from ringrift.training.step import Learner, TrainingSchedule

REPEATS: Final = 7
COPY_BYTES: Final = 64 << 20
"""The size of a copy: some batches of features."""
BEGINNING: Final = 24
"""The moves of a game of self-play that are measured: batches are full that long."""
STEPS: Final = 8
"""The steps of training that are measured."""


@dataclass(frozen=True)
class Ceilings:
    """The ceilings of a device."""

    device: str
    dtype: str
    matrix_tflops: float
    """10¹² floating-point operations per second of a large product of matrices."""
    convolution_tflops: float
    """The same of a 3×3 convolution of 256 channels."""
    to_device: float | None
    """GB/s from pinned memory; None where both sides are one."""
    to_host: float | None
    launch_microseconds: float
    """The time that the host takes to ask for the smallest piece of work."""


@dataclass(frozen=True)
class NetworkRate:
    """The speed of a network whose inputs lie on the device."""

    config: str
    architecture: str
    mode: str
    """`eager`: layer by layer; `fused`: with cuDNN's joined kernels; `graph`: those in one launch."""
    batch: int
    positions_per_second: float
    share: float
    """The share of the ceiling of convolutions."""


@dataclass(frozen=True)
class SearchRate:
    """The speed of searches with a network."""

    config: str
    architecture: str
    games: int
    groups: int
    evaluations_per_second: float
    """Positions that the network computes."""
    cached: float
    """The share of the positions that the cache has."""
    share: float
    """Evaluations per second as a share of those of the network alone."""
    in_network: float
    """The share of the time that the host spends on asking the network and on waiting for it."""
    mean_batch: float


@dataclass(frozen=True)
class ProcessesRate:
    """The speed of self-play in several processes."""

    config: str
    architecture: str
    processes: int
    games: int
    """The games side by side in all processes together."""
    moves_per_second: float
    in_network: float
    """The share of the time that the processes spend on asking the network and on waiting for it."""


@dataclass(frozen=True)
class TrainingRate:
    """The speed of training."""

    config: str
    architecture: str
    batch: int
    samples_per_second: float
    step_milliseconds: float
    loader_milliseconds: float
    """The part of a step in which the host waits for a batch."""
    network_milliseconds: float
    """Forward and backward pass alone."""
    waits: int
    """The waits of the host for the device in a step, beside the one that holds it back two steps ahead."""


@dataclass(frozen=True)
class GpuPlan:
    """The plan of the measurements."""

    device: str
    config: str
    architectures: tuple[str, ...]
    batches: tuple[int, ...]
    games: tuple[int, ...]
    processes: tuple[int, ...]
    training_batch: int


def planned(device: str, config: str, board: str) -> GpuPlan:
    """Return what to measure on a device: on a processor a small part of it."""
    if device == "cpu":
        return GpuPlan(device, config, ("small",), (64,), (32,), (1,), 64)
    games = (256, 1024, 4096) if board in ("square8", "hex8") else (64, 256, 512)
    return GpuPlan(device, config, ("small", "v2", "v3"), (64, 256, 1024, 4096), games, (1, 2, 4, 8), 2048)


@cache
def measure_ceilings(device: str) -> Ceilings:
    """Measure what the device does at best."""
    where = torch.device(device)
    dtype = inference_type(where)
    side, batch, channels, size = (512, 8, 128, 8) if where.type == "cpu" else (8192, 1024, 256, 8)
    left, right = (torch.rand(side, side, device=where).to(dtype) for _ in range(2))
    image = torch.rand(batch, channels, size, size, device=where).to(dtype, memory_format=torch.channels_last)
    kernel = torch.rand(channels, channels, 3, 3, device=where).to(dtype, memory_format=torch.channels_last)
    with torch.inference_mode():
        product = _seconds(lambda: left @ right, where)
        convolved = _seconds(lambda: functional.conv2d(image, kernel, padding=1), where)
    to_device, to_host = (None, None) if where.type == "cpu" else _copies(where)
    return Ceilings(
        device=device,
        dtype=str(dtype).removeprefix("torch."),
        matrix_tflops=2 * side**3 / product / 1e12,
        convolution_tflops=2 * kernel.numel() * batch * size**2 / convolved / 1e12,
        to_device=to_device,
        to_host=to_host,
        launch_microseconds=_launch(where) * 1e6,
    )


def measure_network(plan: GpuPlan, board: str, players: int, architecture: str) -> Iterator[NetworkRate]:
    """Measure a network by batch and mode."""
    where = torch.device(plan.device)
    dtype = inference_type(where)
    config = NetworkConfig.of(architecture, board, players, FEATURES)
    network = build_network(config)
    operations = flops(config, whole_policy=False)
    ceiling = measure_ceilings(plan.device).convolution_tflops * 1e12
    for batch in plan.batches:
        size = config.geometry.size
        features = torch.zeros(batch, config.input_planes, size, size, dtype=torch.uint8, device=where)
        globals_ = torch.zeros(batch, config.input_globals, device=where)
        images = features.contiguous(memory_format=torch.channels_last)
        plain = inference_copy(network, dtype, torch.channels_last).to(where)
        modes: dict[str, Callable[[], object]] = {"eager": lambda: plain.heads(images, globals_)}  # noqa: B023
        if where.type == "cuda":
            fused = InferenceSession(network, dtype=dtype, queue=CopyingQueue(where))._network
            session = InferenceSession(network, device=where, dtype=dtype)
            modes["fused"] = lambda: fused.heads(images, globals_)  # noqa: B023
            with torch.inference_mode(), session.queue.computing():
                modes["graph"] = session._capture(batch)[1]
        for mode, run in modes.items():
            with torch.inference_mode():
                rate = batch / _seconds(run, where)
            yield NetworkRate(
                plan.config, architecture, mode, batch, rate, share=operations * rate / ceiling if ceiling else 0.0
            )


def measure_search(
    plan: GpuPlan, board_name: str, players: int, architecture: str, games: int, groups: int, alone: float
) -> SearchRate:
    """Measure searches of `games` games in `groups` groups; `alone` is the network's own speed, in positions/s."""
    board, states = get_board(board_name), stages(board_name, players, games)[:games]
    network = build_network(NetworkConfig.of(architecture, board_name, players, FEATURES))
    session = InferenceSession(network, device=plan.device)
    inner = NetworkEvaluator(board, players, feature_version(FEATURES), session)
    evaluator = CachedEvaluator(inner, players, megabytes=GPU_CACHE_MEGABYTES)
    search = GumbelSearch(board, players, evaluator, simulations=SIMULATIONS, groups=groups)
    search.run(states[: max(len(states) // 2, 1)])  # kernels, graphs and arenas are there before the clock starts
    search.run(states)
    evaluator.entries.keys[:] = 0
    lookups, hits, inner.seconds = evaluator.lookups, evaluator.hits, 0.0
    start = time.perf_counter()
    search.run(states)
    seconds = time.perf_counter() - start
    looked_up, known = evaluator.lookups - lookups, evaluator.hits - hits
    return SearchRate(
        config=plan.config,
        architecture=architecture,
        games=len(states),
        groups=groups,
        evaluations_per_second=(looked_up - known) / seconds,
        cached=known / max(looked_up, 1),
        share=(looked_up - known) / seconds / alone,
        in_network=inner.seconds / seconds,
        mean_batch=(looked_up - known) / ((SIMULATIONS + 1) * groups),
    )


def measure_evaluations(plan: GpuPlan, board: str, players: int, architecture: str, batch: int) -> float:
    """Measure the positions per second of a session: what a search could have if it cost nothing."""
    config = NetworkConfig.of(architecture, board, players, FEATURES)
    session, size = InferenceSession(build_network(config), device=plan.device), config.geometry.size
    draw, legal = np.random.default_rng(0), LEGAL_ACTIONS[board]
    features = draw.integers(0, 2, (batch, config.input_planes, size, size), np.uint8)
    globals_, offsets = draw.random((batch, config.input_globals), np.float32), np.arange(batch + 1) * legal
    actions = draw.integers(0, policy_size(config.geometry), batch * legal).astype(np.int32)

    def several() -> None:
        begun = []
        for _ in range(GROUPS):
            buffers = session.reserve(batch, len(actions))
            buffers.features[:batch], buffers.globals[:batch] = features, globals_
            begun.append(session.begin(buffers, batch, offsets, actions))
        for result in begun:
            result()

    return GROUPS * batch / _seconds(several, session.device)


def measure_processes(plan: GpuPlan, architecture: str, processes: int, games: int) -> ProcessesRate:
    """Measure the beginnings of games of self-play, from the first decision on."""
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "untrained.pth"
        save_untrained(model, plan.config, architecture)
        options = SelfPlayOptions(
            config=plan.config,
            run="benchmark",
            players=f"gumbel:{model}@{SIMULATIONS}?noise=1",
            seed=0,
            max_moves=BEGINNING,
            progress=0.0,
            resigns=False,
            settings=selfplay_settings(plan.config),
        )
        whole = SelfPlayShare(
            options=options,
            place=0,
            processes=processes,
            device=plan.device,
            root=Path(folder),
            host="benchmark",
            worker="0",
            models=Path(folder),
            games=games,
            more=None,
            side_by_side=max(1, games // processes),
        )
        context = RunContext(None)
        report = run_share(whole, context) if processes == 1 else run_in_processes(whole, context, gpus=gpu_count())
    return ProcessesRate(
        plan.config, architecture, processes, games, report.moves_per_second, in_network=report.network_share
    )


def measure_training(plan: GpuPlan, board: str, players: int, architecture: str) -> TrainingRate:
    """Measure steps of training, with the loader, on synthetic data."""
    where, batch = torch.device(plan.device), plan.training_batch
    group = ProcessGroup(0, 1, where)
    hyper = hyper_parameters(plan.config, changes={"network": architecture, "batch": batch})
    network = build_network(NetworkConfig.of(architecture, board, players, FEATURES))
    learner = Learner(network, hyper, TrainingSchedule(batch, 10**6, 0), PolicyTarget(True, 1.0), group)
    with tempfile.TemporaryDirectory() as folder:
        batches = iter(Loader(open_dataset(write_synthetic(Path(folder), board, players, 4 * batch)), batch=batch))
        few = list(islice(batches, 2))
        waits = waits_of(learner, few)
        first = few[0].to(where)

        def passes() -> None:
            outputs = learner.outputs(learner.module, first)
            torch.stack([output.mean() for output in outputs]).sum().backward()  # type: ignore[no-untyped-call]
            learner.optimiser.zero_grad()

        passes_alone = _seconds(passes, where)
        loading = 0.0

        def steps() -> None:
            nonlocal loading
            for _ in range(STEPS):
                start = time.perf_counter()
                prepared = next(batches)
                loading += time.perf_counter() - start
                learner.step([prepared])

        seconds = timed_on(where, steps)
    return TrainingRate(
        config=plan.config,
        architecture=architecture,
        batch=batch,
        samples_per_second=STEPS * batch / seconds,
        step_milliseconds=seconds / STEPS * 1e3,
        loader_milliseconds=loading / STEPS * 1e3,
        network_milliseconds=passes_alone * 1e3,
        waits=round(waits / len(few)),
    )


def _seconds(run: Callable[[], object], device: torch.device) -> float:
    """Return the median seconds of a call, after two that prepare kernels and memory."""
    return median([timed_on(device, run) for _ in range(2 + REPEATS)][2:])


def _copies(device: torch.device) -> tuple[float, float]:
    """Return the GB/s of copies to the device and back."""
    host = torch.empty(COPY_BYTES, dtype=torch.uint8, pin_memory=device.type == "cuda")
    on_device = torch.empty(COPY_BYTES, dtype=torch.uint8, device=device)
    to_device = _seconds(lambda: on_device.copy_(host, non_blocking=True), device)
    to_host = _seconds(lambda: host.copy_(on_device, non_blocking=True), device)
    return COPY_BYTES / to_device / 1e9, COPY_BYTES / to_host / 1e9


def _launch(device: torch.device, calls: int = 1000) -> float:
    """Return the seconds that the host takes for one of many small calls."""
    number = torch.zeros(1, device=device)

    def many() -> None:
        for _ in range(calls):
            number.add_(1)

    return _seconds(many, device) / calls
