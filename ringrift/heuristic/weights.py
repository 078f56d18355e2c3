"""The weights of the heuristic: one file per config, every feature named.

The files of the configs get better with time. What has to stay comparable, such as the anchors of the Elo scale, plays
with a frozen version, which no file of settings can overlay.
"""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path
from typing import Final

import numpy as np

from ringrift.files import new_file
from ringrift.game.boards import parse_config
from ringrift.heuristic.layout import FEATURE_NAMES, FEATURES
from ringrift.kernels.types import F64
from ringrift.settings import DEFAULTS, BadSettings, Settings, config_folder, read_config, read_settings, unknown_name

Weights = F64
"""`[F]`, one weight per feature, in the order of `FEATURES`."""

FROZEN: Final = "v1"
"""The name of the frozen version, the same for all configs: set by hand, before any were tuned."""


class WeightsFile(Settings):
    """A file of weights, by the names of the features."""

    weights: dict[str, float]


def weights_path(config: str, folder: Path | None = None) -> Path:
    """Return the path of the weights of a config."""
    parse_config(config)
    return (folder or config_folder() / "heuristic") / f"{config}.yaml"


def load_weights(config: str, folder: Path | None = None) -> Weights:
    """Return the weights of a config; `BadSettings` names the file and a feature that is wrong or missing."""
    path = weights_path(config, folder)
    file = read_settings(path, WeightsFile) if folder else read_config(f"heuristic/{config}.yaml", WeightsFile)
    return _in_order(file, path)


def read_weights(path: Path) -> Weights:
    """Return the weights of any file; `BadSettings` as `load_weights`."""
    return _in_order(read_settings(path, WeightsFile), path)


def frozen_weights() -> Weights:
    """Return the weights of the frozen version."""
    return read_weights(DEFAULTS / "heuristic" / "frozen" / f"{FROZEN}.yaml")


def named_weights(name: str) -> Weights:
    """Return the weights that a player's spec names: the frozen version, or those of a file."""
    if name == FROZEN:
        return frozen_weights()
    if not name.endswith((".yaml", ".yml")):
        raise BadSettings(f"weights {name!r}: are neither the frozen version {FROZEN} nor a file that ends in .yaml")
    return read_weights(Path(name))


def weights_id(weights: Weights) -> str:
    """Return a name for weights, the same for the same numbers: 16 hexadecimal digits."""
    return sha256(np.ascontiguousarray(weights, "<f8").tobytes()).hexdigest()[:16]


def _in_order(file: WeightsFile, path: Path) -> Weights:
    """Return the weights of a file in the order of `FEATURES`; `BadSettings` for unknown and for missing names."""
    named = file.weights
    for name in named:
        if name not in FEATURE_NAMES:
            raise BadSettings(f"{path}: weights.{name}: {unknown_name(name, FEATURE_NAMES)}")
    missing = [name for name in FEATURE_NAMES if name not in named]
    if missing:
        raise BadSettings(f"{path}: weights: there is none for {', '.join(missing)}; 0 leaves a feature out")
    return np.array([named[name] for name in FEATURE_NAMES])


def save_weights(config: str, weights: Weights, origin: str, folder: Path | None = None) -> Path:
    """Write the weights of a config, with a comment on where they come from, and return the path."""
    path = weights_path(config, folder)
    write_weights(path, weights, origin)
    return path


def write_weights(path: Path, weights: Weights, origin: str) -> None:
    """Write a file of weights, with a comment on where they come from."""
    entries = [
        f"  {feature.name + ':':<13}{weight:< 11.4g}# {feature.meaning}"
        for feature, weight in zip(FEATURES, weights, strict=True)
    ]
    comment = [f"# {line}".rstrip() for line in origin.splitlines()]
    with new_file(path) as file:
        file.write("\n".join([*comment, "weights:", *entries, ""]).encode())
