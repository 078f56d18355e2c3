"""The name of the code that runs, a release and a digest that distinguishes it from all other code; and its command.

The digest is one of the contents of the package, so that it is the same for the same code wherever that lies: in a
checkout, in a wheel, in a release on a host of the fleet. A change that is not committed counts; the settings of a
place (`include/config/`) do not.
"""

from __future__ import annotations

import hashlib
import sys
from functools import cache
from pathlib import Path
from typing import Final

from ringrift import __version__

SUFFIXES: Final = frozenset({".json", ".py", ".sh", ".yaml"})
"""The suffixes of the files that decide what the package does."""
DIGITS: Final = 10


@cache
def code_version() -> str:
    """Return the name of the code, such as `0.1.0+c3f9a1b20d7`, as it was at the first call."""
    return f"{__version__}+c{code_digest(Path(__file__).parent)}"


def command_line() -> str:
    """Return the command that this process runs, as reports show it."""
    return " ".join(["ringrift", *sys.argv[1:]])


def code_digest(package: Path) -> str:
    """Return `DIGITS` hexadecimal digits that stand for the names and contents of a package's files."""
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*")):
        if path.suffix in SUFFIXES:
            content = path.read_bytes()
            digest.update(f"{path.relative_to(package).as_posix()}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:DIGITS]
