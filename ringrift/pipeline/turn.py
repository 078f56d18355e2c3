"""A turn of the loop: where it works, what its stages have done, and the file that keeps it."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Final

import orjson

from ringrift.errors import RingRiftError
from ringrift.files import new_file
from ringrift.game_database import GamesDatabase
from ringrift.models import ModelStore
from ringrift.pipeline.settings import LoopPreset

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType

FOLDER: Final = Path("data/loop")

Watch = Callable[[str, float, float, str], object]
"""Told a stage, how far it is and how far it goes, and more in words."""


class Stopped(RingRiftError):
    """A stage that was told to stop."""


class BadTurn(RingRiftError):
    """The file of a turn that cannot be read."""


@dataclass(frozen=True, eq=False)
class Workshop:
    """Where the loop of a config works, and with what."""

    config: str
    preset: LoopPreset
    database: GamesDatabase
    store: ModelStore
    stop: Event
    watch: Watch
    selfplay: Path = Path("data/selfplay")
    datasets: Path = Path("data/training")
    runs: Path = Path("data/runs")
    turns: Path = FOLDER

    @property
    def host(self) -> str:
        """The name of this machine, under which its games are kept."""
        return socket.gethostname()


@dataclass(frozen=True)
class Done:
    """What a stage has done."""

    line: str
    """For people."""
    facts: dict[str, Any]
    """For machines and for the stages that follow."""
    over: bool = False
    """Whether the turn ends here: by its last stage, or because a condition is not met, and the line says which."""
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    """Of this process and those that it started."""


@dataclass(frozen=True)
class Turn:
    """A turn as far as it has come. Prints as a table on a rich console."""

    config: str
    number: int
    stages: dict[str, Done]
    spent: tuple[float, float] = (0.0, 0.0)
    """Seconds and CPU seconds on the stage that is next, in tries that were stopped; what is killed leaves no word."""

    @property
    def over(self) -> bool:
        """Whether nothing is left to be done."""
        return any(done.over for done in self.stages.values())

    @property
    def outcome(self) -> str:
        """What came of it, in a line: what the last stage says."""
        return list(self.stages.values())[-1].line if self.stages else "not begun"

    def fact(self, stage: str, name: str) -> Any:
        """What a stage has left for others; None if it has not been done, or left nothing of that name."""
        return self.stages[stage].facts.get(name) if stage in self.stages else None

    def to_json(self) -> dict[str, Any]:
        """All of it, for machines."""
        return asdict(self) | {"over": self.over, "outcome": self.outcome}

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[RenderableType]:
        from rich.markup import escape
        from rich.table import Table

        table = Table("stage", "", "seconds", "CPU s", title=f"{self.config}, turn {self.number}")
        for column in table.columns[2:]:
            column.justify = "right"
        for name, done in self.stages.items():
            table.add_row(name, escape(done.line), f"{done.seconds:,.1f}", f"{done.cpu_seconds:,.1f}")
        yield table


def turns(folder: Path, config: str) -> list[Turn]:
    """All turns of a config, the first first; `BadTurn` if the file of one cannot be read."""
    return [_read(path) for path in sorted((folder / config).glob("*.json"))]


def last_turn(folder: Path, config: str) -> Turn | None:
    """The newest turn of a config; None before the first."""
    paths = sorted((folder / config).glob("*.json"))
    return _read(paths[-1]) if paths else None


def write_turn(folder: Path, turn: Turn) -> None:
    """Keep how far a turn has come."""
    with new_file(folder / turn.config / f"{turn.number:05d}.json") as file:
        file.write(orjson.dumps(asdict(turn), option=orjson.OPT_INDENT_2))


def _read(path: Path) -> Turn:
    try:
        content = orjson.loads(path.read_bytes())
        stages = {name: Done(**done) for name, done in content["stages"].items()}
        seconds, cpu_seconds = content.get("spent", (0.0, 0.0))
        return Turn(content["config"], content["number"], stages, (seconds, cpu_seconds))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadTurn(f"{path}: cannot be read ({error}); delete it, and the turn begins anew") from None
