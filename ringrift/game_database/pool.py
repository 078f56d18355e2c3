"""Games and quarantined lines as rows of the database, and back."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import orjson
from sqlalchemy import Connection, Row, select

from ringrift.game import parse_config
from ringrift.game_database.admission import SELFPLAY, Admitted, Candidate, Line, TurnedAway, outcome
from ringrift.game_database.counters import count
from ringrift.game_database.database import GamesDatabase
from ringrift.game_database.packing import (
    Damaged,
    pack,
    pack_actions,
    pack_json,
    pack_search,
    unpack_actions,
    unpack_json,
    unpack_search,
)
from ringrift.game_database.schema import DIGEST_BYTES, games, moves, quarantine
from ringrift.selfplay import GameRecord

OPENING_ACTIONS: Final = 8
"""The first actions by which openings are told apart: about two turns."""

ARRIVALS: Final = (60, 600)
"""Seconds after its end within which a game should be here: a minute, where sync streams."""

COUNTS: Final = (
    "plies",
    "choices",
    "placements",
    "movements",
    "lines",
    "regions",
    "recoveries",
    "forced_eliminations",
)
"""The columns that are fields of a finding."""


@dataclass
class Stored:
    """The counts of what a transaction has added to the database."""

    added: dict[str, int] = field(default_factory=dict)
    """Games by config."""
    duplicates: int = 0
    played_twice: int = 0
    """The duplicates that ended at another moment than the stored game."""
    quarantined: dict[str, int] = field(default_factory=dict)
    """Lines by reason."""


@dataclass(frozen=True, eq=False)
class Rows:
    """The rows to write for some verdicts: made by any thread, written by one."""

    games: dict[bytes, tuple[dict[str, Any], dict[str, Any]]]
    """Rows of `games` and `moves` by identity."""
    quarantine: dict[bytes, dict[str, Any]]
    duplicates: int
    played_twice: int
    """Duplicates that ended at another moment than the first: not read twice, but played twice."""


def make_rows(verdicts: Iterable[Admitted | TurnedAway]) -> Rows:
    """Return the rows of verdicts, each game once."""
    admitted: dict[bytes, tuple[dict[str, Any], dict[str, Any]]] = {}
    turned_away: dict[bytes, dict[str, Any]] = {}
    duplicates = played_twice = 0
    for verdict in verdicts:
        if isinstance(verdict, TurnedAway):
            row = quarantine_row(verdict)
            turned_away[row["digest"]] = row
            continue
        row = game_row(verdict.candidate, verdict.finding, verdict.line)
        if row["identity"] in admitted:
            duplicates += 1
            played_twice += row["ended"] != admitted[row["identity"]][0]["ended"]
        else:
            admitted[row["identity"]] = row, moves_row(verdict.candidate)
    return Rows(admitted, turned_away, duplicates, played_twice)


def write_rows(database: GamesDatabase, connection: Connection, rows: Rows) -> Stored:
    """Write rows that are not there yet."""
    stored = Stored(duplicates=rows.duplicates, played_twice=rows.played_twice)
    if rows.games:
        new = database.insert(games).returning(games.c.id, games.c.identity)
        inserted = connection.execute(new, [game for game, _ in rows.games.values()])
        ids = {bytes(row.identity): row.id for row in inserted}
        added = [(game, blobs) for game, blobs in rows.games.values() if game["identity"] in ids]
        if added:
            connection.execute(moves.insert(), [blobs | {"game_id": ids[game["identity"]]} for game, blobs in added])
        for game, _ in added:
            stored.added[game["config"]] = stored.added.get(game["config"], 0) + 1
        _count_games(connection, [game for game, _ in added])
        known = {identity: game["ended"] for identity, (game, _) in rows.games.items() if identity not in ids}
        stored.duplicates += len(known)
        ended = select(games.c.identity, games.c.ended).where(games.c.identity.in_(known))
        stored.played_twice += sum(row.ended != known[bytes(row.identity)] for row in connection.execute(ended))
    if rows.quarantine:
        new = database.insert(quarantine).returning(quarantine.c.reason)
        for reason in connection.execute(new, list(rows.quarantine.values())).scalars():
            stored.quarantined[reason] = stored.quarantined.get(reason, 0) + 1
        for reason, lines in stored.quarantined.items():
            count(connection, "quarantined", "", reason, lines)
    return stored


def _count_games(connection: Connection, added: Sequence[Mapping[str, Any]]) -> None:
    """Count games by config and host; each counter keeps the end of its latest game."""
    ends: dict[tuple[str, str], list[int]] = {}
    for game in added:
        ends.setdefault((game["config"], game["host"]), []).append(game["ended"])
    for (config, host), moments in sorted(ends.items()):
        count(connection, "games", config, host, len(moments), when=max(moments))
    now = time.time()
    delays = Counter((game["host"], delay_of(now - game["ended"])) for game in added if game["origin"] == SELFPLAY)
    for (host, delay), number in sorted(delays.items()):
        count(connection, "arrivals", "", f"{host} {delay}", number)


def delay_of(seconds: float) -> str:
    """Return the class of the delay from the end of a game to its row here, as the counter `arrivals` has them.

    The end is by the host's clock, and wrong where that is.
    """
    return next((str(limit) for limit in ARRIVALS if seconds <= limit), "later")


def game_row(candidate: Candidate, finding: np.void, line: Line) -> dict[str, Any]:
    """Return the row of a game."""
    record = candidate.record
    seat, at = record.resigned or (None, None)
    return {
        "origin": candidate.origin,
        "source_id": line.source,
        "line": line.number,
        "config": record.config,
        "run": record.run,
        "game": record.game,
        "seed": record.seed,
        "engines": _text(record.engines),
        "models": _text(record.models),
        "opening": record.opening,
        "max_moves": record.max_moves,
        "resigned_seat": seat,
        "resigned_at": at,
        "host": record.host,
        "worker": record.worker,
        "ended": record.ended,
        **derived_columns(record, finding),
    }


def derived_columns(record: GameRecord, finding: np.void) -> dict[str, Any]:
    """Return the columns that follow from the record and from replaying it."""
    winner, reason, ranks = outcome(finding, parse_config(record.config)[1])
    identity = bytes.fromhex(record.identity)
    actions = np.ascontiguousarray(record.actions, "<i4")
    return {
        "identity": identity,
        "lot": lot(identity),
        "winner": winner,
        "reason": reason,
        "ranks": None if ranks is None else _text(ranks),
        "actions": len(actions),
        "opening_hash": hash_actions(actions[:OPENING_ACTIONS]),
        "actions_hash": hash_actions(actions),
        **dict(zip(COUNTS, finding[list(COUNTS)].tolist(), strict=True)),
    }


def moves_row(candidate: Candidate) -> dict[str, Any]:
    """Return the row of a game's long data, without the id of the game."""
    record = candidate.record
    extra = (candidate.extra or {}) | ({"code": record.code} if record.code else {})
    return {
        "actions": pack_actions(record.actions),
        "search": pack_search(record.search) if record.search else None,
        "extra": pack_json(extra) if extra else None,
    }


def quarantine_row(verdict: TurnedAway) -> dict[str, Any]:
    """Return the row of a line that is no game."""
    line = verdict.line
    return {
        "digest": blake2b(line.raw, digest_size=DIGEST_BYTES).digest(),
        "source_id": line.source,
        "line": line.number,
        "reason": verdict.reason,
        "detail": verdict.detail,
        "raw": pack(line.raw),
    }


def read_game(row: Row[Any]) -> Candidate:
    """Return the game of a row of `selection.stored_games`; `Damaged` if it cannot be read."""
    if row.packed_actions is None:
        raise Damaged("its moves are missing")
    try:
        extra = {} if row.extra is None else unpack_json(row.extra)
        record = GameRecord(
            config=row.config,
            run=row.run,
            game=row.game,
            seed=row.seed,
            engines=tuple(orjson.loads(row.engines)),
            models=tuple(orjson.loads(row.models)),
            opening=row.opening,
            max_moves=row.max_moves,
            actions=unpack_actions(row.packed_actions),
            winner=row.winner,
            reason=row.reason,
            ranks=None if row.ranks is None else tuple(orjson.loads(row.ranks)),
            search=None if row.packed_search is None else unpack_search(row.packed_search),
            resigned=None if row.resigned_seat is None else (row.resigned_seat, row.resigned_at),
            host=row.host,
            worker=row.worker,
            ended=row.ended,
            code=extra.pop("code", "") if row.origin == SELFPLAY else "",  # it has no column, as nothing selects by it
        )
        return Candidate(record, row.origin, extra or None)
    except (orjson.JSONDecodeError, TypeError) as error:
        raise Damaged(f"a column is damaged ({error})") from None


def lot(identity: bytes) -> int:
    """Return 31 bits of an identity, itself a hash, that decide whether the game is held out."""
    return int.from_bytes(identity[:4]) >> 1


def hash_actions(actions: npt.NDArray[np.int32]) -> int:
    """Return a hash of a sequence of actions, 64 bits."""
    return int.from_bytes(blake2b(actions.tobytes(), digest_size=8).digest(), signed=True)


def _text(values: tuple[Any, ...]) -> str:
    return orjson.dumps(values).decode()
