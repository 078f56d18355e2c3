"""Whatever a client sends within the description of the service or beside it, the answer is one of the description."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from ringrift.game_database import GamesDatabase
from ringrift.web import WebContext, create_app, web_settings
from ringrift.web.guards import open_guards

pytestmark = pytest.mark.slow

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]
EXAMPLES = 15
PLAIN = [
    ("GET", "/"),
    ("GET", "/live"),
    ("GET", "/ready"),
    ("GET", "/health"),
    ("GET", "/metrics"),
    ("GET", "/ai/models"),
    ("GET", "/ai/cache/stats"),
    ("GET", "/internal/ladder/health"),
    ("GET", "/api/replay/stats"),
]
"""Routes that nothing wrong can be said to."""
ASKED = [
    ("DELETE", "/ai/cache"),
    ("POST", "/ai/move"),
    ("POST", "/ai/moves_batch"),
    ("POST", "/ai/evaluate"),
    ("POST", "/ai/evaluate_position"),
    ("POST", "/rules/evaluate_move"),
    ("GET", "/api/replay/games"),
    ("GET", "/api/replay/games/{game}"),
    ("GET", "/api/replay/games/{game}/moves"),
    ("GET", "/api/replay/games/{game}/state"),
]
POSITIVE, NEGATIVE = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
QUESTIONS = [*((route, POSITIVE) for route in PLAIN + ASKED), *((route, NEGATIVE) for route in ASKED)]


@pytest.fixture(scope="module")
def description(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The application with an empty database, as it describes itself."""
    home: Path = tmp_path_factory.mktemp("home")
    with GamesDatabase(str(home / "ringrift.db"), create=True):
        pass
    context = WebContext(web_settings(), home=home, database=str(home / "ringrift.db"))
    return schemathesis.openapi.from_asgi("/openapi.json", create_app(context, open_guards()))


def test_no_route_is_left_out(description: Any) -> None:
    described = {(one.ok().method.upper(), one.ok().path) for one in description.get_all_operations()}
    assert {route for route in described if not route[1].startswith("/pages")} == set(PLAIN + ASKED)


@pytest.mark.parametrize(("route", "mode"), QUESTIONS, ids=str)
def test_every_answer_is_as_described(route: tuple[str, str], mode: GenerationMode, description: Any) -> None:
    method, path = route
    operation = description[path][method]

    @settings(
        max_examples=EXAMPLES,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode))
    def ask(case: Any) -> None:
        case.call_and_validate(checks=CHECKS)

    ask()
