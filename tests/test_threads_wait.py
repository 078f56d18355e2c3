"""Idle threads of torch wait without taking a core: what they read when torch is loaded is set before that."""

from __future__ import annotations

import os
import subprocess
import sys

LOOK = """
import os, sys
import ringrift
assert "torch" not in sys.modules, "the setting is read when torch is loaded"
print(os.environ["OMP_WAIT_POLICY"])
"""


def waits(**environment: str) -> str:
    inherited = {name: value for name, value in os.environ.items() if name != "OMP_WAIT_POLICY"}
    words = [sys.executable, "-c", LOOK]
    return subprocess.run(words, env=inherited | environment, capture_output=True, text=True, check=True).stdout.strip()


def test_whatever_module_loads_torch_comes_after_the_setting() -> None:
    assert waits() == "PASSIVE"


def test_who_has_chosen_otherwise_keeps_it() -> None:
    assert waits(OMP_WAIT_POLICY="ACTIVE") == "ACTIVE"
