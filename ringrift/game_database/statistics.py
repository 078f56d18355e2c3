"""What is in a games database: how games end, who wins from which seat, how long they are, and how varied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson
from sqlalchemy import ColumnElement, case, func, select

from ringrift.game import configs, parse_config
from ringrift.game_database.database import GamesDatabase
from ringrift.game_database.schema import games, quarantine
from ringrift.game_database.selection import Selection, holdout_bound
from ringrift.statistics import wilson_interval

if TYPE_CHECKING:
    import pandas as pd

STOPPED: Final = "stopped"
"""The end of a game that reached its limit of moves."""
QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
USES: Final = ("lines", "regions", "recoveries", "forced_eliminations")
"""Kinds of actions that not every game has."""


@dataclass(frozen=True)
class SeatShare:
    """How often a seat has won, of the games that were won at all."""

    seat: int
    won: int
    share: float
    low: float
    high: float
    """The 95 % Wilson interval of the share."""


@dataclass(frozen=True)
class Use:
    """How often something is played."""

    per_game: float
    share: float
    """Games in which it occurs at all."""


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
    """Games in which somebody would have resigned."""
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
        """All of it, for machines."""
        return asdict(self)


def games_statistics(database: GamesDatabase, selection: Selection | None = None) -> GamesStatistics:
    """Count the games that pass; the database does the counting, so memory does not grow with the games."""
    conditions = (selection or Selection()).conditions()
    count = func.count().label("games")
    endings = _frame(database, (games.c.config, games.c.winner, games.c.reason), (count,), conditions)
    lengths = _frame(database, (games.c.config, games.c.plies), (count,), conditions)
    engines = _frame(database, (games.c.config, games.c.engines), (count,), conditions)
    sums = (
        count,
        *(func.sum(games.c[name]).label(name) for name in ("actions", "choices", *USES)),
        *(func.sum(_one_if(games.c[name] > 0)).label(f"{name}_games") for name in USES),
        func.sum(_one_if(games.c.resigned_seat.is_not(None))).label("resigned"),
        func.sum(_one_if(games.c.lot < holdout_bound())).label("held_out"),
        func.count(games.c.opening_hash.distinct()).label("openings"),
        func.count(games.c.actions_hash.distinct()).label("distinct"),
    )
    totals = _frame(database, (games.c.config,), sums, conditions).set_index("config").to_dict("index")
    names = [name for name in (f"{board}_{players}p" for board, players in configs()) if name in totals]
    found = [
        _config(
            name,
            totals[name],
            *(frame[frame["config"] == name] for frame in (endings, lengths, engines)),
        )
        for name in names
    ]
    return GamesStatistics(
        database=database.name,
        games=sum(config.games for config in found),
        quarantined=quarantined(database),
        configs=tuple(found),
    )


def quarantined(database: GamesDatabase) -> dict[str, int]:
    """Lines in quarantine by reason, the most frequent first."""
    count = func.count().label("lines")
    query = select(quarantine.c.reason, count).group_by(quarantine.c.reason).order_by(count.desc())
    with database.reading() as connection:
        return {row.reason: row.lines for row in connection.execute(query)}


def _one_if(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return case((condition, 1), else_=0)


def _frame(
    database: GamesDatabase,
    keys: Sequence[ColumnElement[Any]],
    values: Sequence[ColumnElement[Any]],
    conditions: Sequence[ColumnElement[bool]],
) -> pd.DataFrame:
    """A grouped query as a table."""
    import pandas as pd  # late: slow to import

    query = select(*keys, *values).where(*conditions).group_by(*keys)
    with database.reading() as connection:
        return pd.DataFrame(connection.execute(query).mappings().all(), columns=[*query.selected_columns.keys()])


def _config(
    name: str, totals: Mapping[Any, Any], endings: pd.DataFrame, lengths: pd.DataFrame, engines: pd.DataFrame
) -> ConfigStatistics:
    """The statistics of one config, from what the database has counted."""
    count = int(totals["games"])
    won = endings.dropna(subset="winner").groupby("winner")["games"].sum()
    ends = endings.fillna({"reason": STOPPED}).groupby("reason")["games"].sum().sort_values(ascending=False)
    played = engines.assign(engines=engines["engines"].map(orjson.loads)).explode("engines")
    mix = played.groupby("engines")["games"].sum().sort_values(ascending=False)
    lengths = lengths.sort_values("plies")
    reached = lengths["games"].cumsum() / count
    quantiles = {f"{q:.0%}": int(lengths["plies"][reached >= q - 1e-9].iloc[0]) for q in QUANTILES}
    return ConfigStatistics(
        config=name,
        games=count,
        held_out=int(totals["held_out"]),
        endings=_counts(ends),
        seats=tuple(_seat(seat, int(won.get(seat, 0)), int(won.sum())) for seat in range(1, parse_config(name)[1] + 1)),
        mean_moves=float((lengths["plies"] * lengths["games"]).sum() / count),
        moves=quantiles,
        mean_actions=float(totals["actions"] / count),
        choices=float(totals["choices"] / totals["actions"]),
        uses={use: Use(float(totals[use] / count), float(totals[f"{use}_games"] / count)) for use in USES},
        resigned=int(totals["resigned"]),
        engines=_counts(mix),
        openings=int(totals["openings"]),
        distinct=int(totals["distinct"]),
        lengths=dict(zip(lengths["plies"].tolist(), lengths["games"].tolist(), strict=True)),
    )


def _seat(seat: int, won: int, of: int) -> SeatShare:
    return SeatShare(seat, won, won / of if of else 0.0, *wilson_interval(won, of))


def _counts(counted: pd.Series[Any]) -> dict[str, int]:
    return {str(name): int(count) for name, count in counted.items()}
