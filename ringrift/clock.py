"""Ages by a clock that may have been wrong: what decides is bounded, and a clock that jumped is reported, not obeyed.

How long something takes is measured by `time.monotonic`. This is for moments that were written down, perhaps on another
host: if one lies in the future, its age is not known, and nothing waits until that moment comes.
"""

from __future__ import annotations

import logging
import time
from typing import Final

TOLERANCE: Final = 300.0
"""Seconds by which clocks of hosts may differ without a warning."""

_log = logging.getLogger(__name__)


def seconds_since(moment: float, name: str) -> float | None:
    """Return how many seconds ago a moment since 1970 was; None, with a warning that names `name`, if it is to come.

    What is ahead by no more than clocks differ counts as now.
    """
    age = time.time() - moment
    if age < -TOLERANCE:
        minutes = -age / 60
        _log.warning("%s lies %.0f minutes ahead: a clock is or was wrong, and its age decides nothing", name, minutes)
        return None
    return max(age, 0.0)
