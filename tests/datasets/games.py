"""Databases of random games with search statistics at choices, and data sets as plain arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ringrift.datasets import read_manifest
from ringrift.datasets.settings import DatasetSettings, dataset_settings
from ringrift.datasets.shards import open_shard
from ringrift.game import Game, parse_config
from ringrift.game_database import GamesDatabase, ingest
from ringrift.selfplay import GameRecord, SearchStatistics
from tests.contexts import ingest_context
from tests.game_database.records import random_records, write


@cache
def searched_records(
    config: str = "square8_2p", count: int = 12, seed: int = 0, *, max_moves: int = 400
) -> tuple[GameRecord, ...]:
    """Random games, most of whose choices have made-up search statistics, every other one worth learning."""
    rng = np.random.default_rng(seed)
    return tuple(with_search(record, rng) for record in random_records(config, count, seed, max_moves=max_moves))


def with_search(record: GameRecord, rng: np.random.Generator) -> GameRecord:
    """A record with search statistics at four of five actions, over some of the legal actions, in any order."""
    board, players = parse_config(record.config)
    game = Game(board.name, players)
    at, entries, weights = [], [], []
    for number, action in enumerate(record.actions.tolist()):
        if rng.random() < 0.8:
            legal = rng.permutation(game.legal_actions())
            some = legal[: max(1, int(len(legal) * rng.random()))]
            shares = rng.dirichlet(np.full(len(some), 0.5))
            at.append(number)
            entries.append(some)
            weights.append(np.round(shares * 65535).astype(np.uint16))
        game.play(action)
    search = SearchStatistics(
        action_index=np.array(at, np.int32),
        has_policy=rng.integers(0, 2, len(at)).astype(np.uint8),
        root_values=rng.integers(-32767, 32767, (len(at), players), np.int16),
        policy_lengths=np.array([len(part) for part in entries], np.uint16),
        policy_actions=np.concatenate(entries).astype(np.int32),
        policy_probs=np.concatenate(weights),
        surprise=rng.exponential(0.5, len(at)).astype(np.float16),
    )
    return replace(record, search=search)


def fill(path: Path, records: Iterable[GameRecord]) -> GamesDatabase:
    """A new database with games."""
    database = GamesDatabase(str(path), create=True)
    add(database, path.with_suffix(".jsonl"), records)
    return database


def add(database: GamesDatabase, path: Path, records: Iterable[GameRecord]) -> None:
    """Games that come into a database by a file."""
    write(path, records)
    ingest(database, [path], ingest_context())


def settings(*, shard: int | None = None, **changes: Any) -> DatasetSettings:
    """The settings of the project with some changed, `games={"min_moves": 5}`; `shard` is how many samples make one.

    All samples weigh the same unless a test says otherwise.
    """
    fields = dataset_settings().model_dump()
    fields["sample_weights"]["kind"] = "uniform"
    for name, value in changes.items():
        fields[name] = fields[name] | value if isinstance(value, dict) else value
    if shard is not None:
        fields["shard_samples"] = dict.fromkeys(fields["shard_samples"], shard)
    return DatasetSettings.model_validate(fields)


def shards(folder: Path, name: str) -> list[dict[str, np.ndarray]]:
    """The shards of a data set, each as its arrays."""
    return [open_shard(folder / shard.name) for shard in read_manifest(folder / f"{name}.json").shards]


def files(folder: Path) -> dict[str, bytes]:
    """The files of samples in a folder, links to them left out."""
    return {path.name: path.read_bytes() for path in folder.glob("*.npz") if not path.is_symlink()}


def everything(folder: Path) -> dict[str, bytes]:
    """All files of a folder but locks."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.suffix != ".lock"}


def identities(parts: Sequence[dict[str, np.ndarray]]) -> list[str]:
    """The identities of all games of a data set."""
    return [bytes(row).hex() for part in parts for row in part["games"].view(np.uint8).reshape(-1, 16)]
