from __future__ import annotations

import pytest
import torch

from ringrift.networks.devices import is_out_of_memory
from ringrift.training import hyper_parameters
from ringrift.training.batch_size import Gpu, StepMemory, batch_for, micro_batch_that_fits

HYPER = hyper_parameters("square8_2p")


def plenty(batch: int) -> int:
    """Steps of a training that has more samples than any batch asks for."""
    return 100_000


@pytest.mark.parametrize(
    ("gpu", "batch"),
    [
        (Gpu("NVIDIA GH200 480GB", 102), 4096),
        (Gpu("NVIDIA H100 80GB HBM3", 85), 2048),
        (Gpu("NVIDIA A100-SXM4-80GB", 85), 1024),
        (Gpu("NVIDIA H200", 151), 4096),
        (Gpu("NVIDIA B200", 191), 4096),
        (Gpu("NVIDIA L40S", 47.8), 1024),
        (Gpu("NVIDIA GeForce RTX 4090", 25.3), 512),
        (Gpu("Tesla T4", 15.6), 256),
        (None, 256),
    ],
)
def test_a_larger_gpu_takes_a_larger_batch_by_its_name_or_its_memory(gpu: Gpu | None, batch: int) -> None:
    assert batch_for(HYPER, gpu, 1, plenty) == batch


def test_the_batch_grows_with_the_gpus_but_not_with_processes_on_processors() -> None:
    assert batch_for(HYPER, Gpu("NVIDIA H100", 85), 8, plenty) == 8 * 2048
    assert batch_for(HYPER, None, 2, plenty) == 256


@pytest.mark.parametrize(("samples", "batch"), [(10_000_000, 2048), (400_000, 1024), (150_000, 256), (3_000, 256)])
def test_a_training_has_some_hundred_steps_before_its_batch_grows(samples: int, batch: int) -> None:
    found = batch_for(HYPER, Gpu("NVIDIA H100 80GB HBM3", 85), 1, lambda size: samples // size)
    assert found == batch
    assert found == HYPER.batch or samples // found >= HYPER.least_steps


@pytest.mark.parametrize("processes", [1, 2, 3, 5, 8])
def test_every_process_has_the_same_share_of_a_batch(processes: int) -> None:
    for samples in (1_000, 300_000, 10_000_000):
        found = batch_for(HYPER, Gpu("NVIDIA H100", 85), processes, samples.__floordiv__)
        assert found % processes == 0
        assert found >= HYPER.batch - processes


def test_a_batch_is_halved_until_it_fits() -> None:
    memory = StepMemory(fixed=0, per_sample=1000)
    assert micro_batch_that_fits(8192, memory, free=9_000_000) == 8192
    assert micro_batch_that_fits(8192, memory, free=8_000_000) == 4096
    assert micro_batch_that_fits(8192, memory, free=1_100_000) == 1024
    assert micro_batch_that_fits(8192, StepMemory(1_000_000, 1000), free=1_100_000) == 64
    assert micro_batch_that_fits(8192, memory, free=-5) == 1


def test_the_parts_of_a_batch_are_all_of_it() -> None:
    for batch in (8192, 384, 682, 25):
        assert batch % micro_batch_that_fits(batch, StepMemory(0, 1000), free=200_000) == 0


def test_what_a_sample_takes_is_told_from_what_a_step_takes_anyway() -> None:
    assert StepMemory.of((32, 64), (5_000_000 + 32 * 700, 5_000_000 + 64 * 700)) == (5_000_000, 700)


def test_running_out_of_memory_is_recognised() -> None:
    with pytest.raises(RuntimeError) as refused:
        torch.empty(2**60)
    assert is_out_of_memory(refused.value)
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("shape mismatch"))
    assert not is_out_of_memory(ValueError("out of memory"))
