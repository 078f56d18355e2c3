"""The start of the loop and its last stage, read from its files, whether Airflow runs it or `ringrift loop`."""

from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

from ringrift.bounded import read_end
from ringrift.pipeline.stages import LEARNING

STAGES: Final = "stages.jsonl"
"""The file in which Airflow notes every stage that has ended, a line of JSON each."""
LONGEST: Final = 65_536
"""The bytes at the end of that file in which the last line is looked for."""


def stage_times(folder: Path) -> tuple[int | None, str | None]:
    """Return when the first stage ended, in seconds since 1970, and the last stage in words; None before the first.

    :param folder: the iterations of `ringrift loop`, and Airflow's notes.
    """
    moments = [int(path.stat().st_mtime) for path in folder.glob("*/00000.json")]
    first = last = None
    with suppress(OSError), (folder / STAGES).open("rb") as file:
        first = _line(file.readline(LONGEST))
        rows = read_end(folder / STAGES, LONGEST).splitlines()
        last = next((line for row in reversed(rows) if (line := _line(row)) is not None), None)
    if first is not None:
        moments.append(first["when"])
    stage = None if last is None else f"{last.get('dag')}: {last.get('task')}, {last.get('state')}"
    return min(moments, default=None), stage


def stage_seconds(folder: Path, config: str) -> list[tuple[int, float]]:
    """Return when each stage of learning of a config ended in Airflow, and its seconds; tries that failed count, too.

    :param folder: Airflow's notes, as in `stage_times`.
    """
    ending = f"__{config}"
    times = []
    with suppress(OSError), (folder / STAGES).open("rb") as file:
        for row in file:
            if ending.encode() not in row or (line := _line(row)) is None:
                continue
            stage, seconds = str(line.get("task")).partition(".")[0], line.get("seconds")
            if str(line.get("dag")).endswith(ending) and stage in LEARNING and isinstance(seconds, int | float):
                times.append((line["when"], float(seconds)))
    return sorted(times)


def _line(row: bytes) -> dict[str, Any] | None:
    """Read a line; None if it is none, such as one that is being written."""
    try:
        line = json.loads(row)
    except ValueError:
        return None
    return line if isinstance(line, dict) and isinstance(line.get("when"), int) else None
