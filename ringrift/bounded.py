"""Reading files whose size and kind somebody else decides: plain ones only, and never more than was agreed."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

MEGABYTE = 1_000_000


def read_bounded(path: Path, most: int) -> bytes:
    """Return the content of a plain file of at most `most` bytes; `OSError` if it is larger, or something else."""
    handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)  # a pipe without a writer would hang
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "is no plain file", str(path))
        content = file.read(most + 1)
    if len(content) > most:
        raise OSError(errno.EFBIG, f"is larger than {most / MEGABYTE:,.0f} MB", str(path))
    return content
