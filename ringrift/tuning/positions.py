"""Positions of stored games, evenly spread over each, for what learns from them without playing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np

from ringrift.encoding.values import rank_values
from ringrift.errors import RingRiftError
from ringrift.game import new_states
from ringrift.game.boards import MAX_PLAYERS, Board, parse_config
from ringrift.game.state import GAME_OVER, thread_workspace
from ringrift.game.turn import step
from ringrift.game.types import BoardTables, States, Workspace
from ringrift.game_database import GamesDatabase
from ringrift.game_database.packing import Damaged
from ringrift.game_database.pool import read_game
from ringrift.game_database.schema import games
from ringrift.game_database.selection import Selection, stored_games
from ringrift.heuristic import FEATURE_COUNT, new_scratch, write_features
from ringrift.heuristic.features import Scratch
from ringrift.kernels.compiled import compiled
from ringrift.kernels.types import F32, F64, I32, I64
from ringrift.selfplay import GameRecord
from ringrift.selfplay.record import VALUE_UNIT

Target = Literal["results", "search"]
"""The target of positions: the result of their game, or the value of a search."""
PAGE: Final = 256
"""Games that are read at once."""


class TooFewGames(RingRiftError):
    """Too few games to learn from."""


@dataclass(frozen=True, eq=False)
class Positions:
    """Positions, their values, and the games that they are of."""

    states: States
    """`[N]`."""
    values: F64
    """`[N, players]` by seat, −1 … 1."""
    games: I64
    """`[N]`, the number of the game: positions of one game are not independent."""


def read_positions(
    database: GamesDatabase, config: str, *, target: Target, most_games: int, least_games: int, per_game: int
) -> Positions:
    """Return up to `per_game` positions of each of the newest finished games; `TooFewGames` if there are not enough."""
    board, players = parse_config(config)
    states: list[States] = []
    values: list[F64] = []
    numbers: list[int] = []
    count = 0
    for record in _newest(database, config, most_games):
        at, worth = _chosen(record, target, per_game)
        if len(at) == 0:
            continue
        states.append(positions_at(board, players, record.actions, at))
        values.append(worth)
        numbers += [count] * len(at)
        count += 1
    if count < least_games:
        content = "results" if target == "results" else "values of searches"
        raise TooFewGames(
            f"{config}: {count} games with {content} in the database, and {least_games} are needed: "
            f"`ringrift selfplay {config}`, then `ringrift games ingest`"
        )
    return Positions(np.concatenate(states), np.concatenate(values), np.array(numbers))


def _newest(database: GamesDatabase, config: str, most: int) -> Iterator[GameRecord]:
    """Yield the newest finished games that can be read."""
    query = stored_games().where(*Selection(config=config).conditions(), games.c.winner.is_not(None))
    query = query.order_by(games.c.id.desc()).limit(PAGE)
    last: int | None = None
    while most > 0:
        with database.reading() as connection:
            rows = list(connection.execute(query if last is None else query.where(games.c.id < last)))
        if not rows:
            return
        for row in rows[:most]:
            try:
                yield read_game(row).record
            except Damaged:
                continue  # `ringrift games check` names it
        most -= len(rows)
        last = rows[-1].id


def _chosen(record: GameRecord, target: Target, per_game: int) -> tuple[I32, F64]:
    """Return which actions stand before the chosen positions, and what these are worth, `[n, players]`."""
    players = len(record.engines)
    if target == "search":
        search = record.search
        if search is None:
            return np.empty(0, np.int32), np.empty((0, players))
        rows = _spread(0, len(search.action_index), per_game)
        return search.action_index[rows].astype(np.int32), search.root_values[rows] / VALUE_UNIT
    at = _spread(record.opening, len(record.actions), per_game)
    worth = rank_values(record.ranks or (1,) * players).astype(np.float64)
    return at.astype(np.int32), np.broadcast_to(worth, (len(at), players))


def _spread(first: int, last: int, count: int) -> I64:
    """Return at most `count` whole numbers, evenly spread over `first` … `last`−1."""
    count = min(count, last - first)
    return first + np.arange(count) * (last - first) // max(count, 1)


@compiled
def replay_to(state: States, actions: I32, at: I32, states: States, board: BoardTables, work: Workspace) -> None:
    """Play a game from `state` `[1]` and copy the positions before the actions `at` `[n]` into `states` `[n]`."""
    row = 0
    for i in range(len(actions)):
        while row < len(at) and at[row] == i:
            states[row] = state[0]
            row += 1
        if row == len(at) or state[0].phase == GAME_OVER:
            break
        step(state[0], actions[i], board, work)


def positions_at(board: Board, players: int, actions: I32, at: I32) -> States:
    """Return the positions `[n]` of a game before the actions `at` `[n]`, which rise."""
    states = new_states(board, players, len(at))
    start = new_states(board, players)
    replay_to(start, np.ascontiguousarray(actions, np.int32), at, states, board.tables, thread_workspace(board))
    return states


@compiled
def feature_rows(states: States, board: BoardTables, scratch: Scratch, features: F32) -> None:
    """Write the features of positions that are not over into `features` `[N, MAX_PLAYERS, F]`."""
    for row in range(len(states)):
        write_features(states[row], board, scratch, features[row])


def relative_features(config: str, states: States) -> F64:
    """Return each player's features minus the mean of the others', `[N, players, F]`: what weights are applied to."""
    board, players = parse_config(config)
    features = np.zeros((len(states), MAX_PLAYERS, FEATURE_COUNT), np.float32)
    feature_rows(np.ascontiguousarray(states), board.tables, new_scratch(board), features)
    own = features[:, :players].astype(np.float64)
    return np.asarray(own - (own.sum(1, keepdims=True) - own) / (players - 1))
