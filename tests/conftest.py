"""Before anything else: torch and what it stands on compute with one thread, also in processes that tests start.

Tests share their cores with others; threads that wait for each other would wait for those.
"""

from __future__ import annotations

import os

os.environ["OMP_NUM_THREADS"] = "1"
