"""The processes of an Airflow: those of the group that its first process leads, whoever of them is still alive."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import psutil


def processes_of(group: int, airflow_home: Path) -> list[psutil.Process]:
    """The living processes of a group; none if they are not of the Airflow of this home, and the number was reused."""
    found = living(group)
    return found if any(_belongs(process, airflow_home) for process in found) else []


def living(group: int) -> list[psutil.Process]:
    """The processes of a group that are no zombies."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def cpu_seconds(group: int) -> int:
    """The CPU seconds that the living processes of a group have used."""
    spent = 0.0
    for process in living(group):
        with suppress(psutil.Error):
            times = process.cpu_times()
            spent += times.user + times.system
    return int(spent)


def environment_of(process: psutil.Process) -> dict[str, str]:
    """The environment that a process was started with; empty where a title of its own has overwritten it."""
    try:
        return {name: value for name, value in process.environ().items() if name}
    except psutil.Error:
        return {}


def _belongs(process: psutil.Process, airflow_home: Path) -> bool:
    if home := environment_of(process).get("AIRFLOW_HOME"):
        return Path(home) == airflow_home
    try:
        return process.cmdline()[0].startswith("airflow ")  # such a title
    except (psutil.Error, IndexError):
        return False
