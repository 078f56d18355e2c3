"""The outcome of a try of a host, noted for its health."""

from __future__ import annotations

import asyncio

from ringrift.errors import RingRiftError
from ringrift.fleet.health import Health
from ringrift.fleet.ssh import Reaction, reaction_to


async def note_answer(health: Health | None, host: str) -> None:
    """A host has done what was asked of it."""
    if health is not None:
        await asyncio.to_thread(health.answered, host)


async def note_trouble(health: Health | None, host: str, error: RingRiftError) -> Reaction:
    """A host has not, unless that is no trouble of hosts; what to do about it."""
    reaction = reaction_to(error)
    if health is not None and reaction is not Reaction.NEVER:
        await asyncio.to_thread(health.failed, host, error)
    return reaction
