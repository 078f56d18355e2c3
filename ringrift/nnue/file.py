"""Integer networks on disk: one file of weights, `<name>.nnue` (`ringrift.weights_file`).

The description has the sizes, too. Weights are int16, little-endian: the rows of the first layer that the config uses,
then the other layers in order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from ringrift.errors import RingRiftError
from ringrift.files import new_file
from ringrift.game.boards import MAX_PLAYERS, Board, parse_config
from ringrift.kernels.types import Bool
from ringrift.nnue.layout import (
    CELL_ROWS,
    COUNTS,
    DENSE,
    EXCLUSIVE,
    HIDDEN,
    KINDS,
    LAYERS,
    OWED,
    PHASES,
    STAGES,
    TURN,
    VERSION,
    Network,
    feature_count,
    new_network,
)
from ringrift.weights_file import WeightsFormat

SUFFIX: Final = ".nnue"
LARGEST: Final = 64_000_000
"""Bytes of a file; the largest network has a sixth of that."""
SIZES: Final = {"hidden": HIDDEN, "dense": DENSE, "stages": STAGES}
SHIPPED: Final = Path(__file__).parent / "shipped"
"""The folder of the networks that come with the package, `<config>.nnue`."""


class BadNnue(RingRiftError):
    """A file of an integer network that is not there, is damaged, or is not for what it was asked for."""


FORMAT: Final = WeightsFormat(b"RRNNUE", VERSION, LARGEST, "integer network", BadNnue)


@dataclass(frozen=True, eq=False)
class StoredNetwork:
    """An integer network, and what its file says of it."""

    config: str
    network: Network
    id: str
    """16 hexadecimal digits of the file's checksum."""
    description: Mapping[str, Any]


def used_rows(board: Board, players: int) -> Bool:
    """Return which rows of the first layer games of so many players can set, `[F]`."""
    seats = np.arange(MAX_PLAYERS) < players
    cells = np.tile(np.repeat(seats, KINDS), board.cells)
    turn = np.repeat(seats, PHASES)
    debts = np.ones(EXCLUSIVE - OWED, np.bool_)
    rest = feature_count(board) - board.cells * CELL_ROWS - EXCLUSIVE
    rounds = np.repeat(seats, rest // MAX_PLAYERS)
    used: Bool = np.concatenate([cells, np.repeat(seats, COUNTS), turn, debts, rounds])
    assert len(used) == feature_count(board)
    assert TURN == MAX_PLAYERS * COUNTS
    return used


def write_network(path: Path, config: str, network: Network, extra: Mapping[str, Any] | None = None) -> str:
    """Write a network atomically and return its id. `extra` must be JSON."""
    from ringrift import __version__

    board, players = parse_config(config)
    description = {"config": config, "sizes": SIZES, "created_by": __version__, "extra": dict(extra or {})}
    parts = [network["features"][used_rows(board, players)], *(network[name] for name in LAYERS[1:])]
    content, identity = FORMAT.pack(
        description, b"".join(np.ascontiguousarray(part, "<i2").tobytes() for part in parts)
    )
    with new_file(path) as file:
        file.write(content)
    return identity


def read_network(path: Path, config: str | None = None) -> StoredNetwork:
    """Read a network, verified; `BadNnue` if it is damaged, of another version, or not for the config asked for."""
    description, body, identity = FORMAT.read(path)
    if description.get("sizes") != SIZES:
        raise BadNnue(f"{path}: has layers of other sizes than this version of RingRift: train it anew")
    if config is not None and description["config"] != config:
        raise BadNnue(f"{path}: is a network for {description['config']}, not for {config}")
    board, players = parse_config(description["config"])
    network = new_network(board)
    used = used_rows(board, players)
    shapes = {name: network[name].shape for name in LAYERS}
    shapes["features"] = (int(used.sum()), HIDDEN)
    if len(body) != 2 * sum(int(np.prod(shape)) for shape in shapes.values()):
        raise BadNnue(f"{path}: has {len(body):,} bytes of weights, which is not what {description['config']} needs")
    weights = np.frombuffer(body, "<i2")
    for name, shape in shapes.items():
        part, weights = np.split(weights, [int(np.prod(shape))])
        if name == "features":
            network["features"][used] = part.reshape(shape)
        else:
            network[name] = part.reshape(shape)
    return StoredNetwork(description["config"], network, identity, description)


def read_nnue_id(path: Path) -> str:
    """Read the id of a network; `BadNnue` if its file is damaged."""
    return FORMAT.read_id(path)


def promoted_network(folder: Path, config: str) -> Path:
    """Return where the promoted integer network of a config lies in the folder of models."""
    return folder / f"ringrift_nnue_{config}{SUFFIX}"


def shipped_network(config: str) -> Path:
    """Return the file of the network of a config that comes with the package; `BadNnue` if none does."""
    path = SHIPPED / f"{config}{SUFFIX}"
    if not path.exists():
        raise BadNnue(f"no integer network for {config} comes with the package; a player takes any file *.nnue")
    return path


def find_network(config: str, folder: Path) -> Path:
    """Return the file of the promoted network of a config, else of the one that comes with the package."""
    for path in (promoted_network(folder, config), SHIPPED / f"{config}{SUFFIX}"):
        if path.exists():
            return path
    raise BadNnue(
        f"there is no integer network for {config} in {folder} or in the package: `ringrift train-nnue {config}` makes"
        " one, and a player takes any file, as in minimax:FILE.nnue@4"
    )
