"""`RemoteJobTrigger`: watches a job until it ends."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from ringrift.errors import RingRiftError
from ringrift.fleet import Job, kill_job, watch_job
from ringrift.fleet.failover import trouble
from ringrift.fleet.hosts import LOCAL
from ringrift.pipeline.halt import halted
from ringrift_airflow.hooks.fleet import FleetHook
from ringrift_airflow.triggers.resume import first_event


class RemoteJobTrigger(BaseTrigger):
    """Watch a job: log its output, and kill it at its deadline, at a halt, and when its task is cleared or marked.

    Its event is an `Ending` of `ringrift.fleet` as a dictionary. Nothing of the job depends on this process: after a
    restart another one goes on watching. All triggers that watch jobs of one host share a connection to it.
    """

    def __init__(
        self,
        host: str,
        name: str,
        root: str,
        home: str,
        *,
        deadline: float,
        poll: float,
        offset: int,
        patience: float | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # Airflow's
        self.host = host
        self.job = Job(name, root)
        self.home = home
        self.deadline = deadline
        self.poll = poll
        self.offset = offset
        self.patience = patience

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what Airflow keeps of it."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "host": self.host,
            "name": self.job.name,
            "root": self.job.root,
            "home": self.home,
            "deadline": self.deadline,
            "poll": self.poll,
            "offset": self.offset,
            "patience": self.patience,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Watch the job, and yield its end as one event."""
        began = time.monotonic()
        fleet = FleetHook()

        async def note(error: RingRiftError | None) -> None:
            await asyncio.to_thread(fleet.note, self.host, error)

        try:
            async with fleet.shared_shell(self.host) as shell:
                ending = await watch_job(
                    *(shell, self.job),
                    deadline=self.deadline,
                    poll=self.poll,
                    tell=self.log.info,
                    stop=lambda: halted(Path(self.home)),
                    offset=self.offset,
                    patience=self.patience,
                    note=note,
                )
            event = asdict(ending)
        except RingRiftError as error:
            await note(error)
            event = trouble(error)
        await first_event(began)
        yield TriggerEvent(event)

    async def on_kill(self) -> None:
        """End the job of a task that was cleared or marked, if need be as soon as its host answers."""
        fleet = FleetHook()
        if self.host != LOCAL:
            await asyncio.to_thread(fleet.abandon, self.job.name)
        async with fleet.shared_shell(self.host) as shell:
            state = await kill_job(shell, self.job)
        self.log.info("job %s: %s", self.job.name, state)
        if self.host != LOCAL:
            await asyncio.to_thread(fleet.release, self.job.name)
