"""A step of training and a batch of inference ask a GPU for nothing that the host would have to wait for.

On a CPU nothing waits, but what would wait on a GPU can be seen: operations that bring a number to the host, or whose
output has a size that only the device knows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from ringrift.datasets import open_dataset
from ringrift.datasets.loader import Batch, Loader
from ringrift.networks import InferenceSession, NetworkConfig, build_network
from ringrift.training import hyper_parameters
from ringrift.training.distributed import ProcessGroup
from ringrift.training.losses import PolicyTarget
from ringrift.training.step import Learner, TrainingSchedule
from tests.networks.recording_queue import RecordingQueue
from tests.training.conftest import FAST
from tests.training.planted import write_planted

WAITING = ("_local_scalar_dense", "nonzero", "masked_select", "unique", "equal", "bincount", "item")


class WaitsRecorded(TorchDispatchMode):
    """Keeps the names of all operations for which the host would wait."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.operations = 0

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
        options = options or {}
        name = function.overloadpacket.__name__
        self.operations += 1
        sized = name == "repeat_interleave" and options.get("output_size") is None
        masked = name == "index" and any(one is not None and one.dtype == torch.bool for one in arguments[1])
        if name in WAITING or sized or masked:
            self.found.append(name)
        return function(*arguments, **options)


@contextmanager
def no_wait() -> Iterator[None]:
    with WaitsRecorded() as recorded:
        yield
    assert recorded.found == []
    assert recorded.operations > 10


@pytest.fixture
def batches(tmp_path: Path) -> list[Batch]:
    return list(islice(Loader(open_dataset(write_planted(tmp_path, 64)), batch=32), 2))


@pytest.fixture
def make_learner() -> Callable[..., Learner]:
    def make(**changes: Any) -> Learner:
        hyper = hyper_parameters("square8_2p", changes=FAST | changes)
        network = build_network(NetworkConfig.of("tiny", "square8", 2, "v1"))
        group = ProcessGroup(0, 1, torch.device("cpu"))
        return Learner(network, hyper, TrainingSchedule(32, 300, 5), PolicyTarget(True, 0.5), group)

    return make


@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("pcgrad", [False, True])
def test_a_step_of_training_waits_for_nothing(
    make_learner: Callable[..., Learner], batches: list[Batch], pcgrad: bool, smoothing: float, parts: int
) -> None:
    learner = make_learner(losses={"pcgrad": pcgrad, "smoothing": smoothing})
    learner.step(batches[:1])  # the optimiser makes its moments
    with no_wait():
        learner.step(batches[:parts])


def test_a_wait_would_be_seen() -> None:
    with WaitsRecorded() as recorded:
        float(torch.arange(3).sum())
        torch.arange(3)[torch.tensor([True, False, True])]
        torch.repeat_interleave(torch.arange(3))
    assert len(recorded.found) >= 3


def test_a_batch_of_inference_begins_without_a_wait() -> None:
    config = NetworkConfig.of("tiny", "hex8", 2, "v1")
    session = InferenceSession(build_network(config), dtype=torch.float32, queue=RecordingQueue())
    buffers = session.reserve(20, 60)
    offsets, actions = np.arange(21) * 3, np.zeros(60, np.int32)
    session.begin(buffers, 20, offsets, actions)()
    with no_wait():
        session.begin(session.reserve(20, 60), 20, offsets, actions)
