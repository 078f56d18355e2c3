"""The service that game servers ask for moves."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel

from ringrift import __version__

probes = APIRouter(tags=["service"])
"""What a watchdog may ask without a token."""
router = APIRouter(tags=["service"])


class Name(BaseModel):
    """What answers here."""

    name: str = "RingRift"
    status: str = "running"
    version: str = __version__


class Live(BaseModel):
    """That the process answers."""

    status: str = "alive"


@probes.get("/live")
def live() -> Live:
    """Tell that the process answers."""
    return Live()


@router.get("/")
def root() -> Name:
    """Tell what answers here."""
    return Name()
