"""An iteration of the loop: its folders, the results of its stages, and the file that keeps it."""

from __future__ import annotations

import socket
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

import orjson
from pydantic import TypeAdapter, ValidationError

from ringrift.bounded import read_bounded
from ringrift.errors import RingRiftError
from ringrift.files import new_file
from ringrift.game_database import GamesDatabase
from ringrift.models import ModelStore
from ringrift.strict_json import BadJson, parse_json

FOLDER: Final = Path("data/loop")
EARLIER_NAMES: Final = {"self-play": "selfplay", "rating": "rate"}
"""Names of stages in files that earlier versions wrote."""


class BadIteration(RingRiftError):
    """The file of an iteration that cannot be read."""


@dataclass(frozen=True, eq=False)
class LoopInputs:
    """The inputs of the loop of a config: database, models and folders."""

    config: str
    database: GamesDatabase
    store: ModelStore
    selfplay: Path = Path("data/selfplay")
    datasets: Path = Path("data/training")
    runs: Path = Path("data/runs")
    iterations: Path = FOLDER

    @property
    def folders(self) -> list[Path]:
        """The folders that an iteration fills."""
        return [self.selfplay, *self.database.folders, self.datasets, self.runs, self.store.folder]

    @property
    def host(self) -> str:
        """The name of this machine, under which its games are kept."""
        return socket.gethostname()


@dataclass(frozen=True)
class StageResult:
    """The result of a stage."""

    line: str
    """The result in a line, for people."""
    facts: dict[str, Any]
    """The result for machines and for the stages that follow."""
    over: bool = False
    """Whether the iteration ends here: by its last stage, or because a condition is not met, which the line names."""
    seconds: float = 0.0
    cpu_seconds: float = 0.0
    """The processor time of this process and those that it started."""


@dataclass(frozen=True)
class Iteration:
    """An iteration as far as it has come."""

    config: str
    number: int
    stages: dict[str, StageResult]
    spent: tuple[float, float] = (0.0, 0.0)
    """Seconds and CPU seconds on the stage that is next, in tries that were cancelled; a killed try leaves no trace."""

    @property
    def over(self) -> bool:
        """Whether no stage is left to run."""
        return any(result.over for result in self.stages.values())

    @property
    def outcome(self) -> str:
        """The outcome in a line: that of the last stage."""
        return list(self.stages.values())[-1].line if self.stages else "not begun"

    def fact(self, stage: str, name: str) -> Any:
        """Return a fact of a stage's result; None if the stage has not run, or has no fact of that name."""
        return self.stages[stage].facts.get(name) if stage in self.stages else None

    def to_json(self) -> dict[str, Any]:
        """Return all of it, for machines."""
        return asdict(self) | {"over": self.over, "outcome": self.outcome}


def read_iterations(folder: Path, config: str) -> list[Iteration]:
    """Read all iterations of a config, the first first; `BadIteration` if the file of one cannot be read."""
    return [_read(path) for path in sorted((folder / config).glob("*.json"))]


def last_iteration(folder: Path, config: str) -> Iteration | None:
    """Read the newest iteration of a config; None before the first."""
    paths = sorted((folder / config).glob("*.json"))
    return _read(paths[-1]) if paths else None


def write_iteration(folder: Path, iteration: Iteration) -> None:
    """Write the file of an iteration."""
    with new_file(folder / iteration.config / f"{iteration.number:05d}.json") as file:
        file.write(orjson.dumps(asdict(iteration), option=orjson.OPT_INDENT_2))


_ITERATION: Final = TypeAdapter(Iteration)
LARGEST: Final = 16_000_000
"""Bytes of a file."""


def _read(path: Path) -> Iteration:
    try:
        kept = _ITERATION.validate_python(parse_json(read_bounded(path, LARGEST)))
    except ValidationError as error:
        problem = error.errors()[0]
        why = f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}"
    except (OSError, BadJson) as error:
        why = str(getattr(error, "strerror", None) or error)
    else:
        return replace(kept, stages={EARLIER_NAMES.get(name, name): result for name, result in kept.stages.items()})
    raise BadIteration(f"{path}: cannot be read ({why}); delete it, and the iteration begins anew")
