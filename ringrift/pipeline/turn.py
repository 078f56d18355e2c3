"""One turn of the loop: self-play → ingest → threshold → export → train → gauntlet → rating → gate → promotion.

What has been done stands in the file of the turn, written after every stage. Each stage can be killed at any moment and
be done again; a turn that was stopped or killed goes on with the stage that was not finished.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from threading import Event
from typing import TYPE_CHECKING, Any, Final

import orjson

from ringrift.game import RingRiftError
from ringrift.game.files import new_file
from ringrift.games import GamesDatabase
from ringrift.models import ModelStore
from ringrift.pipeline.halt import Halted, halted
from ringrift.pipeline.settings import LoopPreset

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType

FOLDER: Final = Path("data/loop")

Watch = Callable[[str, float, float, str], object]
"""Told a stage, how far it is and how far it goes, and more in words."""


class BadTurn(RingRiftError):
    """The file of a turn that cannot be read."""


class StoppedTurn(RingRiftError):
    """The turn was told to stop; it goes on where it was."""


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
    """Whether the turn ends here: a condition is not met, and the line says which."""
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    """Of this process and those that it started."""


@dataclass(frozen=True)
class Turn:
    """A turn as far as it has come. Prints as a table on a rich console."""

    config: str
    number: int
    stages: dict[str, Done]

    @property
    def over(self) -> bool:
        """Whether nothing is left to be done."""
        return len(self.stages) == len(_stages()) or any(done.over for done in self.stages.values())

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


def run_turn(workshop: Workshop) -> Turn:
    """Begin the next turn of a config, or go on with one that is not over; what came of it.

    Raises `StoppedTurn` once `stop` is set, `Halted` while the loop is halted, and what stages raise.
    """
    turn = last_turn(workshop.turns, workshop.config)
    if turn is None or turn.over:
        turn = Turn(workshop.config, 0 if turn is None else turn.number + 1, {})
    for name, stage in _stages().items():
        if name in turn.stages:
            continue
        if (why := halted()) is not None:
            raise Halted(why)
        began, cpu = time.monotonic(), _cpu_seconds()
        try:
            done = stage(workshop, turn)
        except RingRiftError:
            if not workshop.stop.is_set():
                raise
        if workshop.stop.is_set():
            raise StoppedTurn(f"{workshop.config}: turn {turn.number} was stopped in {name}; it goes on from there")
        spent = {"seconds": time.monotonic() - began, "cpu_seconds": _cpu_seconds() - cpu}
        turn = Turn(turn.config, turn.number, turn.stages | {name: Done(done.line, done.facts, done.over, **spent)})
        _write(workshop.turns, turn)
        if turn.over:
            break
    return turn


def turns(folder: Path, config: str) -> list[Turn]:
    """All turns of a config, the first first; `BadTurn` if the file of one cannot be read."""
    return [_read(path) for path in sorted((folder / config).glob("*.json"))]


def last_turn(folder: Path, config: str) -> Turn | None:
    """The newest turn of a config; None before the first."""
    paths = sorted((folder / config).glob("*.json"))
    return _read(paths[-1]) if paths else None


def _stages() -> Mapping[str, Callable[[Workshop, Turn], Done]]:
    from ringrift.pipeline.stages import STAGES  # late: a stage knows what a turn is

    return STAGES


def _write(folder: Path, turn: Turn) -> None:
    with new_file(folder / turn.config / f"{turn.number:05d}.json") as file:
        file.write(orjson.dumps(asdict(turn), option=orjson.OPT_INDENT_2))


def _read(path: Path) -> Turn:
    try:
        content = orjson.loads(path.read_bytes())
        stages = {name: Done(**done) for name, done in content["stages"].items()}
        return Turn(content["config"], content["number"], stages)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadTurn(f"{path}: cannot be read ({error}); delete it, and the turn begins anew") from None


def _cpu_seconds() -> float:
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system
