"""The page in docs/ says what the code does."""

from __future__ import annotations

from pathlib import Path

from ringrift.heuristic.document import document

PAGE = Path(__file__).parents[2] / "docs" / "heuristic.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == document(), "run: python -m ringrift.heuristic > docs/heuristic.md"
