"""Games of the database as lines again: our records as they came in, or in canonical moves for other programs."""

from __future__ import annotations

import gzip
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from pathlib import Path

from ringrift.files import new_file
from ringrift.game import Game
from ringrift.game.records import record_line
from ringrift.game_database.admission import Candidate
from ringrift.game_database.database import GamesDatabase
from ringrift.game_database.pool import read_game
from ringrift.game_database.selection import Selection, read_pages


def export_lines(
    database: GamesDatabase, selection: Selection, *, canonical: bool = False, limit: int | None = None
) -> Iterator[bytes]:
    """Yield a line of JSON for every game that passes; `Damaged` at one that cannot be read.

    `canonical` gives moves as other programs read them (RULES §12), without search statistics, in place of records.
    """
    for rows in read_pages(database, selection, limit=limit):
        for row in rows:
            candidate = read_game(row)
            yield canonical_line(candidate) if canonical else candidate.to_line()


def canonical_line(candidate: Candidate) -> bytes:
    """Return a game in canonical moves, with its players; `Game.from_record` reads it."""
    record = candidate.record
    game = replayed(candidate)
    header = {
        "identity": record.identity,
        "run": record.run,
        "game": record.game,
        "seed": record.seed,
        "engines": record.engines,
        "models": record.models,
        "maxMoves": record.max_moves,
        "ended": record.ended,
    }
    return record_line(game.record(**header)).encode()


def replayed(candidate: Candidate) -> Game:
    """Return the game, played to its end."""
    record = candidate.record
    moves = {"config": record.config, "actions": record.actions.tolist()}
    return Game.from_record(moves, max_moves=record.max_moves)


def write_lines(path: Path, lines: Iterable[bytes]) -> int:
    """Write a whole file of lines atomically; gzipped if its name ends in `.gz`, and return their number."""
    count = 0
    with new_file(path) as plain:
        # No time stamp and no name inside: the same games give the same bytes.
        zipped = gzip.GzipFile("", "wb", 6, plain, 0) if path.suffix == ".gz" else nullcontext(plain)
        with zipped as file:
            for line in lines:
                file.write(line)
                count += 1
    return count
