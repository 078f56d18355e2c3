"""What waits in the triggerer: for a job to end, and for a halt to be over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from airflow.triggers.base import BaseTrigger, TriggerEvent

from ringrift.fleet import Job, kill_job, watch_job
from ringrift.game.errors import RingRiftError
from ringrift.pipeline.halt import halted
from ringrift_airflow.workspace import open_shell

FIRST_EVENT: Final = 10.0
"""Seconds until a trigger may fire: one that fires sooner can overtake the scheduler, which then finds a task that has
ended without being told («state mismatch»)."""


class RemoteJobTrigger(BaseTrigger):
    """Watches a job: tells its log, kills it at its deadline, at a halt, and when its task is cleared or marked.

    Its event is an `Ending` of `ringrift.fleet` as a dictionary. Nothing of the job depends on this process: after a
    restart another one goes on watching.
    """

    def __init__(self, host: str, name: str, root: str, home: str, deadline: float, poll: float, offset: int) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # Airflow's
        self.host = host
        self.job = Job(name, root)
        self.home = home
        self.deadline = deadline
        self.poll = poll
        self.offset = offset

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """What Airflow keeps of it."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "host": self.host,
            "name": self.job.name,
            "root": self.job.root,
            "home": self.home,
            "deadline": self.deadline,
            "poll": self.poll,
            "offset": self.offset,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Watch; one event."""
        began = time.monotonic()
        shell = open_shell(self.host)
        try:
            ending = await watch_job(
                *(shell, self.job),
                deadline=self.deadline,
                poll=self.poll,
                tell=self.log.info,
                stop=lambda: halted(Path(self.home)),
                offset=self.offset,
            )
            event = asdict(ending)
        except RingRiftError as error:
            event = {"why": "trouble", "detail": str(error)}
        finally:
            await shell.close()
        await asyncio.sleep(max(0.0, began + FIRST_EVENT - time.monotonic()))
        yield TriggerEvent(event)

    async def on_kill(self) -> None:
        """The task was cleared or marked: its job has to end."""
        shell = open_shell(self.host)
        try:
            state = await kill_job(shell, self.job)
            self.log.info("job %s: %s", self.job.name, state)
        finally:
            await shell.close()


class ResumeTrigger(BaseTrigger):
    """Waits until the halt is over."""

    def __init__(self, home: str, poll: float) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # Airflow's
        self.home = home
        self.poll = poll

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """What Airflow keeps of it."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {"home": self.home, "poll": self.poll}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait; one event."""
        began = time.monotonic()
        while halted(Path(self.home)) is not None:
            await asyncio.sleep(self.poll)
        await asyncio.sleep(max(0.0, began + FIRST_EVENT - time.monotonic()))
        yield TriggerEvent({"why": "resumed"})
