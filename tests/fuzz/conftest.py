"""How long the fuzzers look: a fixed, short round for every change, and any number of rounds by hand.

`RINGRIFT_FUZZ=1000 pytest tests/fuzz` tries a thousand inputs of each kind, and others every time.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.fuzz.program import Program

ROUNDS = os.environ.get("RINGRIFT_FUZZ")
settings.register_profile(
    "fuzz",
    max_examples=int(ROUNDS or 3),
    derandomize=ROUNDS is None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
FUZZ = settings.get_profile("fuzz")


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    with Program(tmp_path_factory.mktemp("program")) as running:
        yield running
