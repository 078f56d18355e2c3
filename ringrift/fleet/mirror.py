"""The mirror of a host's files of games: what of a file is here, and how what has come is taken in.

A mirror holds whole lines only, and no line that came is ever lost: where a file takes the place of another version of
itself, because it was compressed, or because the host has lost its own and begins it anew, lines that only the older
one has go into `<name>.rescued.jsonl` beside it. At any moment the process may be killed.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import file_digest, sha256
from pathlib import Path, PurePosixPath
from typing import Final

from ringrift.bounded import bounded_lines
from ringrift.errors import UnwritableFile
from ringrift.files import new_file
from ringrift.selfplay.files import DamagedFile, games_in_file

PACKED: Final = ".gz"
READ_BYTES: Final = 1 << 20


@dataclass(frozen=True)
class RemoteFile:
    """A file of games on a host."""

    path: str
    """Below the host's folder of games."""
    size: int
    changed: int
    """Seconds since 1970, by the host's clock."""

    @property
    def packed(self) -> bool:
        """Whether it is compressed, and so will not change any more."""
        return self.path.endswith(PACKED)


@dataclass
class Piece:
    """The part of a file that is missing."""

    remote: RemoteFile
    target: Path
    """The file here."""
    staged: Path
    """The file in which the missing bytes arrive, at their own place; before them is nothing, or a hole."""
    base: int = 0
    """Bytes at the beginning of the file that `target` has already."""
    games: int = 0
    """New ones, as far as one can tell without having them."""

    @property
    def length(self) -> int:
        """The bytes of the file up to the end of its last whole line, as far as it has come."""
        size = self.staged.stat().st_size if self.staged.exists() else 0
        return size if self.remote.packed else _whole_lines(self.staged, self.base, size)

    def prepare(self) -> None:
        """Let the transfer begin where the file here ends, or where the last transfer was cut."""
        try:
            self.staged.parent.mkdir(parents=True, exist_ok=True)
            if self.staged.exists() and not self.base <= self.staged.stat().st_size <= self.remote.size:
                self.staged.unlink()
            if self.base and not self.staged.exists():
                with self.staged.open("wb") as file:
                    file.truncate(self.base)  # a hole
        except OSError as error:
            raise UnwritableFile(f"{self.staged}: cannot be written ({error.strerror or error})") from None

    def sum_of(self, length: int) -> str:
        """SHA-256 of the first bytes of the file, as they are here."""
        digest = sha256()
        places = ((self.target, 0, min(self.base, length)), (self.staged, self.base, length))
        for path, start, end in places:
            if end > start:
                with path.open("rb") as file:
                    file.seek(start)
                    while start < end and (block := file.read(min(READ_BYTES, end - start))):
                        digest.update(block)
                        start += len(block)
        return digest.hexdigest()

    def take_in(self, length: int) -> int:
        """Make what has come a part of the file; how many games are new. Its checksum was right."""
        try:
            if self.remote.packed:
                return self._replace()
            if self.base:
                return self._append(length)
            os.truncate(self.staged, length)
            return self._replace()
        except OSError as error:
            raise UnwritableFile(f"{self.target}: cannot be written ({error.strerror or error})") from None

    def _append(self, length: int) -> int:
        with self.staged.open("rb") as file:
            file.seek(self.base)
            lines = file.read(length - self.base)
        with self.target.open("r+b", buffering=0) as file:
            file.truncate(self.base)
            file.seek(self.base)
            rest = memoryview(lines)
            while rest:
                rest = rest[file.write(rest) :]
            os.fsync(file.fileno())
        self.staged.unlink()
        return lines.count(b"\n")

    def _replace(self) -> int:
        """Put the whole file in the place of what was here; lines that only the older one has are kept beside it."""
        target, plain = self.target, plain_path(self.target)
        older = [path for path in {target, plain} if path.exists()]
        new = self._keep_lost(older) if older else _count(self.staged)
        target.parent.mkdir(parents=True, exist_ok=True)
        with self.staged.open("rb") as staged:
            os.fsync(staged.fileno())
        os.utime(self.staged, (self.remote.changed, self.remote.changed))  # by which the file is known again
        self.staged.replace(target)
        if plain != target:
            plain.unlink(missing_ok=True)
            plain_path(self.staged).unlink(missing_ok=True)  # a transfer that was cut before it was compressed
        return new

    def _keep_lost(self, older: Sequence[Path]) -> int:
        """Rescue the lines of older versions that what came has not; how many lines are new."""
        known = {digest: line for path in older for digest, line in _lines(path)}
        rescued = _rescued(plain_path(self.target))
        saved = {digest for digest, _ in _lines(rescued)}
        new = {digest for digest, _ in _lines(self.staged)}
        lost = [line for digest, line in known.items() if digest not in new and digest not in saved]
        if lost:
            before = rescued.read_bytes() if rescued.exists() else b""
            with new_file(rescued) as file:
                file.write(before + b"".join(lost))
        return len(new - known.keys() - saved)


def missing_piece(remote: RemoteFile, target: Path, staged: Path) -> Piece | None:
    """Return the part of a file that is missing here; None if nothing is."""
    try:
        status = target.stat()
    except FileNotFoundError:
        return Piece(remote, target, staged)
    if remote.packed:
        if (status.st_size, int(status.st_mtime)) != (remote.size, remote.changed):
            return Piece(remote, target, staged)
        plain_path(target).unlink(missing_ok=True)  # killed between the two steps of taking it in
        return None
    whole = _whole_lines(target, 0, status.st_size)  # a killed process may have left a torn one
    if whole == remote.size:
        return None
    return Piece(remote, target, staged, base=whole if whole < remote.size else 0)


def target_of(root: Path, host: str, path: str) -> Path | None:
    """Return the place of a host's file: `<config>/<host>/<worker>/…`; None for a path that leads elsewhere.

    None also for names that no text can hold, such as those that are not UTF-8: the database keeps paths as text.
    A folder with another host's name goes below this one's: two machines may believe that they have the same name.
    """
    parts = PurePosixPath(path).parts
    if len(parts) < 2 or not path.isprintable() or path.startswith("/") or any(part.startswith(".") for part in parts):
        return None
    rest = parts[2:] if parts[1] == host and len(parts) > 2 else parts[1:]
    return root.joinpath(parts[0], host, *rest)


def checksum_of_file(path: Path) -> str:
    """SHA-256 of a file."""
    with path.open("rb") as file:
        return file_digest(file, "sha256").hexdigest()


def plain_path(path: Path) -> Path:
    """The name that a file of games had before it was compressed; its own if it is not."""
    return path.with_suffix("") if path.suffix == PACKED else path


def _whole_lines(path: Path, start: int, end: int) -> int:
    """Return the end of the last whole line between two places of a file; `start` if there is none."""
    if end <= start:
        return start
    with path.open("rb") as file:
        while end > start:
            begin = max(start, end - READ_BYTES)
            file.seek(begin)
            cut = file.read(end - begin).rfind(b"\n")
            if cut >= 0:
                return begin + cut + 1
            end = begin
    return start


def _lines(path: Path) -> Iterator[tuple[bytes, bytes]]:
    """The whole lines of a file with their digests, as far as it can be read; none if it is not there."""
    try:
        with path.open("rb") as raw, gzip.open(raw) if raw.read(2) == b"\x1f\x8b" else path.open("rb") as file:
            raw.seek(0)
            for line in bounded_lines(file):
                if line.endswith(b"\n"):
                    yield sha256(line).digest(), line
    except FileNotFoundError:
        return
    except (OSError, EOFError, zlib.error):
        return


def _count(path: Path) -> int:
    """The games of a file that is new here, as far as it can be read."""
    try:
        return games_in_file(path)
    except DamagedFile:
        return sum(1 for _ in _lines(path))


def _rescued(plain: Path) -> Path:
    return plain.with_name(f"{plain.name.removesuffix('.jsonl')}.rescued.jsonl")
