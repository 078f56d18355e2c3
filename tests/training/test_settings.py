"""Hyper-parameters by config, preset and network."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringrift.settings import BadSettings
from ringrift.training import hyper_parameters

CONFIG = "square8_2p"


@pytest.fixture
def overlay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of settings that overlays the default."""
    monkeypatch.setenv("RINGRIFT_CONFIG_DIR", str(tmp_path))
    return tmp_path / "hyperparameters.yaml"


def test_what_was_found_for_a_network_holds_in_every_preset_that_trains_it(overlay: Path) -> None:
    overlay.write_text(
        "configs: {square8_2p: {clip: 7.0, learning_rate: 0.5, "
        "networks: {small: {learning_rate: 0.25, losses: {value: 3.0}}}}}"
    )
    laptop, plain, large = (hyper_parameters(CONFIG, preset) for preset in ("laptop", None, "h100"))
    assert (laptop.network, laptop.learning_rate, laptop.losses.value, laptop.clip) == ("small", 0.25, 3.0, 7.0)
    assert laptop.losses.ownership == plain.losses.ownership, "a group keeps what nothing was found for"
    assert (plain.network, plain.learning_rate) == ("v2", 0.5)
    assert large.losses.value == 1.0
    assert hyper_parameters(CONFIG, None, {"network": "small"}).learning_rate == 0.25
    assert hyper_parameters(CONFIG, "laptop", {"learning_rate": 0.1}).learning_rate == 0.1
    assert hyper_parameters("hex8_3p", "laptop").learning_rate == 2e-3


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ("{networks: {small: {learning_rat: 1.0}}}", r"configs\.square8_2p\.networks\.small\): learning_rat: unknown"),
        ("{networks: {smal: {}}}", r"networks\.smal: unknown; did you mean 'small'?"),
        ("{networks: [small]}", r"configs\.square8_2p\): networks: should hold names with values"),
    ],
)
def test_what_is_wrong_in_it_is_one_line(overlay: Path, entry: str, complaint: str) -> None:
    overlay.write_text(f"configs: {{square8_2p: {entry}}}")
    with pytest.raises(BadSettings, match=complaint):
        hyper_parameters(CONFIG, "laptop")
