"""A workspace for a test."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.monitoring.world import World


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    found = World(tmp_path)
    monkeypatch.setenv("RINGRIFT_CONFIG_DIR", str(found.config))
    monkeypatch.setenv("RINGRIFT_LOOP_PRESET", "smoke")
    return found
