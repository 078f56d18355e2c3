"""The places of RingRift on this machine: the folder of `data/` and `models/`, and the program."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import ringrift
from ringrift.settings import home_folder


def home() -> Path:
    """Return the folder that relative paths of the settings start from: `RINGRIFT_HOME`, else the checkout."""
    return home_folder(Path(ringrift.__file__).parent.parent).resolve()


def program() -> str:
    """Return the command `ringrift`: `RINGRIFT_PROGRAM`, else the one that is installed beside this Python."""
    beside = Path(sys.executable).with_name("ringrift")
    return os.environ.get("RINGRIFT_PROGRAM") or (str(beside) if beside.exists() else "ringrift")


def airflow_home() -> str:
    """Return the home of this Airflow, in which its logs are."""
    from airflow.configuration import AIRFLOW_HOME

    return str(Path(AIRFLOW_HOME).resolve())
