"""What only a GPU can show; `ringrift bench gpu` checks the same and says how far off it is."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch

from ringrift.benchmarks.gpu import (
    Ceilings,
    GpuPlan,
    measure_ceilings,
    measure_network,
    measure_processes,
    measure_search,
    planned,
)
from ringrift.benchmarks.gpu_checks import GpuCheck, check_device
from ringrift.networks import InferenceSession, NetworkConfig, build_network
from ringrift.networks.device_queue import GPU_BATCHES
from ringrift.networks.devices import gpu_count

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU that torch can use")
needs_gpus = pytest.mark.skipif(gpu_count() < 2, reason="needs two NVIDIA GPUs")


def failed(checks: list[GpuCheck]) -> list[GpuCheck]:
    return [check for check in checks if not check.passed]


@needs_gpu
@pytest.mark.parametrize("architecture", ["small", "v2", "v3"])
@pytest.mark.parametrize(("board", "players"), [("square8", 2), ("hex8", 3)])
def test_a_gpu_computes_what_the_processor_computes(board: str, players: int, architecture: str) -> None:
    assert failed(check_device("cuda", board, players, architecture)) == []


@needs_gpu
def test_every_batch_has_one_of_the_few_sizes() -> None:
    config = NetworkConfig.of("small", "square8", 2)
    session = InferenceSession(build_network(config), device="cuda")
    for rows in (1, 63, 65, 700, 5000):
        features = np.zeros((rows, config.input_planes, 8, 8), np.uint8)
        globals_ = np.zeros((rows, config.input_globals), np.float32)
        session.evaluate(features, globals_, np.arange(rows + 1), np.zeros(rows, np.int32))
    assert set(session._captured) <= set(GPU_BATCHES)


@needs_gpu
def test_convolutions_are_fused(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        for dtype in (torch.float32, torch.bfloat16):
            InferenceSession(build_network(NetworkConfig.of("v2", "square8", 2)), device="cuda", dtype=dtype)
    assert caplog.records == []


@needs_gpus
def test_a_session_leaves_other_gpus_alone() -> None:
    torch.cuda.reset_peak_memory_stats(0)
    before = torch.cuda.memory_allocated(0)
    config = NetworkConfig.of("small", "square8", 2)
    session = InferenceSession(build_network(config), device="cuda:1")
    features = np.zeros((100, config.input_planes, 8, 8), np.uint8)
    session.evaluate(
        features, np.zeros((100, config.input_globals), np.float32), np.arange(101), np.zeros(100, np.int32)
    )
    assert torch.cuda.max_memory_allocated(0) == before


def test_the_processor_passes_every_check_that_a_gpu_has_to_pass() -> None:
    checks = check_device("cpu", architecture="small")
    assert failed(checks) == []
    assert len(checks) == 8


def test_what_cannot_be_computed_is_a_check_that_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise RuntimeError("CUDA error: no kernel image\nis available")

    monkeypatch.setattr(InferenceSession, "evaluate", refuse)
    found = {check.name: check for check in check_device("cpu")}
    assert not found["the same answer twice"].passed
    assert found["the same answer twice"].detail == "RuntimeError: CUDA error: no kernel image is available"
    assert found["steps of training without a wait"].passed


def test_a_processor_is_measured_in_a_small_way() -> None:
    plan = GpuPlan("cpu", "square8_2p", ("small",), (8,), (8,), (1,), 8)
    ceilings = measure_ceilings("cpu")
    assert isinstance(ceilings, Ceilings)
    assert ceilings.to_device is None
    (rate,) = measure_network(plan, "square8", 2, "small")
    assert (rate.mode, rate.batch) == ("eager", 8)
    found = measure_search(plan, "square8", 2, "small", 8, 3, rate.positions_per_second)
    assert found.games == 8
    assert found.evaluations_per_second > 0
    assert 0 <= found.cached < 1
    assert 0 < found.in_network < 1
    played = measure_processes(plan, "small", 1, 2)
    assert played.moves_per_second > 0
    assert 0 < played.in_network < 1


def test_more_is_planned_for_a_gpu_than_for_a_processor() -> None:
    small, large = planned("cpu", "square8_2p", "square8"), planned("cuda", "square8_2p", "square8")
    assert max(small.batches) < max(large.batches)
    assert set(small.architectures) < set(large.architectures)
