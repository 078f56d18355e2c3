"""The files of one worker: whole lines are appended, full files are closed and compressed; a kill harms nothing.

A worker's folder holds `<run>-000001.jsonl.gz`, …, and at most one `<run>-00000N.jsonl` that still grows. In the place
of a closed file that was brought elsewhere, `<run>-00000N.taken` holds the numbers of its games. Every line
goes out with one write at the end of the file, so that after a kill at most the last line is torn, and the next start
cuts that off. Lines are not synced one by one: that takes longer than a game of the fast players, and what a power cut
takes is only played again. Files are synced when they are closed.
"""

from __future__ import annotations

import gzip
import os
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Annotated, Final, Self

from pydantic import BaseModel, Field, StrictStr, TypeAdapter, ValidationError

from ringrift.bounded import bounded_lines
from ringrift.errors import Busy, RingRiftError, UnwritableFile
from ringrift.files import files_below, new_file, take_lock

HEADER: Final = b"\x1f\x8b\x08\x10" + bytes(5) + b"\xff"
"""The header of a gzipped file with a comment and nothing else, made at no time on an unknown system."""
_COMMENT: Final = re.compile(re.escape(HEADER) + rb"(\d+) games\0")


_Number = Annotated[int, Field(strict=True, ge=0, lt=2**63)]
_NUMBERS: Final = TypeAdapter(list[_Number])
"""The content of a `.taken` file."""


class _Key(BaseModel):
    """The fields of a line that name its game."""

    run: StrictStr
    game: _Number


class BusyFolder(Busy):
    """The error that another process writes the same files."""


class DamagedFile(RingRiftError):
    """A file of games that cannot be read."""


class GameFiles:
    """The files of one worker and one run, open for writing; a context manager.

    `UnwritableFile` says in one line what stands in the way, `BusyFolder` that another process is there.
    """

    def __init__(self, folder: Path, run: str, *, limit: int) -> None:
        """Go on where the last process has stopped; a file is closed at `limit` bytes."""
        self.folder = folder
        self.run = run
        self.limit = limit
        self._file: int | None = None
        self._size = 0
        busy = BusyFolder(f"{folder}: another process plays there; give this one a --worker of its own")
        self._lock = take_lock(folder / ".lock", folder, busy)
        try:
            self._path = self._recover()
            self.games = set(self._games())
            """The numbers of the games of the run that are kept."""
        except BaseException:
            self._release()
            raise

    def append(self, line: bytes) -> None:
        """Add a line; it is there as a whole or not at all."""
        try:
            if self._file is None:
                self._file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
                self._size = os.fstat(self._file).st_size
            rest = memoryview(line)
            while rest:  # a full disk takes a part, and says what is wrong when it is offered the rest
                rest = rest[os.write(self._file, rest) :]
        except OSError as error:
            if self._file is not None:
                os.ftruncate(self._file, self._size)
            raise UnwritableFile(f"{self._path}: cannot be written ({error.strerror or error})") from None
        self._size += len(line)
        if self._size >= self.limit:
            self._finish()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        """Close and compress the file; after an error it stays as it is, for the next start."""
        try:
            if error is None:
                self._finish()
            elif self._file is not None:
                os.close(self._file)
        finally:
            self._file = None
            self._release()

    def _release(self) -> None:
        os.close(self._lock)

    def _finish(self) -> None:
        """Close the growing file, if there is one, and compress it."""
        if self._file is None:
            return
        handle, self._file = self._file, None
        try:
            os.fsync(handle)
        except OSError as error:
            raise UnwritableFile(f"{self._path}: cannot be written ({error.strerror or error})") from None
        finally:
            os.close(handle)
        compress(self._path)
        self._path = self._named(self._number(self._path) + 1)

    def _recover(self) -> Path:
        """Put in order what the last process has left; return the file to go on with."""
        for unfinished in self.folder.glob(f".{self.run}-*.partial"):
            unfinished.unlink()  # killed while it compressed
        for plain in self._files("jsonl"):
            if compressed_path(plain).exists():
                plain.unlink()  # killed between the two steps of `compress`
        plains = self._files("jsonl")
        for plain in plains:
            cut_torn_line(plain)
        for plain in plains[:-1]:
            compress(plain)
        if plains:
            return plains[-1]
        return self._named(max(map(self._number, self._files("jsonl.gz") + self._files("taken")), default=0) + 1)

    def _games(self) -> Iterator[int]:
        for path in self._files("jsonl.gz") + self._files("jsonl"):
            try:
                yield from game_numbers(path, self.run)
            except DamagedFile:
                if path.exists():
                    raise
                # It was fetched and removed meanwhile; the list of its games, which is read below, came before that.
        for path in self._files("taken"):
            with suppress(ValidationError):  # after a power cut; the games are played again
                yield from _NUMBERS.validate_json(path.read_bytes())

    def _files(self, ending: str) -> list[Path]:
        """Return the files of the run with that ending, by number."""
        form = re.compile(re.escape(self.run) + r"-\d{6,}\." + re.escape(ending))
        named = (path for path in self.folder.iterdir() if form.fullmatch(path.name))
        return sorted(filter(Path.is_file, named), key=self._number)

    def _named(self, number: int) -> Path:
        return self.folder / f"{self.run}-{number:06}.jsonl"

    def _number(self, path: Path) -> int:
        return int(path.name.removeprefix(f"{self.run}-").partition(".")[0])


def compressed_path(path: Path) -> Path:
    """Return the name of a file of games once it is compressed."""
    return path.with_name(f"{path.name}.gz")


def compress(path: Path) -> None:
    """Put the compressed file in the place of the plain one; at any moment at least one of them is whole.

    Its comment (RFC 1952) says how many games it holds, so that counting does not unpack it.
    """
    content = path.read_bytes()
    packer = zlib.compressobj(6, wbits=-zlib.MAX_WBITS)
    with new_file(compressed_path(path)) as file:
        # Neither name nor time: the same games give the same file.
        file.write(HEADER + b"%d games\0" % content.count(b"\n"))
        file.write(packer.compress(content) + packer.flush())
        file.write(struct.pack("<II", zlib.crc32(content), len(content) & 0xFFFFFFFF))
    path.unlink()


def cut_torn_line(path: Path) -> None:
    """Cut off what comes after the last end of a line."""
    content = path.read_bytes()
    whole = content.rfind(b"\n") + 1
    if whole < len(content):
        os.truncate(path, whole)


def read_lines(path: Path) -> Iterator[bytes]:
    """Yield the complete lines of a file of games, plain or compressed; raise `DamagedFile` if it is damaged."""
    try:
        with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as file:
            for line in bounded_lines(file):
                if line.endswith(b"\n"):
                    yield line
    except (OSError, EOFError, zlib.error) as error:
        raise DamagedFile(f"{path}: cannot be read ({error}): move it away, and its games are played again") from None


def game_numbers(path: Path, run: str) -> Iterator[int]:
    """Yield the numbers of a run's games in a file; raise `DamagedFile` as `read_lines` does."""
    for line in read_lines(path):
        try:
            key = _Key.model_validate_json(line)
        except ValidationError:
            continue  # after a power cut; the game is played again
        if key.run == run:
            yield key.game


def game_files(folder: Path) -> list[Path]:
    """List the files of games under a folder, of all hosts and workers; each game is in one of them only.

    A plain file beside its compressed one is left out: its writer was killed, or is just about to remove it. So are
    hidden files and folders: what lies there is on its way.
    """
    files = {path for path in files_below(folder) if ".jsonl" in path.name}
    packed = sorted(path for path in files if path.name.endswith(".jsonl.gz"))
    plain = sorted(path for path in files if path.suffix == ".jsonl" and compressed_path(path) not in files)
    return packed + plain


def games_in_file(path: Path) -> int:
    """Count the games of a file: a compressed one says their number itself. `DamagedFile` as `read_lines`."""
    try:
        with path.open("rb") as file:
            comment = _COMMENT.match(file.read(64))
    except OSError as error:
        raise DamagedFile(f"{path}: cannot be read ({error.strerror or error})") from None
    return int(comment[1]) if comment else sum(1 for _ in read_lines(path))


def count_games(folder: Path) -> int:
    """Count the games that the files under a folder hold, also while workers write there."""
    total = 0
    for path in game_files(folder):
        try:
            total += games_in_file(path)
        except DamagedFile:
            if path.exists():
                raise
            total += games_in_file(compressed_path(path))  # compressed meanwhile
    return total
