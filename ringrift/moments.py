"""Moments, in seconds since 1970, as people write them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

FIRST_IMPOSSIBLE: Final = 2**33
"""The year 2242: what is later is no moment in seconds, and as a rule one in milliseconds."""


def utc(seconds: float, form: str = "%Y-%m-%d %H:%M:%S") -> str:
    """Return a moment in UTC; a number that no calendar has stays a number, so that one of them blinds no list."""
    try:
        return datetime.fromtimestamp(seconds, UTC).strftime(form)
    except (OverflowError, ValueError, OSError):
        return f"{seconds:g} s"
