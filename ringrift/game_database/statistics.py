"""The statistics of a games database: endings, wins by seat, lengths and variety of games."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, RowMapping, case, func, select

from ringrift.game import configs, parse_config
from ringrift.game_database.database import GamesDatabase
from ringrift.game_database.schema import games, quarantine
from ringrift.game_database.selection import Selection, holdout_bound
from ringrift.statistics import wilson_interval

STOPPED: Final = "stopped"
"""The end of a game that reached its limit of moves."""
QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
USES: Final = ("lines", "regions", "recoveries", "forced_eliminations")
"""Kinds of actions that not every game has."""


@dataclass(frozen=True)
class SeatShare:
    """The wins of a seat among the games that were won at all."""

    seat: int
    won: int
    share: float
    low: float
    high: float
    """The 95 % Wilson interval of the share."""


@dataclass(frozen=True)
class Use:
    """The frequency of a kind of action."""

    per_game: float
    share: float
    """The share of games in which it occurs at all."""


@dataclass(frozen=True)
class ConfigStatistics:
    """The games of one config."""

    config: str
    games: int
    held_out: int
    endings: dict[str, int]
    """Games by the reason of their end, the most frequent first; `stopped` at the limit of moves."""
    seats: tuple[SeatShare, ...]
    mean_moves: float
    moves: dict[str, int]
    """Moves a game: quantiles by their names, `5%` … `95%`."""
    mean_actions: float
    choices: float
    """Share of the actions where there was more than one to choose from."""
    uses: dict[str, Use]
    """The uses by the names of `USES`."""
    resigned: int
    """Games in which a player would have resigned."""
    engines: dict[str, int]
    """Seats by the spec of the engine that played them, the most frequent first."""
    openings: int
    """Distinct beginnings of 8 actions."""
    distinct: int
    """Games that differ in some action."""
    lengths: dict[int, int]
    """Games by their moves."""


@dataclass(frozen=True)
class GamesStatistics:
    """The statistics of a database."""

    database: str
    games: int
    quarantined: dict[str, int]
    """Lines by reason."""
    configs: tuple[ConfigStatistics, ...]

    def to_json(self) -> dict[str, Any]:
        """Return all of it, for machines."""
        return asdict(self)


def games_statistics(database: GamesDatabase, selection: Selection | None = None) -> GamesStatistics:
    """Count the games that pass; the database does the counting, so memory does not grow with the games."""
    conditions = (selection or Selection()).conditions()
    count = func.count().label("games")
    endings = _grouped(database, (games.c.winner, games.c.reason), (count,), conditions)
    lengths = _grouped(database, (games.c.plies,), (count,), conditions)
    engines = _grouped(database, (games.c.engines,), (count,), conditions)
    sums = (
        count,
        *(func.sum(games.c[name]).label(name) for name in ("actions", "choices", *USES)),
        *(func.sum(_one_if(games.c[name] > 0)).label(f"{name}_games") for name in USES),
        func.sum(_one_if(games.c.resigned_seat.is_not(None))).label("resigned"),
        func.sum(_one_if(games.c.lot < holdout_bound())).label("held_out"),
        func.count(games.c.opening_hash.distinct()).label("openings"),
        func.count(games.c.actions_hash.distinct()).label("distinct"),
    )
    totals = _grouped(database, (), sums, conditions)
    names = [name for name in (f"{board}_{players}p" for board, players in configs()) if name in totals]
    by_config = [_config(name, totals[name][0], endings[name], lengths[name], engines[name]) for name in names]
    return GamesStatistics(
        database=database.name,
        games=sum(config.games for config in by_config),
        quarantined=quarantined(database),
        configs=tuple(by_config),
    )


def quarantined(database: GamesDatabase) -> dict[str, int]:
    """Return the lines in quarantine by reason, the most frequent first."""
    count = func.count().label("lines")
    query = select(quarantine.c.reason, count).group_by(quarantine.c.reason).order_by(count.desc())
    with database.reading() as connection:
        return {row.reason: row.lines for row in connection.execute(query)}


def _one_if(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((condition, 1), else_=0)


def _grouped(
    database: GamesDatabase,
    keys: Sequence[ColumnElement[Any]],
    values: Sequence[ColumnElement[Any]],
    conditions: Sequence[ColumnElement[bool]],
) -> dict[str, list[RowMapping]]:
    """Return the rows of a grouped query, by config."""
    query = select(games.c.config, *keys, *values).where(*conditions).group_by(games.c.config, *keys)
    by_config: dict[str, list[RowMapping]] = {}
    with database.reading() as connection:
        for row in connection.execute(query).mappings():
            by_config.setdefault(row["config"], []).append(row)
    return by_config


def _config(
    name: str,
    totals: RowMapping,
    endings: Sequence[RowMapping],
    lengths: Sequence[RowMapping],
    engines: Sequence[RowMapping],
) -> ConfigStatistics:
    """Return the statistics of one config, from the counts of the database."""
    count = int(totals["games"])
    won, ends, mix = Counter[int](), Counter[str](), Counter[str]()
    for row in endings:
        ends[row["reason"] or STOPPED] += row["games"]
        if row["winner"] is not None:
            won[row["winner"]] += row["games"]
    for row in engines:
        for engine in orjson.loads(row["engines"]):
            mix[engine] += row["games"]
    by_moves = {int(row["plies"]): int(row["games"]) for row in sorted(lengths, key=lambda row: int(row["plies"]))}
    reached = dict(zip(by_moves, accumulate(by_moves.values()), strict=True))
    return ConfigStatistics(
        config=name,
        games=count,
        held_out=int(totals["held_out"]),
        endings=dict(ends.most_common()),
        seats=tuple(_seat(seat, won[seat], won.total()) for seat in range(1, parse_config(name)[1] + 1)),
        mean_moves=sum(moves * number for moves, number in by_moves.items()) / count,
        moves={f"{q:.0%}": next(moves for moves, sofar in reached.items() if sofar >= q * count) for q in QUANTILES},
        mean_actions=float(totals["actions"] / count),
        choices=float(totals["choices"] / totals["actions"]),
        uses={use: Use(float(totals[use] / count), float(totals[f"{use}_games"] / count)) for use in USES},
        resigned=int(totals["resigned"]),
        engines=dict(mix.most_common()),
        openings=int(totals["openings"]),
        distinct=int(totals["distinct"]),
        lengths=by_moves,
    )


def _seat(seat: int, won: int, of: int) -> SeatShare:
    return SeatShare(seat, won, won / of if of else 0.0, *wilson_interval(won, of))
