"""The application as a client sees it, without a server around it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from ringrift.web import WebContext, create_app, web_settings
from ringrift.web.guards import open_guards


@pytest.fixture
def context(tmp_path: Path) -> Iterator[WebContext]:
    context = WebContext(web_settings(), home=tmp_path, database=str(tmp_path / "ringrift.db"))
    yield context
    context.close()


@pytest.fixture
def client(context: WebContext) -> Iterator[TestClient]:
    with TestClient(create_app(context, open_guards())) as client:
        yield client
