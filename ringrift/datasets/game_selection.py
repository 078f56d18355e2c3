"""The games of the database that a data set is made of: filters, the hold-out set, and the window of the newest."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Row, and_, func, or_, select, true

from ringrift.clock import TOLERANCE
from ringrift.datasets.layout import BadDataset
from ringrift.datasets.settings import GamesSettings, WindowSettings
from ringrift.game_database import GamesDatabase
from ringrift.game_database.packing import Damaged
from ringrift.game_database.pool import lot, read_game
from ringrift.game_database.reanalyses import packed_reanalyses, with_reanalyses
from ringrift.game_database.schema import games
from ringrift.game_database.selection import Part, Selection, holdout_bound, stored_games
from ringrift.limits import move_limit
from ringrift.moments import utc
from ringrift.selfplay import GameRecord

STOPPED: Final = "stopped"
"""The kind of victory of a game that has none."""


PAGE: Final = 256
"""The number of games whose rows are asked for at once."""


class EmptySelection(BadDataset):
    """The error that no game is left; its message says which condition took the last."""


class LeakedGame(BadDataset):
    """The error that a game that is held out would enter training, or the other way round."""


_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Filters:
    """Filters on games beside those of the settings; of several values one has to fit, none lets everything pass."""

    engines: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    runs: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    since: int | None = None
    until: int | None = None

    def conditions(self) -> Iterator[tuple[str, ColumnElement[bool]]]:
        """Yield the filters that are set: each in words, and as a condition."""
        for name in ("engine", "model", "run", "source"):
            values = getattr(self, f"{name}s")
            if values:
                either = [and_(*Selection(**{name: value}).conditions()) for value in values]
                yield f"have {name} {' or '.join(values)}", or_(*either)
        if self.since is not None:
            yield f"ended at {_moment(self.since)} or later", and_(*Selection(since=self.since).conditions())
        if self.until is not None:
            yield f"ended before {_moment(self.until)}", and_(*Selection(until=self.until).conditions())


@dataclass(frozen=True)
class FilterStep:
    """A condition, and how many games are left after it."""

    condition: str
    games: int


@dataclass(frozen=True)
class SelectedGame:
    """The properties of a game that are known before its moves are read."""

    id: int
    identity: bytes
    ended: int
    kind: str
    """The kind of victory."""
    winner: int | None
    choices: int
    """The number of actions where there was more than one to choose from: it has at most so many samples."""


class StoredGame(NamedTuple):
    """A game as the database has it."""

    game: SelectedGame
    row: Row[Any]
    """Its row of `stored_games`."""
    reanalyses: tuple[bytes, ...] = ()
    """Its reanalyses, the oldest first, packed."""


@dataclass(frozen=True)
class GameSelection:
    """The games of a data set in the order in which they ended, and what has been left out on the way."""

    part: Part
    games: tuple[SelectedGame, ...]
    steps: tuple[FilterStep, ...]
    since: int | None
    """The time when the oldest game ended, if the window has left out older ones."""

    @property
    def kinds(self) -> Counter[str]:
        """The number of games by kind of victory."""
        return Counter(game.kind for game in self.games)


def select_games(
    database: GamesDatabase,
    config: str,
    part: Part,
    settings: GamesSettings,
    window: WindowSettings | None,
    filters: Filters,
) -> GameSelection:
    """Select the games that pass; raise `EmptySelection` if none does. A `window` keeps the newest."""
    longest = max(settings.max_moves, move_limit(config))
    conditions: list[tuple[str, ColumnElement[bool]]] = [
        (f"are of {config}", games.c.config == config),
        (
            f"are for {'training' if part == 'training' else 'the hold-out set'}",
            and_(*Selection(part=part).conditions()),
        ),
        *([("are completed", games.c.winner.is_not(None))] if settings.completed_only else []),
        (f"have {settings.min_moves} moves or more", games.c.plies >= settings.min_moves),
        (f"have {longest} moves or less", games.c.plies <= longest),
        *filters.conditions(),
    ]
    passed: list[ColumnElement[bool]] = [true()]
    steps = []
    with database.reading() as connection:
        before = connection.execute(select(func.count()).select_from(games)).scalar_one()
        for text, condition in conditions:
            passed.append(condition)
            left = connection.execute(select(func.count()).select_from(games).where(*passed)).scalar_one()
            if not left:
                raise EmptySelection(f"{database.name}: 0 of {before:,} games {text}{_hint(text)}")
            steps.append(FilterStep(text, left))
            before = left
        columns = (games.c.id, games.c.identity, games.c.ended, games.c.reason, games.c.winner, games.c.choices)
        query = select(*columns).where(*passed)
        selected = [
            SelectedGame(row.id, bytes(row.identity), row.ended, row.reason or STOPPED, row.winner, row.choices)
            for row in connection.execute(query)
        ]
    oldest = None
    if window is not None and (count := window.games(len(selected))) < len(selected):
        ages = sane_ends(selected)
        selected.sort(key=lambda game: (-ages[game.id], game.identity))
        del selected[count:]
        oldest = ages[selected[-1].id]
        steps.append(FilterStep(f"are among the newest {count:,}", count))
    return GameSelection(
        part, tuple(sorted(selected, key=lambda game: (game.ended, game.identity))), tuple(steps), oldest
    )


def sane_ends(selected: Sequence[SelectedGame]) -> dict[int, int]:
    """Return when games have ended, by id.

    A game that is to end in the future, by a clock that was wrong, has the time of the games that were admitted before
    it: it would be among the newest for ever.
    """
    ends: dict[int, int] = {}
    latest = wrong = 0
    now = time.time() + TOLERANCE
    for game in sorted(selected, key=lambda game: game.id):
        if game.ended <= now:
            latest = max(latest, game.ended)
        else:
            wrong += 1
        ends[game.id] = game.ended if game.ended <= now else latest
    if wrong:
        _log.warning(
            "%d games end in the future, by a clock that was wrong: they count as old as their neighbours", wrong
        )
    return ends


def read_rows(
    database: GamesDatabase, part: Part, chosen: Sequence[SelectedGame], *, reanalysed: bool = False
) -> list[StoredGame]:
    """Read the rows of the games that are still there, with their reanalyses if wanted; raise `LeakedGame` if one is
    not of the part.
    """
    _check_part(part, chosen)
    rows: dict[int, Row[Any]] = {}
    later: dict[int, tuple[bytes, ...]] = {}
    with database.reading() as connection:
        for first in range(0, len(chosen), PAGE):
            ids = [game.id for game in chosen[first : first + PAGE]]
            rows.update((row.id, row) for row in connection.execute(stored_games().where(games.c.id.in_(ids))))
            if reanalysed:
                later.update(packed_reanalyses(connection, ids))
    return [StoredGame(game, rows[game.id], later.get(game.id, ())) for game in chosen if game.id in rows]


def read_records(stored: Sequence[StoredGame]) -> list[GameRecord]:
    """Unpack the records of games, with the newest search of every decision; raise `Damaged` if one cannot be read."""
    records = []
    for game, row, reanalyses in stored:
        try:
            records.append(with_reanalyses(read_game(row).record, reanalyses))
        except Damaged as error:
            name = game.identity.hex()
            raise Damaged(f"game {name}: {error}; `ringrift games check` finds what else is damaged") from None
    return records


def _check_part(part: Part, chosen: Sequence[SelectedGame]) -> None:
    """Check the part by the identities: the column that the query looks at could be wrong."""
    bound = holdout_bound()
    for game in chosen:
        if (lot(game.identity) < bound) != (part == "holdout"):
            where = "held out from training" if part == "training" else "for training, not held out"
            raise LeakedGame(
                f"game {game.identity.hex()}: is {where}; `ringrift games check --repair` mends its column"
            )


def _moment(second: int) -> str:
    return f"{utc(second)} UTC"


def _hint(condition: str) -> str:
    """Return what to do about a condition that no game fulfils."""
    if condition == "are completed":
        return " (games.completed_only, or --with-stopped)"
    if condition.startswith("are of"):
        return "; `ringrift games ingest` brings in more"
    if condition.startswith(("have engine", "have model", "have run", "have source")):
        return "; `ringrift games stats` and `ringrift games list` show what there is"
    return ""
