"""`ResumeTrigger`: waits for the end of a halt."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

from airflow.triggers.base import BaseTrigger, TriggerEvent

from ringrift.pipeline.halt import halted

FIRST_EVENT: Final = 10.0
"""Seconds until a trigger may fire: one that fires sooner can overtake the scheduler, which then finds a task that has
ended unexpectedly («state mismatch»)."""


class ResumeTrigger(BaseTrigger):
    """Wait until the halt is over."""

    def __init__(self, home: str, poll: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # Airflow's
        self.home = home
        self.poll = poll

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what Airflow keeps of it."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {"home": self.home, "poll": self.poll}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait for the resume, and yield one event."""
        began = time.monotonic()
        while halted(Path(self.home)) is not None:
            await asyncio.sleep(self.poll)
        await first_event(began)
        yield TriggerEvent({"why": "resumed"})


async def first_event(began: float) -> None:
    """Wait until a trigger that began at a moment of the monotonic clock may fire."""
    await asyncio.sleep(max(0.0, began + FIRST_EVENT - time.monotonic()))
