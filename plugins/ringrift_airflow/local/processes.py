"""The processes of an Airflow: those of the group that its first process leads, also after its end."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

import psutil


def processes_of(group: int, airflow_home: Path) -> list[psutil.Process]:
    """Return the living processes of a group; none if they are not of this home's Airflow, as the number was reused."""
    processes = living(group)
    return processes if any(_belongs(process, airflow_home) for process in processes) else []


def living(group: int) -> list[psutil.Process]:
    """Return the processes of a group that are no zombies."""
    processes = []
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                processes.append(process)
    return processes


def cpu_seconds(group: int) -> int:
    """Return the CPU seconds that the living processes of a group have used."""
    spent = 0.0
    for process in living(group):
        with suppress(psutil.Error):
            times = process.cpu_times()
            spent += times.user + times.system
    return int(spent)


def environment_of(process: psutil.Process) -> dict[str, str]:
    """Return the environment that a process was started with; empty where a title of its own has overwritten it."""
    try:
        return {name: value for name, value in process.environ().items() if name}
    except psutil.Error:
        return {}


def _belongs(process: psutil.Process, airflow_home: Path) -> bool:
    if home := environment_of(process).get("AIRFLOW_HOME"):
        return Path(home) == airflow_home
    try:
        arguments = process.cmdline()
    except psutil.Error:
        return False
    # In the midst of its `exec` a process has neither environment nor arguments; a title of its own begins so.
    return not arguments or arguments[0].startswith("airflow ")
