from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ringrift.networks import ARCHITECTURES, Architecture
from ringrift.training import TrainingInputs, hyper_parameters
from tests.training.planted import CONFIG, write_both

FAST: dict[str, Any] = {
    "network": "tiny",
    "batch": 32,
    "learning_rate": 0.01,
    "epochs": 2.0,
    "warm_up_epochs": 0.1,
    "replay_ratio": 100.0,
    "ema_decay": 0.9,
    "log_steps": 1,
    "checkpoint_steps": 5,
    "validate_samples": 128,
    "precision": "float32",
}


@pytest.fixture(autouse=True, scope="session")
def tiny() -> Iterator[None]:
    """A network that computes fast."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ARCHITECTURES, "tiny", Architecture(channels=16, blocks=1, squeeze=False, head_channels=8))
        yield


@pytest.fixture
def make_inputs(tmp_path: Path) -> Callable[..., TrainingInputs]:
    """A training on planted data, in folders of the test; hyper-parameters as asked, else fast ones."""
    write_both(tmp_path / "training")

    def make(parent: Path | None = None, runs: str = "runs", **changes: Any) -> TrainingInputs:
        return TrainingInputs(
            CONFIG,
            hyper_parameters(CONFIG, changes=FAST | changes),
            datasets=tmp_path / "training",
            models=tmp_path / "models",
            runs=tmp_path / runs,
            parent=parent,
        )

    return make
