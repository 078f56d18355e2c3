from __future__ import annotations

import pytest
import torch

from ringrift.training import hyper_parameters
from ringrift.training.batch_size import batch_for, is_out_of_memory, micro_batch_that_fits

GPUS = hyper_parameters("square8_2p").gpu_batches


@pytest.mark.parametrize(
    ("gpu", "batch"),
    [
        ("NVIDIA GH200 480GB", 64 * 256),
        ("NVIDIA H100 80GB HBM3", 32 * 256),
        ("NVIDIA A100-SXM4-40GB", 16 * 256),
        ("NVIDIA GeForce RTX 3090", 256),
        (None, 256),
    ],
)
def test_a_larger_gpu_takes_a_larger_batch(gpu: str | None, batch: int) -> None:
    assert batch_for(256, gpu, GPUS) == batch


def test_a_batch_is_halved_until_it_fits() -> None:
    assert micro_batch_that_fits(8192, bytes_per_sample=1000, free=9_000_000) == 8192
    assert micro_batch_that_fits(8192, bytes_per_sample=1000, free=8_000_000) == 4096
    assert micro_batch_that_fits(8192, bytes_per_sample=1000, free=1_100_000) == 1024
    assert micro_batch_that_fits(8192, bytes_per_sample=1000, free=-5) == 1


def test_running_out_of_memory_is_recognised() -> None:
    with pytest.raises(RuntimeError) as refused:
        torch.empty(2**60)
    assert is_out_of_memory(refused.value)
    assert is_out_of_memory(MemoryError())
    assert not is_out_of_memory(RuntimeError("shape mismatch"))
    assert not is_out_of_memory(ValueError("out of memory"))
