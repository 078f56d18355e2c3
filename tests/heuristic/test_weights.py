"""Files of weights: there is one for every config, and a wrong one is explained in one line."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from ringrift.game import UnknownConfig, configs
from ringrift.heuristic import (
    FEATURE_NAMES,
    FEATURES,
    frozen_weights,
    load_weights,
    named_weights,
    save_weights,
    weights_id,
)
from ringrift.settings import DEFAULTS, BadSettings


@pytest.mark.parametrize(("board", "players"), configs())
def test_every_config_has_a_file_that_says_what_its_weights_mean(board: str, players: int) -> None:
    config = f"{board}_{players}p"
    weights = load_weights(config)
    assert weights.shape == (len(FEATURES),)
    assert np.isfinite(weights).all()
    assert weights.any()
    lines = (DEFAULTS / "heuristic" / f"{config}.yaml").read_text().splitlines()
    meanings = [line.partition("# ")[2] for line in lines if line.startswith("  ")]
    assert meanings == [feature.meaning for feature in FEATURES]


def test_weights_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    weights = np.round(np.random.default_rng(0).normal(size=len(FEATURES)), 3)
    path = save_weights("hex8_3p", weights, "Found by chance,\nin two lines.", tmp_path)
    assert path == tmp_path / "hex8_3p.yaml"
    assert path.read_text().startswith("# Found by chance,\n# in two lines.\nweights:\n")
    assert load_weights("hex8_3p", tmp_path).tolist() == weights.tolist()


@pytest.mark.parametrize("weight", [0.009163, -1.234e-05, -123.4, 0.0])
def test_weights_of_any_length_are_read_back(weight: float, tmp_path: Path) -> None:
    """A number that reaches to the comment behind it would swallow it."""
    path = save_weights("hex8_3p", np.full(len(FEATURES), weight), "Made for a test.", tmp_path)
    assert load_weights("hex8_3p", tmp_path).tolist() == [weight] * len(FEATURES)
    assert all(" # " in line for line in path.read_text().splitlines() if line.startswith("  "))


@pytest.mark.parametrize(
    ("line", "instead", "message"),
    [
        ("  mobility: 0.5\n", "", "weights: there is none for mobility; 0 leaves a feature out"),
        ("  mobility: 0.5\n", "  mobilty: 0.5\n", "weights.mobilty: unknown; did you mean 'mobility'?"),
        ("  mobility: 0.5\n", "  mobility: 0.5\n  x: 1\n", f"weights.x: unknown; known are {FEATURE_NAMES[0]}, "),
        ("  mobility: 0.5\n", "  mobility: much\n", "weights.mobility: input should be a valid number, not 'much'"),
        ("  mobility: 0.5\n", "  mobility:\n", "weights.mobility: input should be a valid number, not None"),
        ("  mobility: 0.5\n", "  mobility: .nan\n", "weights.mobility: input should be a finite number, not nan"),
        ("  mobility: 0.5\n", "  mobility: 0.5\n  mobility: 1\n", "is no YAML: 'mobility' stands there twice"),
        ("weights:\n", "weight:\n", "weights: is missing; weight: unknown; did you mean 'weights'?"),
    ],
)
def test_a_wrong_file_is_explained_in_one_line(line: str, instead: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "hex8_2p.yaml"
    text = "weights:\n" + "".join(f"  {name}: 0.5\n" for name in FEATURE_NAMES)
    assert line in text
    path.write_text(text.replace(line, instead))
    with pytest.raises(BadSettings, match="^" + re.escape(f"{path}: {message}")) as raised:
        load_weights("hex8_2p", tmp_path)
    assert "\n" not in str(raised.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"hex8_2p\.yaml: there is no such file"):
        load_weights("hex8_2p", tmp_path)


def test_an_unknown_config_is_refused_before_any_file_is_looked_for(tmp_path: Path) -> None:
    with pytest.raises(UnknownConfig, match="unknown config 'hex9_2p'"):
        load_weights("hex9_2p", tmp_path)


def test_the_frozen_weights_never_change() -> None:
    """Whoever wants others freezes a new version: ratings and gates rest on this one."""
    assert weights_id(frozen_weights()) == "39df99c51dd8945b"
    assert named_weights("v1").tolist() == frozen_weights().tolist()


def test_a_player_names_the_frozen_version_or_a_file(tmp_path: Path) -> None:
    weights = np.arange(len(FEATURES), dtype=float)
    path = save_weights("hex8_3p", weights, "Counted.", tmp_path)
    assert named_weights(str(path)).tolist() == weights.tolist()
    with pytest.raises(BadSettings, match=r"^weights 'v2': are neither the frozen version v1 nor a file that ends in"):
        named_weights("v2")
