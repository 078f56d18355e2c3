"""The errors that RingRift shows to people, one clear line each: their base, and those of no room in particular.

And the exit codes of commands that say more than yes (0) and no (1).
"""

from __future__ import annotations

from typing import Final

WRONG_USE: Final = 2
"""Something is wrong, and another try would say the same."""
ALARM: Final = 3
"""A model has become worse; the answer is the same however often the command runs."""
BUSY: Final = 75
"""The same may go well a little later (`EX_TEMPFAIL` of sysexits.h)."""


class RingRiftError(Exception):
    """Something handed in from outside was wrong; the message says what, where and what would be right."""


class Busy(RingRiftError):
    """Something that another process uses or changes just now; the same may go well a little later."""


class UnwritableFile(RingRiftError):
    """A file that cannot be written, or a folder for compiled code."""
