"""A training that an earlier version has begun: it is read under the names of today, and goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from ringrift.networks import ARCHITECTURES, Architecture, load_model
from ringrift.training import TrainingInputs, hyper_parameters, train
from ringrift.training.checkpoints import load_checkpoint
from ringrift.training.history import read_history
from ringrift.training.old_names import LOSSES
from tests.contexts import training_context
from tests.old_formats import unpack
from tests.training.planted import CONFIG

RUN = "504dda7d5bc1"
STOPPED_AT = 7
MODEL = "cbc27761cfb29d37"
"""The model that the earlier version made when it went on itself."""
CHANGES = {
    "network": "tiny",
    "batch": 32,
    "epochs": 3.0,
    "warm_up_epochs": 0.1,
    "replay_ratio": 100.0,
    "log_steps": 2,
    "checkpoint_steps": 100,
    "precision": "float32",
    "ema_decay": 0.9,
    "learning_rate": 0.01,
    "least_learning_rate": 0.0,
    "patience": 15,
    "losses": {"entropy_bonus": 0.0},
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setitem(ARCHITECTURES, "tiny", Architecture(channels=4, blocks=1, squeeze=False, head_channels=4))
    return unpack("training.tar.gz", tmp_path)


def test_a_run_of_before_goes_on_where_it_was_stopped(folder: Path) -> None:
    old = load_model(folder / "models" / CONFIG / f"{MODEL}.pth")
    inputs = TrainingInputs(
        CONFIG,
        hyper_parameters(CONFIG, changes=CHANGES),
        datasets=folder / "training",
        models=folder / "new",
        runs=folder / "runs",
    )
    report = train(inputs, training_context(), device="cpu")
    assert report is not None
    assert report.facts.run == RUN
    history = read_history(folder / "runs" / CONFIG / RUN / "history.jsonl")
    assert history.training["step"].tolist() == [2, 4, 6, STOPPED_AT, 8, 10, 12]
    new = load_model(folder / "new" / CONFIG / f"{report.facts.model}.pth").state_dict()
    assert {name: tensor.shape for name, tensor in new.items()} == {n: t.shape for n, t in old.state_dict().items()}
    for name, tensor in old.state_dict().items():
        torch.testing.assert_close(new[name], tensor, rtol=1e-3, atol=1e-4)


def test_losses_and_heads_of_before_have_the_names_of_today(folder: Path) -> None:
    run = folder / "runs" / CONFIG / RUN
    history = read_history(run / "history.jsonl")
    assert history.losses == ["total", "policy", "value", "entropy", *LOSSES.values()]
    assert set(LOSSES.values()) <= history.holdout.keys() & history.seen.keys()
    (path,) = (run / "checkpoints").iterdir()
    tensors = load_checkpoint(path).tensors
    for part in ("module", "average"):
        heads = {name.partition(".")[0] for name in tensors[part]}
        assert heads == {"network", *LOSSES.values()}


def test_settings_of_before_are_understood() -> None:
    changes = {
        "passes": 2.0,
        "average": 0.5,
        "losses": {"reply": 0.1, "owners": 0.2, "plies_left": 0.3, "surgery": True},
    }
    hyper = hyper_parameters(CONFIG, changes=changes)
    losses = hyper.losses
    assert (hyper.replay_ratio, hyper.ema_decay) == (2.0, 0.5)
    assert (losses.opponent_policy, losses.ownership, losses.moves_left, losses.pcgrad) == (0.1, 0.2, 0.3, True)
