"""The compilation of kernels: one decorator, one cache on disk.

Numba notices a change in the file of the function that is called from Python, but not in the files of the functions
that it calls in turn. A stale rule would be a disaster, so the cache folder is named after the contents of the sources:
of the kernel's module and every module of the package that it imports, directly or not. The kernels of the rules are
one unit, so that they share a folder. Any edit there starts a new cache.

Several processes may compile and share one cache; `numba_private` sees to that.
"""

from __future__ import annotations

import hashlib
import os
import re
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TypeVar, cast

from ringrift.errors import UnwritableFile
from ringrift.kernels.numba_private import compile_into

Function = TypeVar("Function", bound=Callable[..., object])


def cache_root() -> Path:
    """The folder for compiled code: `RINGRIFT_CACHE_DIR`, else `ringrift` under the user's cache folder."""
    chosen = os.environ.get("RINGRIFT_CACHE_DIR")
    if chosen:
        return Path(os.path.expanduser(chosen))  # noqa: PTH111 - Path.expanduser raises for an unknown user
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "ringrift"


PACKAGE = Path(__file__).parent.parent
_IMPORT = re.compile(r"^\s*(?:from (ringrift[\w.]*) import (\([^)]*\)|.*)|import (ringrift[\w.]*))", re.MULTILINE)


@cache
def imported_files(file: Path) -> frozenset[Path]:
    """The sources of the package that a source imports by name: modules, and packages as their `__init__.py`."""
    files: set[Path] = set()
    for package, names, module in _IMPORT.findall(file.read_text()):
        base = PACKAGE.parent.joinpath(*(package or module).split("."))
        # A name that is imported from a package may be a module of it.
        places = [base, *(base / name for name in re.findall(r"\w+", names))]
        files.update(place.with_suffix(".py") for place in places)
        files.update(place / "__init__.py" for place in places)
    return frozenset(path for path in files if path.is_file())


@cache
def rule_files() -> frozenset[Path]:
    """The modules of the rules that hold kernels."""
    return frozenset(path for path in (PACKAGE / "game").glob("*.py") if "\n@compiled" in path.read_text())


@cache
def source_files(file: Path) -> frozenset[Path]:
    """The sources that the machine code of a kernel in a source may depend on."""
    new = set(rule_files()) if file in rule_files() else {file}
    sources: set[Path] = set()
    while new:
        sources |= new
        new = {path for source in new for path in imported_files(source)} - sources
    return frozenset(sources)


@cache
def cache_folder(file: Path) -> str:
    """The folder in which the compiled code of a source is kept."""
    digest = hashlib.sha256()
    for path in sorted(source_files(file)):
        digest.update(path.name.encode() + path.read_bytes())
    folder = cache_root() / "compiled" / digest.hexdigest()[:16]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:  # numba would turn to a cache beside the sources, which it does not keep fresh
        raise UnwritableFile(
            f"{folder}: compiled code cannot be kept there ({error.strerror}); set RINGRIFT_CACHE_DIR to another folder"
        ) from None
    return str(folder)


def compiled(function: Function) -> Function:
    """Compile a kernel on first use: no Python objects, no GIL, no exceptions, no new arrays, kept on disk.

    (Assigning a slice of an array to another allocates too; a loop does not.)
    """
    return cast(Function, compile_into(cache_folder(Path(function.__code__.co_filename)), function))
