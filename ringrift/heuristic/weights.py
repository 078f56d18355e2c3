"""The weights of the heuristic: one file per config, every feature named."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from ringrift.files import new_file
from ringrift.game.boards import parse_config
from ringrift.heuristic.layout import FEATURE_NAMES, FEATURES
from ringrift.kernels.types import F64
from ringrift.settings import BadSettings, Settings, config_folder, read_config, read_settings, unknown_name

Weights = F64
"""`[F]`, one weight per feature, in the order of `FEATURES`."""


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
    named = (
        read_settings(path, WeightsFile) if folder else read_config(f"heuristic/{config}.yaml", WeightsFile)
    ).weights
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
    entries = [
        f"  {feature.name + ':':<13}{weight:< 9.4g}# {feature.meaning}"
        for feature, weight in zip(FEATURES, weights, strict=True)
    ]
    comment = [f"# {line}".rstrip() for line in origin.splitlines()]
    with new_file(path) as file:
        file.write("\n".join([*comment, "weights:", *entries, ""]).encode())
    return path
