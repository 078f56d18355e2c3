"""The interval that a run stands for, after which its games are named."""

from __future__ import annotations

import re
from typing import Final

from airflow.sdk import Context

MOMENT: Final = "%Y%m%dT%H%M%S"


def interval_name(context: Context) -> str:
    """Return the start of the run's data interval, such as 20260101T000000.

    A run that a person has started is given the interval of the last scheduled run, and has games of its own: it is
    named after its logical date, such as manual-20260101T000712. A run without either has its own name.
    """
    by_hand = run_type(context) == "manual"
    moment = context.get("logical_date") if by_hand else context.get("data_interval_start")
    if moment is not None:
        return f"{'manual-' if by_hand else ''}{moment:{MOMENT}}"
    return re.sub(r"[^A-Za-z0-9.-]", "-", context["run_id"])


def shard_run(config: str, interval: str, shard: int) -> str:
    """Return the name of the run of self-play that a shard of an interval is."""
    return f"{config}-{interval}-{shard}"


def backfilled(context: Context) -> bool:
    """Return whether the run makes up for an interval of the past."""
    return run_type(context) == "backfill"


def run_type(context: Context) -> str:
    """Return how the run was started, such as «scheduled», «manual» or «backfill»."""
    kind = context["dag_run"].run_type
    return str(getattr(kind, "value", kind))
