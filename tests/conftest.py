"""Before anything else: torch and what it stands on compute with one thread, also in processes that tests start.

Tests share their cores with others; threads that wait for each other would wait for those, and so would commands that
wait for a free processor before they begin.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

SYSTEM = Path(__file__).parent / "system"

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["RINGRIFT_BUSY_SECONDS"] = "0"
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # so a shell begins what it runs in the background
    signal.signal(signal.SIGINT, signal.default_int_handler)  # else no process of a test could be stopped by Ctrl-C

settings.register_profile("busy", deadline=None)  # on a busy machine any example may take long
settings.load_profile("busy")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is in tests/system."""
    for item in items:
        if SYSTEM in item.path.parents:
            item.add_marker(pytest.mark.system)
