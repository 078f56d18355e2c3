"""Small data sets for tests: of random numbers, or of positions from random games."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ringrift.datasets.layout import FACTS
from ringrift.datasets.manifest import FORMAT, Manifest, Shard, manifest_path, write_manifest
from ringrift.datasets.shards import digest, write_shard
from ringrift.encoding import encode_batch, feature_version, new_batch
from ringrift.game import Game, get_board, policy_size

COUNTS = (23, 1, 40)
"""Samples of the shards."""


def random_members(
    seed: int, count: int, board: str = "hex8", players: int = 3, features: str = "v1"
) -> dict[str, Any]:
    """The members of a shard."""
    draw = np.random.default_rng(seed)
    geometry, version = get_board(board), feature_version(features)
    planes, height, width = version.features_shape(geometry)

    def policy(least: int) -> tuple[Any, Any, Any]:
        counts = draw.integers(least, 6, count)
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        indices = draw.integers(0, policy_size(geometry), offsets[-1], np.int32)
        return offsets, indices, draw.integers(0, 65536, offsets[-1], np.uint16)

    offsets, indices, shares = policy(1)
    opponent_policy_offsets, opponent_policy_actions, opponent_policy_probs = policy(0)
    return {
        "features": draw.integers(0, 9, (count, planes, height, width), np.uint8),
        "globals": draw.random((count, len(version.globals)), np.float32),
        "outcome_values": draw.random((count, players), np.float32),
        "root_values": draw.integers(-32767, 32768, (count, players), np.int16),
        "policy_offsets": offsets,
        "policy_actions": indices,
        "policy_probs": shares,
        "has_policy": draw.integers(0, 2, count, np.uint8),
        "opponent_policy_offsets": opponent_policy_offsets,
        "opponent_policy_actions": opponent_policy_actions,
        "opponent_policy_probs": opponent_policy_probs,
        "ownership": draw.integers(0, players + 1, (count, height, width), np.uint8),
        "moves_left": draw.integers(0, 65536, count, np.uint16),
        "sample_weights": np.full(count, 0.7, np.float32),
        "game": np.zeros(count, np.int64),
        "action_index": np.arange(count, dtype=np.int32),
        "games": np.array([b"0123456789abcdef"], "S16"),
        "facts": np.zeros(1, FACTS),
    }


def position_members(games: list[Game], features: str = "v2") -> dict[str, Any]:
    """A shard of positions with all their legal actions."""
    board, players = games[0].board, games[0].players
    members = random_members(1, len(games), board.name, players, features)
    version = feature_version(features)
    members["features"], members["globals"] = new_batch(version, board, len(games))
    states = np.concatenate([game._states for game in games])
    encode_batch(states, version, board, members["features"], members["globals"], threads=1)
    legal = [game.legal_actions() for game in games]
    members["policy_offsets"] = np.cumsum([0, *map(len, legal)])
    members["policy_actions"] = np.concatenate(legal)
    members["policy_probs"] = np.arange(len(members["policy_actions"]), dtype=np.uint16)
    return members


def write_dataset(folder: Path, shards: list[dict[str, Any]], config: str = "hex8_3p", features: str = "v1") -> Path:
    """Shards and manifest; the path of the latter."""
    listed = []
    for number, members in enumerate(shards):
        path = folder / f"{config}-{number:05d}.npz"
        with path.open("wb") as file:
            write_shard(file, members)
        samples = len(members["features"])
        listed.append(Shard(name=path.name, samples=samples, games=1, bytes=path.stat().st_size, sha256=digest(path)))
    manifest = Manifest(
        format=FORMAT,
        config=config,
        encoder=features,
        part="training",
        holdout_share=0.0,
        samples=sum(shard.samples for shard in listed),
        policies=0,
        games=len(listed),
        shards=tuple(listed),
        provenance={},
    )
    path = manifest_path(folder, config)
    write_manifest(path, manifest)
    return path


def random_dataset(folder: Path, counts: tuple[int, ...] = COUNTS, **members: Any) -> Path:
    """Shards of random numbers, of so many samples each."""
    return write_dataset(folder, [random_members(seed, count) | members for seed, count in enumerate(counts)])
