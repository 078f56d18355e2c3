"""Reanalyses: champions' new searches of decisions of old games, stored beside the games, which stay as they are."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import ColumnElement, Connection, delete, select

from ringrift.game_database.database import GamesDatabase
from ringrift.game_database.packing import Damaged, pack_search, unpack_search
from ringrift.game_database.schema import games, reanalyses
from ringrift.game_database.selection import PAGE
from ringrift.selfplay import GameRecord, SearchStatistics


@dataclass(frozen=True)
class ReanalysisKey:
    """The model that searches, and how."""

    model: str
    """The id of the model."""
    budget: str
    """The search as a spec without its model, such as `gumbel@64?noise=1`."""


def reanalysed_games(database: GamesDatabase, config: str, key: ReanalysisKey, share: float) -> set[int]:
    """Return the ids of the config's games of which that model has searched at least a share of the decisions."""
    query = select(reanalyses.c.game_id).join(games, games.c.id == reanalyses.c.game_id)
    query = query.where(games.c.config == config, reanalyses.c.share >= share, *_conditions(key))
    with database.reading() as connection:
        return set(connection.execute(query).scalars())


def store_reanalyses(
    database: GamesDatabase, key: ReanalysisKey, share: float, searches: Mapping[int, SearchStatistics]
) -> None:
    """Store the searches of games by id, in place of those of the same model and budget with a smaller share."""
    made = int(time.time())
    rows = [
        {
            "game_id": game,
            "model": key.model,
            "budget": key.budget,
            "share": share,
            "made": made,
            "search": pack_search(search),
        }
        for game, search in searches.items()
    ]
    with database.writing() as connection:
        there = set(connection.execute(select(games.c.id).where(games.c.id.in_(searches))).scalars())
        smaller = delete(reanalyses).where(reanalyses.c.game_id.in_(searches), *_conditions(key))
        connection.execute(smaller.where(reanalyses.c.share < share))
        if kept := [row for row in rows if row["game_id"] in there]:  # a check may have removed a game meanwhile
            connection.execute(database.insert(reanalyses), kept)


def damaged_reanalyses(database: GamesDatabase) -> Iterator[tuple[int, int, str]]:
    """Yield id, game and fault of every reanalysis that cannot be read."""
    query = select(reanalyses.c.id, reanalyses.c.game_id, reanalyses.c.search).order_by(reanalyses.c.id).limit(PAGE)
    last = 0
    while True:
        with database.reading() as connection:
            rows = connection.execute(query.where(reanalyses.c.id > last)).all()
        if not rows:
            return
        for row in rows:
            try:
                unpack_search(row.search)
            except Damaged as error:
                yield row.id, row.game_id, str(error)
        last = rows[-1].id


def packed_reanalyses(connection: Connection, ids: Sequence[int]) -> dict[int, tuple[bytes, ...]]:
    """Return the packed searches of games by id, the oldest first."""
    query = select(reanalyses.c.game_id, reanalyses.c.search).where(reanalyses.c.game_id.in_(ids))
    packed: dict[int, tuple[bytes, ...]] = {}
    for row in connection.execute(query.order_by(reanalyses.c.id)):
        packed[row.game_id] = (*packed.get(row.game_id, ()), bytes(row.search))
    return packed


def with_reanalyses(record: GameRecord, packed: Sequence[bytes]) -> GameRecord:
    """Return the record with the newest search of every decision; `Damaged` if one cannot be read."""
    search = record.search
    for content in packed:
        newer = unpack_search(content)
        search = newer if search is None else overlaid(search, newer)
    return record if search is record.search else replace(record, search=search)


def overlaid(older: SearchStatistics, newer: SearchStatistics) -> SearchStatistics:
    """Return the decisions of both, by their place in the game; of those that both have, the newer."""
    kept = np.flatnonzero(~np.isin(older.action_index, newer.action_index))
    indices = np.concatenate([older.action_index[kept], newer.action_index])
    sources = np.concatenate([kept, len(older.action_index) + np.arange(len(newer.action_index))])
    sources = sources[np.argsort(indices)]

    def chosen(name: str) -> npt.NDArray[Any]:
        column: npt.NDArray[Any] = np.concatenate([getattr(older, name), getattr(newer, name)])[sources]
        return column

    lengths = np.concatenate([older.policy_lengths, newer.policy_lengths]).astype(np.int64)
    firsts = (np.cumsum(lengths) - lengths)[sources]
    taken = lengths[sources]
    entries = np.repeat(firsts - (np.cumsum(taken) - taken), taken) + np.arange(taken.sum())
    surprises = [_surprise(search) for search in (older, newer)]
    known = older.surprise is not None or newer.surprise is not None
    return SearchStatistics(
        action_index=chosen("action_index"),
        has_policy=chosen("has_policy"),
        root_values=chosen("root_values"),
        policy_lengths=chosen("policy_lengths"),
        policy_actions=np.concatenate([older.policy_actions, newer.policy_actions])[entries],
        policy_probs=np.concatenate([older.policy_probs, newer.policy_probs])[entries],
        surprise=np.concatenate(surprises)[sources] if known else None,
    )


def _surprise(search: SearchStatistics) -> npt.NDArray[Any]:
    """Return the surprise of every decision, NaN where it is not known."""
    return np.full(len(search.action_index), np.nan, np.float16) if search.surprise is None else search.surprise


def _conditions(key: ReanalysisKey) -> tuple[ColumnElement[bool], ...]:
    return reanalyses.c.model == key.model, reanalyses.c.budget == key.budget
