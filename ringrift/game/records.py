"""Files of game records: JSON lines, plain or gzipped.

Reading names file and line in every complaint. Writing goes to a temporary name first, so that nothing half-written
ever stands under the real one.
"""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import IO

from ringrift.files import new_file
from ringrift.game.errors import BadRecord
from ringrift.game.notation import Json

GZIP_MAGIC = b"\x1f\x8b"


def read_records(path: Path) -> Iterator[tuple[int, Json]]:
    """Every record of a `.jsonl` or `.jsonl.gz` file with its line number, from 1. Empty lines are passed over."""
    number = 0
    try:
        with _open(path) as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield number, _parse(path, number, line)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise BadRecord(f"{path}:{number + 1}: the file is damaged or cut off ({error})") from None
    except OSError as error:
        raise BadRecord(f"{path}: cannot be read ({error.strerror or error})") from None


def _open(path: Path) -> IO[bytes] | gzip.GzipFile:
    with path.open("rb") as file:
        gzipped = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    return gzip.open(path, "rb") if gzipped or path.suffix == ".gz" else path.open("rb")


def _parse(path: Path, number: int, line: bytes) -> Json:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        cut = "" if line.endswith(b"\n") else "; the line has no end, so the file may be cut off"
        raise BadRecord(f"{path}:{number}: not JSON ({error}){cut}") from None
    if not isinstance(record, dict):
        raise BadRecord(f"{path}:{number}: a record must be an object, not {type(record).__name__}")
    return record


def record_line(record: Json) -> str:
    """A record as one line of JSON."""
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False) + "\n"


def write_records(path: Path, records: Iterable[Json]) -> int:
    """Write a whole file of records atomically; gzipped if its name ends in `.gz`. Returns their number."""
    count = 0
    with new_file(path) as plain, _compressed(plain, path) as file:
        for record in records:
            file.write(record_line(record).encode())
            count += 1
    return count


def _compressed(plain: IO[bytes], path: Path) -> AbstractContextManager[IO[bytes] | gzip.GzipFile]:
    """The file that the lines are written to: gzip around the plain one if the name ends in `.gz`."""
    if path.suffix != ".gz":
        return nullcontext(plain)
    # No time stamp and no name inside: the same records give the same bytes.
    return gzip.GzipFile("", "wb", 6, plain, 0)
