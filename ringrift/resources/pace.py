"""The plan of a host for its processes of self-play: their number by config, and the share of time in which they work.

One process of the host decides it (`fill.py`) and writes it as a file; the others read it whenever they like.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from threading import Event
from typing import Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ringrift.files import new_file

PLAN: Final = Path("data/control/plan.json")
"""The place of the plan, below the folder that holds `data/`."""
LONGEST_REST: Final = 10.0
"""Seconds. The first step of a process compiles and loads, and is no measure for the others."""
LOOK_SECONDS: Final = 1.0
"""The seconds between two looks at the file."""
SLICE: Final = 0.1
"""Seconds of rest after which a process looks whether it is to end."""

Share = Annotated[float, Field(ge=0, le=1)]


class Plan(BaseModel):
    """The decision of the control of a host."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False, extra="forbid")

    decided: Annotated[float, Field(ge=0, lt=2**33)]
    """Seconds since 1970."""
    cpu: Share
    """Utilisation, smoothed, as the next."""
    gpu: Share | None
    gpu_memory: Share | None
    ahead: float | None
    """The utilisation that is expected in the near future."""
    confidence: Share | None
    """The confidence in that trend."""
    intensity: Share
    """The share of the machine that self-play should use."""
    working: Annotated[float, Field(gt=0, le=1)]
    """The share of the time in which each process works."""
    batch: Annotated[float, Field(gt=0, le=1)]
    """The factor of the games side by side."""
    processes: dict[str, Annotated[int, Field(ge=0, le=1 << 16)]]
    """Processes of each config."""
    why: Annotated[str, Field(max_length=500)]

    def to_json(self) -> dict[str, Any]:
        """Return the plan for programs."""
        return self.model_dump()

    def write(self, file: Path) -> None:
        """Write it, whole or not at all."""
        with new_file(file) as stream:
            stream.write(json.dumps(self.to_json()).encode())


def read_plan(file: Path) -> Plan | None:
    """Read the plan; None if there is none, or what there is is none."""
    try:
        return Plan.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return None


class Pace:
    """The pauses of a process between its steps, by the plan in a file; without a plan it works all the time."""

    def __init__(self, file: Path, cancellation: Event) -> None:
        self._file = file
        self._cancellation = cancellation
        self._working = 1.0
        self._looked = 0.0
        self._since = time.monotonic()

    def rest(self) -> None:
        """Rest for the work since the last rest, so that the share of working time is that of the plan."""
        now = time.monotonic()
        if now - self._looked >= LOOK_SECONDS:
            plan = read_plan(self._file)
            self._working = self._working if plan is None else plan.working
            self._looked = now
        until = now + rest_seconds(now - self._since, self._working)
        # In slices: to wait for the event would hold its lock at times, which a signal needs.
        while not self._cancellation.is_set() and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, SLICE))
        self._since = time.monotonic()


def rest_seconds(worked: float, working: float) -> float:
    """Return the seconds of rest that belong to seconds of work, for a share of working time."""
    return min(LONGEST_REST, worked * (1 - working) / working)
