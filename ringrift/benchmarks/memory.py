"""Memory of programs that run in a process of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def own_megabytes() -> float:
    """What this process has in memory by itself: without mapped files, which the system takes back as it needs."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    raise OSError("/proc/self/status does not say RssAnon")


def measured(program: str, *arguments: object) -> float:
    """The number that a Python program prints last, run in a process of its own."""
    words = [sys.executable, "-c", program, *map(str, arguments)]
    return float(subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout.split()[-1])
