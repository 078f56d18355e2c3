"""The glossary points at what is there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
GLOSSARY = (ROOT / "docs" / "glossary.md").read_text()


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`((?:ringrift|docs)/[\w/.]+)`", GLOSSARY))))
def test_every_place_that_the_glossary_names_is_there(path: str) -> None:
    assert (ROOT / path).exists(), f"docs/glossary.md names {path}: say where it has gone"
