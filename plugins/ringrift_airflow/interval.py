"""Which interval a run stands for: the part of a run's identity that its games are named after."""

from __future__ import annotations

import re

from airflow.sdk import Context


def interval_name(context: Context) -> str:
    """The start of the run's data interval, such as 20260101T000000; of a run without one, its own name."""
    start = context.get("data_interval_start") or context.get("logical_date")
    if start is not None:
        return start.strftime("%Y%m%dT%H%M%S")
    return re.sub(r"[^A-Za-z0-9.-]", "-", context["run_id"])


def shard_run(config: str, interval: str, shard: int) -> str:
    """The run of self-play of a shard of an interval."""
    return f"{config}-{interval}-{shard}"


def backfilled(context: Context) -> bool:
    """Whether the run makes up for an interval of the past."""
    return str(getattr(context["dag_run"].run_type, "value", context["dag_run"].run_type)) == "backfill"
