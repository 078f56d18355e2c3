"""`PlacementTrigger`: waits for a host that can take a job."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from typing import Any, Final

from airflow.triggers.base import BaseTrigger, TriggerEvent

from ringrift.errors import RingRiftError
from ringrift.fleet.hosts import Role
from ringrift.fleet.placement import Needs, still_excluded
from ringrift.pipeline.halt import halted
from ringrift_airflow.hooks.fleet import FleetHook
from ringrift_airflow.triggers.resume import first_event

LOOK: Final = 5.0
"""Seconds between two looks for a free place."""


class PlacementTrigger(BaseTrigger):
    """Wait until a job could have a place on a host; while the loop is halted, there is none.

    :param needs: what the job needs of its host, the fields of `Needs`.
    :param excluded: the hosts that the task keeps away from: of each the reason, and until when.
    """

    def __init__(self, role: Role, needs: dict[str, Any], excluded: dict[str, list[Any]]) -> None:
        super().__init__()  # type: ignore[no-untyped-call] # Airflow's
        self.role: Role = role
        self.needs = needs
        self.excluded = excluded

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what Airflow keeps of it."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "role": self.role,
            "needs": self.needs,
            "excluded": self.excluded,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait for a place, and yield one event."""
        began = time.monotonic()
        reported = ""
        while (reason := await asyncio.to_thread(self.lacks)) is not None:
            if reason != reported:
                self.log.info("%s; the task waits", reason)
            reported = reason
            await asyncio.sleep(LOOK * random.uniform(0.7, 1.3))  # so that tasks that wait do not all look at once
        await first_event(began)
        yield TriggerEvent({"why": "place"})

    def lacks(self) -> str | None:
        """Return why there is no place now; None if there is one."""
        fleet = FleetHook()
        if (reason := halted(fleet.home)) is not None:
            return reason
        try:
            excluded = still_excluded(self.excluded, time.time())
            with fleet.health() as health:
                return health.lacks(self.role, needs=Needs(**self.needs), excluded=excluded)
        except RingRiftError as error:  # such as a database that is being restarted
            return str(error)
