"""Files of game records, read from where the last reading ended, a whole line at a time.

A file is recognised by its content, not by its name, inode or time: by its first line, and by the bytes before the
place up to which it has been read. So a file that was renamed, copied, or compressed by rotation goes on where it
stopped, and one that shrank or was replaced is read from its beginning. Where a file is read twice after all, the
identity of its games keeps them single.
"""

from __future__ import annotations

import errno
import gzip
import os
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from types import TracebackType
from typing import IO, Final, Self

from sqlalchemy import Connection, select, update

from ringrift.errors import RingRiftError
from ringrift.files import files_below
from ringrift.game.records import GZIP_MAGIC
from ringrift.game_database.admission import Line
from ringrift.game_database.database import GamesDatabase
from ringrift.game_database.schema import DIGEST_BYTES, sources

SUFFIXES: Final = (".jsonl", ".jsonl.gz")
HEAD_BYTES: Final = 65536
"""The bytes of the first line, at most, by which files are told apart; our records begin with the name of the game."""
TAIL_BYTES: Final = 256
TRAILER_BYTES: Final = 8
"""The bytes at the end of a gzipped file: checksum and length of its content."""
LARGEST_RATIO: Final = 200
"""The ratio of bytes to packed bytes; our records have 5, and gzip can do a thousand."""
FREE_BYTES: Final = 8_000_000
READ_BYTES: Final = 1 << 20


class UnreadableSource(RingRiftError):
    """A file or folder of records that is not there or cannot be read."""


@dataclass(frozen=True)
class Progress:
    """The progress of reading a file: the columns of `sources` that change."""

    position: int = 0
    lines: int = 0
    head: bytes | None = None
    tail: bytes | None = None
    trailer: bytes | None = None
    note: str | None = None


class SourceReader:
    """The new lines of one file: iterate over them; `progress` then has the position that was reached."""

    def __init__(
        self, file: IO[bytes] | gzip.GzipFile, raw: IO[bytes], start: Progress, tail: bytes, trailer: bytes | None
    ) -> None:
        """Use `open_source`. `file` stands at the position of `start`; `tail` are the bytes before it."""
        self.source = 0
        """The id of its row."""
        self.stored = 0
        """The position that the row is known to have."""
        self.torn = False
        """Whether a line without an end follows: it is being written, or was cut off."""
        self._file = file
        self._raw = raw
        self._position, self._lines, self._head = start.position, start.lines, start.head
        self._tail = tail
        self._trailer: bytes | None = None
        self._trailer_before = trailer  # as before reading: what is added meanwhile is read the next time
        self._note: str | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
        self._raw.close()

    @property
    def progress(self) -> Progress:
        """The progress so far; the trailer and the note come with the end."""
        tail = _digest(self._tail) if self._position else None
        return Progress(self._position, self._lines, self._head, tail, self._trailer, self._note)

    @property
    def bytes_read(self) -> int:
        """The position in the file as it lies on disk."""
        return self._raw.tell()

    def lines(self, longest: int) -> Iterator[Line]:
        """Yield every whole line from here on, empty ones left out; of one longer than `longest`, its beginning."""
        try:
            while (line := self._whole_line(longest)) is not None:
                if line.strip():
                    yield Line(self.source, self._lines, line)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            self._note = f"damaged or cut off after line {self._lines} ({error})"
        except OSError as error:
            self._note = f"cannot be read after line {self._lines} ({error.strerror or error})"
        self._trailer = self._trailer_before

    def _whole_line(self, longest: int) -> bytes | None:
        """Return the next line, or as much of it as may be kept; None at the end, and at a line without an end."""
        line = piece = self._file.readline(longest)
        length, tail = len(piece), _last_bytes(self._tail, piece)
        while piece and not piece.endswith(b"\n"):
            self._check_ratio(length)
            piece = self._file.readline(READ_BYTES)
            length, tail = length + len(piece), _last_bytes(tail, piece)
        if not piece:
            self.torn = length > 0
            return None
        self._check_ratio(length)
        self._position += length
        self._lines += 1
        self._tail = tail
        self._head = self._head or _digest(line[:HEAD_BYTES])
        return line

    def _check_ratio(self, length: int) -> None:
        """Raise `zlib.error` for a file that unpacks to far more than its size, as one made to fill memory."""
        if self._file is not self._raw and self._position + length > FREE_BYTES + LARGEST_RATIO * self._raw.tell():
            raise zlib.error(f"it unpacks to more than {LARGEST_RATIO} times its size")


def find_files(places: Iterable[Path]) -> list[Path]:
    """Return all files of records in folders, at any depth, and the files that are named, in order; no hidden ones.

    Symbolic links are followed, to files and to folders.
    """
    paths: dict[Path, None] = {}
    for place in places:
        if place.is_dir():
            inside = (path for path in files_below(place) if path.name.endswith(SUFFIXES) and path.is_file())
            paths.update(dict.fromkeys(sorted(inside)))
        elif place.is_file():
            paths[place] = None
        else:
            raise UnreadableSource(f"{place}: there is no such file or folder")
    return list(dict.fromkeys(path.absolute() for path in paths))


def open_source(database: GamesDatabase, path: Path) -> SourceReader | None:
    """Open a file where the last reading ended; None if nothing has been added to it since.

    `OSError` if it cannot be opened, as when it has been moved since it was found, or has a name that is no text.
    """
    if not _is_text(str(path)):
        raise OSError(errno.EILSEQ, "its name is not UTF-8, and the database keeps names as text: rename it")
    raw = path.open("rb")
    try:
        gzipped = raw.read(len(GZIP_MAGIC)) == GZIP_MAGIC
        with database.reading() as connection:
            row = connection.execute(select(sources).where(sources.c.path == str(path))).one_or_none()
            trailer = _trailer(raw) if gzipped else None
            if row and gzipped and row.trailer == trailer:
                raw.close()
                return None
            raw.seek(0)
            file = gzip.GzipFile(fileobj=raw) if gzipped else raw
            head = _first_line(file)
            same = select(sources).where(sources.c.head == head).order_by(sources.c.position.desc())
            known = [] if head is None else [row] if row and row.head == head else connection.execute(same).all()
        start, tail = Progress(), b""
        for other in known:
            before = _bytes_before(file, other.position)
            if before is not None and _digest(before) == other.tail:
                start, tail = Progress(other.position, other.lines, other.head), before
                break
        file.seek(start.position)
        if row and not gzipped and start.position and row.position == start.position == path.stat().st_size:
            raw.close()
            return None
        reader = SourceReader(file, raw, start, tail, trailer)
        reader.source, reader.stored = (row.id, row.position) if row else (_new_source(database, path), 0)
    except BaseException:
        raw.close()
        raise
    return reader


def is_ingested(database: GamesDatabase, path: Path) -> bool:
    """Return whether a compressed file, as it is now, has been read to its end, and had no fault."""
    with database.reading() as connection:
        row = connection.execute(select(sources).where(sources.c.path == str(path.absolute()))).one_or_none()
    if row is None or row.note is not None:
        return False
    with path.open("rb") as file:
        return bool(row.trailer == _trailer(file))


def unread_files(database: GamesDatabase, folder: Path) -> Iterator[Path]:
    """Yield the compressed files below a folder that have not been read to their end, as they are now."""
    prefix = str(folder.absolute())
    query = select(sources.c.path, sources.c.trailer).where(sources.c.path.startswith(prefix, autoescape=True))
    with database.reading() as connection:
        known = {row.path: row.trailer for row in connection.execute(query)}
    for path in files_below(folder):
        if path.name.endswith(SUFFIXES[1]):
            with suppress(OSError), path.open("rb") as file:  # it may be gone meanwhile
                if known.get(str(path.absolute())) != _trailer(file):
                    yield path


def save_progress(connection: Connection, source: int, stored: int, progress: Progress) -> None:
    """Note how far a file has been read, unless another process has done so meanwhile.

    `stored` is the position that the row is known to have.
    """
    statement = update(sources).where(sources.c.id == source, sources.c.position == stored)
    connection.execute(statement.values(**vars(progress)))


def _new_source(database: GamesDatabase, path: Path) -> int:
    """Return the id of a new row for a file."""
    with database.writing() as connection:
        return source_id(database, connection, str(path))


def source_id(database: GamesDatabase, connection: Connection, path: str) -> int:
    """Return the id of the row for a path, which is made if there is none."""
    connection.execute(database.insert(sources), {"path": path, "position": 0, "lines": 0})
    return int(connection.execute(select(sources.c.id).where(sources.c.path == path)).scalar_one())


def _first_line(file: IO[bytes] | gzip.GzipFile) -> bytes | None:
    """Return the digest of a file's first line; None as long as it has no whole one."""
    try:
        line = file.readline(HEAD_BYTES)
    except (EOFError, zlib.error, OSError):
        return None
    return _digest(line) if line.endswith(b"\n") or len(line) == HEAD_BYTES else None


def _bytes_before(file: IO[bytes] | gzip.GzipFile, position: int) -> bytes | None:
    """Return the last bytes before a position; None if the file does not reach so far."""
    start = max(0, position - TAIL_BYTES)
    try:
        file.seek(start)
        before = file.read(position - start)
    except (EOFError, zlib.error, OSError):
        return None
    return before if len(before) == position - start else None


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _last_bytes(before: bytes, piece: bytes) -> bytes:
    return piece[-TAIL_BYTES:] if len(piece) >= TAIL_BYTES else (before + piece)[-TAIL_BYTES:]


def _trailer(file: IO[bytes]) -> bytes:
    """Return the length of a gzipped file and its last bytes, which change with its content."""
    length = file.seek(0, os.SEEK_END)
    file.seek(max(0, length - TRAILER_BYTES))
    return length.to_bytes(8) + file.read(TRAILER_BYTES)


def _digest(data: bytes) -> bytes:
    return blake2b(data, digest_size=DIGEST_BYTES).digest()
