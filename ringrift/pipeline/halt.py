"""The emergency halt: one small file, which every stage looks at before it begins and while it waits.

It lies among the data, so that processes that share the data share the halt. It is replaced as a whole and survives any
restart.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated, Final

from pydantic import Field, ValidationError

from ringrift.errors import RingRiftError
from ringrift.files import new_file
from ringrift.moments import FIRST_IMPOSSIBLE
from ringrift.settings import Settings, folder_of, home_folder

FILE: Final = Path("data") / "halt.json"


class Halted(RingRiftError):
    """A start of work while the loop is halted."""


class NoLoop(RingRiftError):
    """A folder in which no loop works."""


class Halt(Settings):
    """The reason of a halt, and its beginning."""

    reason: str
    since: Annotated[int, Field(ge=0, lt=FIRST_IMPOSSIBLE)]
    """Seconds since 1970."""


def halt_file(home: Path | None = None) -> Path:
    """Return the file of a halt; `home` is the folder that holds `data/`, by default `home_folder`."""
    return (home_folder() if home is None else home) / FILE


def loop_folder() -> Path:
    """Return the folder whose loop a command is about: `home_folder`; `NoLoop` if no loop works in it."""
    if named := folder_of("RINGRIFT_HOME"):
        return check_loop(named, "RINGRIFT_HOME names this folder")
    return check_loop(Path(), "this is the working folder")


def check_loop(folder: Path, called: str) -> Path:
    """Return the folder, resolved, if it has the `data/` that a loop makes where it works; else `NoLoop`."""
    folder = folder.resolve()
    if not (folder / FILE.parent).is_dir():
        lack = f"which has no {FILE.parent}/" if folder.exists() else "which does not exist"
        raise NoLoop(
            f"{folder}: no loop works here; {called}, {lack}. Go to the folder that has it, or let RINGRIFT_HOME name "
            "it; `ringrift loop` begins one in the working folder"
        )
    return folder


def halted(home: Path | None = None) -> str | None:
    """Return why nothing may run now, in a line; None if all may. `home` is the folder that holds `data/`.

    A file that cannot be read halts, too: it was written to halt the loop.
    """
    line = _halt_line(home)
    return line and f"{line}; `ringrift resume` ends it"


def _halt_line(home: Path | None) -> str | None:
    """Return what `halted` returns, without the advice."""
    path = halt_file(home)
    try:
        halt = Halt.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError, ValueError):
        return f"halted by {path}, which cannot be read"
    since = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(halt.since))
    return f"halted since {since}: {halt.reason}"


def halt(reason: str, home: Path | None = None) -> str:
    """Halt the loop, or keep an earlier halt, whose reason stays; return the line that `halted` returns from now on."""
    earlier = halted(home)
    if earlier is None:
        with new_file(halt_file(home)) as file:
            file.write(Halt(reason=reason, since=int(time.time())).model_dump_json().encode() + b"\n")
    return earlier or halted(home) or "halted, and resumed at once"


def resume(home: Path | None = None) -> str | None:
    """End the halt, and return its line; None if there was none."""
    earlier = _halt_line(home)
    halt_file(home).unlink(missing_ok=True)
    return earlier
