"""Energy networks on disk: one file of weights, `<id>.ebmo` (`ringrift.weights_file`).

Weights are float32, little-endian: the parts of `EnergyWeights` in order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ringrift.energy.layout import VERSION, EnergyWeights, weight_shapes
from ringrift.errors import RingRiftError
from ringrift.files import new_file
from ringrift.game.boards import parse_config
from ringrift.weights_file import WeightsFormat

SUFFIX: Final = ".ebmo"
LARGEST: Final = 4_000_000
"""Bytes of a file; the largest network has a twentieth of that."""


class BadEnergyNetwork(RingRiftError):
    """A file of an energy network that is not there, is damaged, or is not for what it was asked for."""


FORMAT: Final = WeightsFormat(
    b"RREBMO", VERSION, LARGEST, "energy network", BadEnergyNetwork, maker="; `ringrift train-ebmo` makes one"
)


@dataclass(frozen=True, eq=False)
class StoredEnergyNetwork:
    """An energy network, and what its file says of it."""

    config: str
    weights: EnergyWeights
    id: str
    """16 hexadecimal digits of the file's checksum."""
    extra: Mapping[str, Any]
    """The facts that its maker kept, such as the settings of its training."""


def write_energy_network(
    path: Path, config: str, weights: EnergyWeights, extra: Mapping[str, Any] | None = None
) -> str:
    """Write a network atomically and return its id. `extra` must be JSON."""
    content, identity = energy_network_file(config, weights, extra)
    with new_file(path) as file:
        file.write(content)
    return identity


def energy_network_file(
    config: str, weights: EnergyWeights, extra: Mapping[str, Any] | None = None
) -> tuple[bytes, str]:
    """Return the content of a file and its id."""
    from ringrift import __version__

    description = {"config": config, "created_by": __version__, "extra": dict(extra or {})}
    return FORMAT.pack(description, b"".join(np.ascontiguousarray(part, "<f4").tobytes() for part in weights))


def read_energy_network(path: Path, config: str | None = None) -> StoredEnergyNetwork:
    """Read a network, verified; `BadEnergyNetwork` if it is damaged, of another version, or not for that config."""
    description, body, identity = FORMAT.read(path)
    made_for = description["config"]
    if config is not None and made_for != config:
        raise BadEnergyNetwork(f"{path}: is a network for {made_for}, not for {config}")
    shapes = weight_shapes(parse_config(made_for)[1])
    sizes = [int(np.prod(shape)) for shape in shapes.values()]
    if len(body) != 4 * sum(sizes):
        raise BadEnergyNetwork(f"{path}: has {len(body):,} bytes of weights, {made_for} needs {4 * sum(sizes):,}")
    parts = np.split(np.frombuffer(body, "<f4").astype(np.float32), np.cumsum(sizes)[:-1])
    arrays = [part.reshape(shape) for part, shape in zip(parts, shapes.values(), strict=True)]
    if not all(np.isfinite(array).all() for array in arrays):
        raise BadEnergyNetwork(f"{path}: has weights that are no numbers: train it anew")
    return StoredEnergyNetwork(made_for, EnergyWeights(*arrays), identity, description.get("extra") or {})


def read_energy_id(path: Path) -> str:
    """Read the id of a network; `BadEnergyNetwork` if its file is damaged."""
    return FORMAT.read_id(path)
