"""Metrics of the loop itself: signs of life, stages and jobs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final, get_args

from ringrift.fleet.site import JOBS
from ringrift.monitoring.view import Samples, View, label
from ringrift.pipeline.halt import halted
from ringrift.pipeline.signs_of_life import Writer, read_sign

STILL_SECONDS: Final = 60
"""The age of a heartbeat from which a job does not run any more; `job.sh` leaves one every 10 seconds."""
_STAGE: Final = re.compile(r"ringrift__[^.]+\.([a-z_]+)")


def life_metrics(view: View) -> Samples:
    """Yield whether the loop lives, from files alone, so also when the database is gone."""
    uptime = 0.0
    for writer in get_args(Writer):
        sign = read_sign(writer, view.home)
        if sign is None:
            continue
        yield "ringrift_sign_age_seconds", (writer,), max(0.0, view.now - sign.last)
        if sign.alive(view.now):
            uptime = max(uptime, view.now - sign.since)
    yield "ringrift_uptime_seconds", (), uptime
    yield "ringrift_halted", (), float(halted(view.home) is not None)
    for stage, jobs in Counter(_running_stages(view.home / JOBS, view.now)).items():
        yield "ringrift_jobs_running", (label(stage),), jobs


def stage_metrics(view: View) -> Samples:
    """Yield the number of stages that have ended, by outcome."""
    for (config, outcome), counted in view.counted("stages").items():
        stage, _, status = outcome.partition(" ")
        yield "ringrift_stages_total", (label(config), label(stage), label(status)), counted.total


def _running_stages(root: Path, now: float) -> Iterator[str]:
    """Yield the stage of every job of this machine that runs."""
    try:
        folders = list(root.iterdir())
    except OSError:
        return
    for folder in folders:
        try:
            beat = (folder / "heartbeat").stat().st_mtime
        except OSError:  # no job, or one that is being made or removed
            continue
        if now - beat < STILL_SECONDS and not (folder / "exit").exists():
            match = _STAGE.match(folder.name)
            yield match[1] if match else "other"
