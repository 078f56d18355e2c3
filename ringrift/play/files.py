"""Files of games: records (`.jsonl`, `.jsonl.gz`), or positions without a past (`.json`)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ringrift.errors import RingRiftError
from ringrift.files import new_file
from ringrift.game import BadRecord, Game, parse_config
from ringrift.game.notation import Json
from ringrift.game.records import read_records, write_records
from ringrift.play.session import Session


@dataclass(frozen=True)
class Kept:
    """A game from a file."""

    game: Game
    seats: tuple[str, ...] | None
    """The names by seat, if the file has them."""


def save_game(session: Session, path: Path) -> None:
    """Write the game as a record, or its position alone if the name ends in `.json`."""
    if path.suffix != ".json":
        write_records(path, [session.record()])
        return
    position = {"config": session.game.config, "engines": list(session.seats), "state": session.game.state()}
    with new_file(path) as file:
        file.write((json.dumps(position, ensure_ascii=False) + "\n").encode())


def open_game(path: Path, number: int = 1, *, max_moves: int | None = None) -> Kept:
    """Open the game of a file of records, or a position of `save_game` or `ringrift game show --json`."""
    count = 0
    for count, (line, record) in enumerate(read_records(path), 1):
        if count == number:
            try:
                return Kept(_game(record, max_moves), _seats(record))
            except RingRiftError as error:
                raise BadRecord(f"{path}:{line}: {error}") from None
    raise BadRecord(f"{path}: there is no game {number}, the file holds {count}")


def _game(record: Json, max_moves: int | None) -> Game:
    if "moves" in record or "plies" in record:
        return Game.from_record(record, max_moves=max_moves)
    if "state" in record and isinstance(record.get("config"), str):
        board, players = parse_config(record["config"])
        return Game.from_state(record["state"], board.name, players, max_moves=max_moves)
    raise BadRecord("neither a record with `moves` nor a position with `config` and `state`")


def _seats(record: Json) -> tuple[str, ...] | None:
    seats = record.get("engines")
    if isinstance(seats, list) and all(isinstance(seat, str) for seat in seats):
        return tuple(seats)
    return None
