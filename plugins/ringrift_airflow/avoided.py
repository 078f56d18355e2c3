"""Hosts that were unfit for a task, which it avoids for a while."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from ringrift.fleet.hosts import fleet_settings

KEY: Final = "avoided"
"""In the task's store."""


class Avoided:
    """Kept in the task's store, so that later tries know it: of each host why, and until when."""

    def __init__(self, store: Any) -> None:
        self._store = store

    @property
    def noted(self) -> dict[str, list[Any]]:
        """Why, and until when in seconds since 1970, by host."""
        found = self._store.get(KEY)
        return found if isinstance(found, dict) else {}

    def add(self, host: str, why: str) -> None:
        """Avoid a host from now on."""
        until = time.time() + 60 * float(fleet_settings().health.unfit_minutes)
        self._store.set(KEY, self.noted | {host: [why, until]})

    def clear(self) -> None:
        """Any host will do again."""
        self._store.delete(KEY)


def avoided_now(noted: Mapping[str, list[Any]]) -> dict[str, str]:
    """The hosts whose time is not over, and why they are avoided."""
    now = time.time()
    return {host: why for host, (why, until) in noted.items() if now < until}
