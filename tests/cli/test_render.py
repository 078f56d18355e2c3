"""Reports are data: what they look like in a terminal is the command line's affair."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

import ringrift
from ringrift.cli.render import render

PACKAGE = Path(ringrift.__file__).parent


def test_no_report_draws_itself() -> None:
    rooms = (path for path in PACKAGE.rglob("*.py") if "cli" not in path.relative_to(PACKAGE).parts)
    assert [str(path) for path in rooms if "__rich_console__" in path.read_text()] == []


def test_a_report_that_nobody_draws_is_named() -> None:
    @dataclass
    class Unknown:
        """A report without a picture."""

    with pytest.raises(NotImplementedError, match=r"Unknown has no picture in ringrift\.cli\.render"):
        render(Unknown())
