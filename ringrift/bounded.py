"""Reading files whose size and kind others decide: plain ones only, and never more than a limit."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from gzip import GzipFile
from pathlib import Path
from typing import IO

MEGABYTE = 1_000_000
LONGEST_LINE = 256 * MEGABYTE
"""The longest game that can be played takes a hundredth of that."""


def read_bounded(path: Path, most: int) -> bytes:
    """Return the content of a plain file of at most `most` bytes; `OSError` if it is larger, or something else."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe without a writer would hang
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "is no plain file", str(path))
        if status.st_size > most:
            raise OSError(errno.EFBIG, f"is larger than {most / MEGABYTE:,.0f} MB", str(path))
        return file.read(status.st_size)


def read_end(path: Path, most: int) -> bytes:
    """Return the last bytes of a file, at most `most`, which may begin in the middle of a line; `OSError`."""
    with path.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - most))
        return file.read(most)


def bounded_lines(file: IO[bytes] | GzipFile, longest: int = LONGEST_LINE) -> Iterator[bytes]:
    """Yield the lines of a file, which may unpack to more than the memory holds; `OSError` for a line without end."""
    while line := file.readline(longest):
        if len(line) == longest and not line.endswith(b"\n"):
            raise OSError(errno.EFBIG, f"holds a line of more than {longest / MEGABYTE:,.0f} MB")
        yield line
