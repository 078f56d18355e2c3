"""What waits in the triggerer: for a job to end, for a host that takes one, and for a halt to be over."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Final

from airflow.triggers.base import BaseTrigger, TriggerEvent

from ringrift.fleet import Job, kill_job, watch_job
from ringrift.fleet.hosts import LOCAL, Role
from ringrift.fleet.ssh import reaction_to
from ringrift.game.errors import RingRiftError
from ringrift.pipeline.halt import halted
from ringrift_airflow.avoided import avoided_now
from ringrift_airflow.hooks.placement import abandon, noted, open_health, release
from ringrift_airflow.workspace import home, shared_shell

FIRST_EVENT: Final = 10.0
"""Seconds until a trigger may fire: one that fires sooner can overtake the scheduler, which then finds a task that has
ended without being told («state mismatch»)."""
LOOK: Final = 5.0
"""Seconds between two looks for a free place."""


class RemoteJobTrigger(BaseTrigger):
    """Watches a job: tells its log, kills it at its deadline, at a halt, and when its task is cleared or marked.

    Its event is an `Ending` of `ringrift.fleet` as a dictionary. Nothing of the job depends on this process: after a
    restart another one goes on watching. All that watch jobs of one host share a connection to it.
    """

    def __init__(
        self,
        host: str,
        name: str,
        root: str,
        home: str,
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
        """What Airflow keeps of it."""
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
        """Watch; one event."""
        began = time.monotonic()
        note_of_host = partial(noted, self.host)
        try:
            async with shared_shell(self.host) as shell:
                ending = await watch_job(
                    *(shell, self.job),
                    deadline=self.deadline,
                    poll=self.poll,
                    tell=self.log.info,
                    stop=lambda: halted(Path(self.home)),
                    offset=self.offset,
                    patience=self.patience,
                    note=note_of_host,
                )
            event = asdict(ending)
        except RingRiftError as error:
            await note_of_host(error)
            event = {"why": "trouble", "detail": str(error), "reaction": reaction_to(error)}
        await asyncio.sleep(max(0.0, began + FIRST_EVENT - time.monotonic()))
        yield TriggerEvent(event)

    async def on_kill(self) -> None:
        """The task was cleared or marked: its job has to end, if need be as soon as its host answers."""
        if self.host != LOCAL:
            await asyncio.to_thread(abandon, self.job.name)
        async with shared_shell(self.host) as shell:
            state = await kill_job(shell, self.job)
        self.log.info("job %s: %s", self.job.name, state)
        if self.host != LOCAL:
            await asyncio.to_thread(release, self.job.name)


class PlaceTrigger(BaseTrigger):
    """Waits until a job could have a place on a host; while the loop is halted, there is none."""

    def __init__(self, role: Role, gpus: int, avoided: dict[str, list[Any]]) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # Airflow's
        self.role: Role = role
        self.gpus = gpus
        self.avoided = avoided

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """What Airflow keeps of it."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "role": self.role,
            "gpus": self.gpus,
            "avoided": self.avoided,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait; one event."""
        began = time.monotonic()
        told = ""
        while (said := await asyncio.to_thread(self._look)) is not None:
            if said != told:
                self.log.info("%s; the task waits", said)
            told = said
            await asyncio.sleep(LOOK * random.uniform(0.7, 1.3))  # those who wait do not look all at once
        await asyncio.sleep(max(0.0, began + FIRST_EVENT - time.monotonic()))
        yield TriggerEvent({"why": "place"})

    def _look(self) -> str | None:
        """Why there is no place now."""
        if (reason := halted(home())) is not None:
            return reason
        try:
            with open_health() as health:
                return health.lacks(self.role, gpus=self.gpus, avoid=avoided_now(self.avoided))
        except RingRiftError as error:  # such as a database that is being restarted
            return str(error)


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
