"""Checks that a device computes what the processor computes: networks, searches and steps of training."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import torch

from ringrift.agents.network_evaluators import GROUPS
from ringrift.benchmarks.loading import FEATURES, write_synthetic
from ringrift.benchmarks.search import stages
from ringrift.datasets import open_dataset
from ringrift.datasets.loader import Batch, Loader
from ringrift.encoding import feature_version
from ringrift.game import get_board, policy_size
from ringrift.networks import InferenceSession, NetworkConfig, ResidualNetwork, build_network
from ringrift.networks.device_queue import CopyingQueue
from ringrift.networks.devices import known_devices
from ringrift.search import CachedEvaluator, GumbelSearch, NetworkEvaluator
from ringrift.search.output import SearchOutput
from ringrift.training import hyper_parameters
from ringrift.training.distributed import ProcessGroup
from ringrift.training.losses import PolicyTarget
from ringrift.training.step import Learner, TrainingSchedule

ROWS: Final = 100
"""Positions of a batch, which is none of the sizes that a device computes."""
LEGAL: Final = 20
FLOAT32: Final = 1e-3
"""The most that float32 may be off, as a share of the spread of the numbers: sums of some thousand in another order."""
BFLOAT16: Final = 0.15
"""The same for bfloat16: dozens of roundings to 8 bits in a row."""
STEPS: Final = 3
SAMPLES: Final = 64
LOSS: Final = 5e-3
"""The most by which losses of the same steps in float32 may differ, relatively: at its first step Adam goes as far for
a gradient that is nearly 0 as for any other, and rounding decides where to."""

Answer = tuple[npt.NDArray[np.float32], ...]


@dataclass(frozen=True)
class GpuCheck:
    """One check and how it went."""

    name: str
    device: str
    passed: bool
    detail: str


def check_device(device: str, board: str = "square8", players: int = 2, architecture: str = "small") -> list[GpuCheck]:
    """Check a device, and of several GPUs each; what cannot be computed at all is a check that failed."""
    checks = [_check(device, name, run, board, players, architecture) for name, run in _CHECKS.items()]
    for other in known_devices():
        if device.startswith("cuda") and other.startswith("cuda:"):
            checks.append(_check(other, "float32 as on the processor", _float32, board, players, architecture))
    return checks


def _check(
    device: str, name: str, run: Callable[[_Subject], tuple[bool, str]], board: str, players: int, architecture: str
) -> GpuCheck:
    try:
        passed, detail = run(_Subject(torch.device(device), board, players, architecture))
    except Exception as error:
        passed, detail = False, f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return GpuCheck(name, device, passed, detail)


class _Subject:
    """A network on a device, and positions for it."""

    def __init__(self, device: torch.device, board: str, players: int, architecture: str) -> None:
        self.device = device
        self.board, self.players = get_board(board), players
        torch.manual_seed(1)
        self.network: ResidualNetwork = build_network(NetworkConfig.of(architecture, board, players, FEATURES))
        for parameter in self.network.parameters():  # else every block is the identity
            if parameter.ndim == 1:
                torch.nn.init.normal_(parameter, 0.5, 0.1)
        self.network.eval()

    def session(self, dtype: torch.dtype, *, queue: Any = None) -> InferenceSession:
        """The network on the device."""
        return InferenceSession(self.network, device=self.device, dtype=dtype, queue=queue)

    def reference(self) -> Answer:
        """Return the answers of the processor in float32."""
        return InferenceSession(self.network, dtype=torch.float32).evaluate(*self.question(ROWS))

    def question(self, rows: int) -> tuple[Any, Any, Any, Any]:
        """Features, globals, offsets and actions of random positions."""
        config, draw = self.network.config, np.random.default_rng(rows)
        size = config.geometry.size
        cells = self.network.stem.mask.cells.numpy().astype(np.uint8)[0]
        features = draw.integers(0, 4, (rows, config.input_planes, size, size), np.uint8) * cells
        actions = draw.integers(0, policy_size(self.board), rows * LEGAL).astype(np.int32)
        globals_ = draw.random((rows, config.input_globals), np.float32)
        return features, globals_, np.arange(rows + 1) * LEGAL, actions

    def search(self, groups: int) -> SearchOutput:
        """A search of positions from all stages of a game."""
        version = feature_version(FEATURES)
        inner = NetworkEvaluator(self.board, self.players, version, self.session(torch.float32))
        evaluator = CachedEvaluator(inner, self.players)
        search = GumbelSearch(self.board, self.players, evaluator, simulations=16, groups=groups)
        return search.run(stages(self.board.name, self.players, 48))


def _exact_float32() -> AbstractContextManager[None]:
    """Make cuDNN multiply float32 as it is, not shortened to TF32."""
    return torch.backends.cudnn.flags(enabled=True, allow_tf32=False)


def _off(answer: Answer, expected: Answer) -> float:
    """Return the largest difference of two answers, as a share of the standard deviation of the expected one."""
    pairs = zip(answer, expected, strict=True)
    return max(float(np.abs(output - reference).max() / max(reference.std(), 1e-6)) for output, reference in pairs)


def _within(answer: Answer, expected: Answer, bound: float) -> tuple[bool, str]:
    off = _off(answer, expected)
    return off <= bound, f"off by {off:.1e} of the spread, at most {bound:g}"


def _float32(subject: _Subject) -> tuple[bool, str]:
    with _exact_float32():
        answer = subject.session(torch.float32).evaluate(*subject.question(ROWS))
    return _within(answer, subject.reference(), FLOAT32)


def _bfloat16(subject: _Subject) -> tuple[bool, str]:
    answer = subject.session(torch.bfloat16).evaluate(*subject.question(ROWS))
    return _within(answer, subject.reference(), BFLOAT16)


def _captured(subject: _Subject) -> tuple[bool, str]:
    """Graphs of fixed sizes against the same kernels one by one."""
    question = subject.question(ROWS)
    with _exact_float32():
        eager = subject.session(torch.float32, queue=CopyingQueue(subject.device)).evaluate(*question)
        answer = subject.session(torch.float32).evaluate(*question)
    return _within(answer, eager, FLOAT32)


def _twice(subject: _Subject) -> tuple[bool, str]:
    session, question = subject.session(torch.bfloat16), subject.question(ROWS)
    first, again = session.evaluate(*question), session.evaluate(*question)
    same = all(np.array_equal(output, repeated) for output, repeated in zip(first, again, strict=True))
    return same, "bit for bit" if same else f"off by {_off(again, first):.1e}"


def _beside(subject: _Subject) -> tuple[bool, str]:
    """Batches that are on their way together against the same ones alone."""
    session = subject.session(torch.bfloat16)
    questions = [subject.question(rows) for rows in (ROWS, 2 * ROWS, 3 * ROWS)]
    alone = [session.evaluate(*question) for question in questions]
    begun = []
    for features, globals_, offsets, actions in questions:
        buffers = session.reserve(len(features), len(actions))
        buffers.features[: len(features)] = features
        buffers.globals[: len(features)] = globals_
        begun.append(session.begin(buffers, len(features), offsets, actions))
    same = True
    for result, expected in zip(begun, alone, strict=True):
        answer = result()
        same &= all(np.array_equal(output, reference) for output, reference in zip(answer, expected, strict=True))
    return same, f"{len(questions)} batches at once, bit for bit" if same else "batches at once spoil each other"


def _searched(subject: _Subject) -> tuple[bool, str]:
    with _exact_float32():
        alone, grouped = subject.search(1), subject.search(GROUPS)
    same = float((alone.chosen_actions == grouped.chosen_actions).mean())
    return same >= 0.95, f"{same:.0%} of the actions are the same, at least 95%"


def _trained(subject: _Subject) -> tuple[bool, str]:
    """The losses of the same steps on both."""
    with _exact_float32(), _some_batches(subject) as batches:
        measured, expected = (
            [learner.step([batch]).losses[0].item() for batch in batches]
            for learner in (_learner(subject, subject.device), _learner(subject, torch.device("cpu")))
        )
    off = max(abs(loss / reference - 1) for loss, reference in zip(measured, expected, strict=True))
    return off <= LOSS, f"losses of {STEPS} steps differ by {off:.1e}, at most {LOSS:g}"


def _unhindered(subject: _Subject) -> tuple[bool, str]:
    """A step of training during which the host never waits for the device."""
    with _some_batches(subject) as batches:
        waits = waits_of(_learner(subject, subject.device, compile=False), batches)
    return waits == 0, f"the host waits {waits} times in {STEPS} steps"


def waits_of(learner: Learner, batches: list[Batch]) -> int:
    """Count how often the host waits for a GPU in steps with these batches, after one that prepares everything."""
    learner.step(batches[:1])
    if learner.device.type != "cuda":
        return 0
    torch.cuda.synchronize(learner.device)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            for batch in batches:
                learner.step([batch])
        finally:
            torch.cuda.set_sync_debug_mode("default")
    return sum("synchroniz" in str(warning.message) for warning in seen)


def _learner(subject: _Subject, device: torch.device, **changes: Any) -> Learner:
    network = subject.network
    own = {"precision": "float32", "dropout": 0.0, "network": network.config.architecture} | changes
    hyper = hyper_parameters(f"{subject.board.name}_{subject.players}p", changes=own)
    torch.manual_seed(1)
    fresh = build_network(network.config)
    return Learner(fresh, hyper, TrainingSchedule(SAMPLES, 100, 0), PolicyTarget(True, 1.0), ProcessGroup(0, 1, device))


@contextmanager
def _some_batches(subject: _Subject) -> Iterator[list[Batch]]:
    with tempfile.TemporaryDirectory() as folder:
        dataset = open_dataset(write_synthetic(Path(folder), subject.board.name, subject.players, 4 * SAMPLES))
        yield list(islice(Loader(dataset, batch=SAMPLES), STEPS))


_CHECKS: Final[dict[str, Callable[[_Subject], tuple[bool, str]]]] = {
    "float32 as on the processor": _float32,
    "bfloat16 as on the processor": _bfloat16,
    "graphs as kernels one by one": _captured,
    "the same answer twice": _twice,
    "batches beside each other": _beside,
    "a search in groups": _searched,
    "steps of training as on the processor": _trained,
    "steps of training without a wait": _unhindered,
}
