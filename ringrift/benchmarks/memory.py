"""The memory of programs that run in a process of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path


def own_megabytes() -> float:
    """Return the megabytes of this process without mapped files, which the system takes back as it needs."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) / 1024
    raise OSError("/proc/self/status does not say RssAnon")


def measured(program: str, *arguments: object) -> float:
    """Run a Python program in a process of its own, and return the number that it prints last."""
    words = [sys.executable, "-c", program, *map(str, arguments)]
    return float(subprocess.run(words, check=True, stdout=subprocess.PIPE, text=True).stdout.split()[-1])
