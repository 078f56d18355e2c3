"""Ages by a clock that may have been wrong."""

from __future__ import annotations

import time

import pytest

from ringrift.clock import seconds_since


def test_what_was_has_an_age_and_what_is_to_come_has_none(caplog: pytest.LogCaptureFixture) -> None:
    now = time.time()
    assert 3600 <= (seconds_since(now - 3600, "it") or 0) < 3660
    assert seconds_since(now + 60, "it") == 0, "clocks of hosts differ by as much"
    assert caplog.text == ""
    assert seconds_since(now + 7200, "the last game") is None
    assert "the last game lies 120 minutes ahead: a clock is or was wrong" in caplog.text
