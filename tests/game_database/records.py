"""Games to fill databases with: random ones, as records and files, some with search statistics."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

import numpy as np

from ringrift.game import Game, parse_config
from ringrift.game.playout import random_playouts
from ringrift.game.state import REASON_NAMES
from ringrift.game_database import GamesDatabase
from ringrift.game_database.export import export_lines
from ringrift.game_database.selection import Selection
from ringrift.selfplay import GameRecord, SearchStatistics

LIMIT = 400
"""Moves: no random game of the small boards for two players is so long."""


@cache
def random_records(
    config: str = "square8_2p", count: int = 10, seed: int = 0, *, max_moves: int = LIMIT, searched: int = 0
) -> tuple[GameRecord, ...]:
    """Random games; the first `searched` of them with search statistics."""
    board, players = parse_config(config)
    played = random_playouts(board, players, count, seed, max_moves=max_moves, keep_actions=4 * LIMIT, threads=1)
    records = []
    for index in range(count):
        actions = played.actions[index, : played.action_counts[index]]
        game = Game(board.name, players)
        at, legal = [], []
        for number, action in enumerate(actions.tolist()):
            if index < searched and number % 5 == 2:
                at.append(number)
                legal.append(game.legal_actions())
            if index < searched:
                game.play(action)
        state = played.states[index]
        game._states[0] = state
        winner = int(state["winner"])
        records.append(
            GameRecord(
                config=config,
                run="test",
                game=index,
                seed=seed,
                engines=tuple(f"gumbel:m.pth@{16 * seat}" if seat else "random" for seat in range(players)),
                models=(None, *("abc" for _ in range(players - 1))),
                opening=2,
                max_moves=max_moves,
                actions=actions,
                winner=winner or None,
                reason=REASON_NAMES[int(state["reason"])],
                ranks=game.ranks() if winner else None,
                search=statistics(at, legal, players) if at else None,
                resigned=(2, 10) if index % 3 == 1 else None,
                host="h",
                worker="0",
                ended=1767225600 + index,
            )
        )
    return tuple(records)


def statistics(at: Sequence[int], legal: Sequence[np.ndarray], players: int) -> SearchStatistics:
    """Search statistics with a made-up policy over the legal actions."""
    counts = [len(actions) for actions in legal]
    return SearchStatistics(
        action_index=np.array(at, np.int32),
        has_policy=np.array([number % 2 for number in at], np.uint8),
        root_values=np.arange(len(at) * players, dtype=np.int16).reshape(-1, players),
        policy_lengths=np.array(counts, np.uint16),
        policy_actions=np.concatenate(legal).astype(np.int32),
        policy_probs=np.concatenate([np.full(count, 65535 // count, np.uint16) for count in counts]),
    )


def write(path: Path, records: Iterable[GameRecord]) -> list[bytes]:
    """Write records to a file, gzipped if its name says so; the lines."""
    lines = [record.to_line() for record in records]
    write_lines(path, lines)
    return lines


def write_lines(path: Path, lines: Iterable[bytes]) -> None:
    """Write a file of lines, gzipped if its name says so."""
    data = b"".join(lines)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)


def stored_lines(database: GamesDatabase) -> list[bytes]:
    """The lines of all games of a database, sorted."""
    return sorted(export_lines(database, Selection()))
