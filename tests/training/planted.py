"""Data sets with a structure that is known, so that a test knows what a network ought to find.

Every position has one marked cell. The one good action is that of the marked cell, among others drawn at random. The
player to act wins if the cell lies on the border of the board, and owns it in the end. The same holds under every
symmetry.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from ringrift.datasets.layout import FACTS
from ringrift.datasets.manifest import FORMAT, Manifest, Shard, manifest_path, write_manifest
from ringrift.datasets.shards import digest, write_shard
from ringrift.encoding import feature_version
from ringrift.game import get_board, parse_config

CONFIG = "square8_2p"
FEATURES = "v1"
SAMPLES_OF_A_GAME = 8
ALTERNATIVES = 4
"""Legal actions of a sample, the good one among them. They place a ring: action = cell."""


def planted_members(seed: int, count: int, first_game: int = 0, players: int = 2) -> dict[str, Any]:
    """A shard of such samples; a third player always comes in between."""
    draw = np.random.default_rng(seed)
    board, version = get_board("square8"), feature_version(FEATURES)
    planes, height, width = version.features_shape(board)
    cells = np.stack([draw.choice(board.cells, ALTERNATIVES, replace=False) for _ in range(count)])
    marked = cells[:, 0]
    row, column = np.divmod(marked, width)
    wins = np.where((row % (height - 1) == 0) | (column % (width - 1) == 0), 1.0, -1.0).astype(np.float32)
    features = np.zeros((count, planes, height, width), np.uint8)
    features[np.arange(count), 0, row, column] = 1
    ownership = np.zeros((count, height, width), np.uint8)
    ownership[np.arange(count), row, column] = 1
    order = np.argsort(draw.random(cells.shape), 1)
    actions = np.take_along_axis(cells, order, 1)
    games = -(-count // SAMPLES_OF_A_GAME)
    return {
        "features": features,
        "globals": np.zeros((count, len(version.globals)), np.float32),
        "outcome_values": np.stack([wins, -wins, np.zeros_like(wins)], 1)[:, :players],
        "root_values": np.zeros((count, players), np.int16),
        "policy_offsets": np.arange(count + 1, dtype=np.int64) * ALTERNATIVES,
        "policy_actions": actions.flatten().astype(np.int32),
        "policy_probs": np.where(actions == marked[:, None], 65535, 0).astype(np.uint16).flatten(),
        "has_policy": np.ones(count, np.uint8),
        "opponent_policy_offsets": np.arange(count + 1, dtype=np.int64),
        "opponent_policy_actions": marked.astype(np.int32),
        "opponent_policy_probs": np.full(count, 65535, np.uint16),
        "ownership": ownership,
        "moves_left": np.full(count, 10, np.uint16),
        "sample_weights": np.ones(count, np.float32),
        "game": np.arange(count, dtype=np.int64) // SAMPLES_OF_A_GAME,
        "action_index": np.arange(count, dtype=np.int32) % SAMPLES_OF_A_GAME,
        "games": np.array([b"%016x" % (first_game + game) for game in range(games)], "S16"),
        "facts": np.zeros(games, FACTS),
    }


def write_planted(
    folder: Path,
    count: int = 512,
    *,
    config: str = CONFIG,
    seed: int = 1,
    first_game: int = 0,
    part: str = "training",
    pool_size: int | None = None,
    facts_of_games: Mapping[str, Any] = MappingProxyType({}),
    **members: Any,
) -> Path:
    """Write a data set of one shard, and return the path of its manifest.

    `pool_size` is how many games of the config there were to choose from, and `facts_of_games` sets columns of `facts`.
    """
    name = config + (".holdout" if part == "holdout" else "")
    folder.mkdir(parents=True, exist_ok=True)
    shard = folder / f"{name}.npz"
    found = planted_members(seed, count, first_game, players=parse_config(config)[1]) | members
    games = len(found["games"])
    for name_of_fact, column in facts_of_games.items():
        found["facts"][name_of_fact] = column
    with shard.open("wb") as file:
        write_shard(file, found)
    manifest = Manifest(
        format=FORMAT,
        config=config,
        encoder=FEATURES,
        part=part,
        holdout_share=0.05,
        samples=count,
        policies=int(found["has_policy"].sum()),
        games=games,
        shards=(Shard(name=shard.name, samples=count, games=games, bytes=shard.stat().st_size, sha256=digest(shard)),),
        provenance={} if pool_size is None else {"steps": [{"condition": "are of the config", "games": pool_size}]},
    )
    path = manifest_path(folder, name)
    write_manifest(path, manifest)
    return path


def write_both(folder: Path, count: int = 512) -> None:
    """Data to train on and data held out."""
    write_planted(folder, count)
    write_planted(folder, 128, seed=2, first_game=1_000_000, part="holdout")
