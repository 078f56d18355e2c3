"""A client of Airflow's REST API, as far as the loop needs it."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.parse
import urllib.request
from http import HTTPStatus
from typing import Any, Final

from ringrift.errors import RingRiftError

PATIENCE: Final = 90.0
"""Seconds for an answer: on a slow machine, the API server stands still for half a minute and more."""
PAUSES: Final = (0.5, 1.0, 2.0)
"""Seconds between two tries of a request that met with trouble."""

COMPONENTS: Final = {
    "metadatabase": "database",
    "scheduler": "scheduler",
    "triggerer": "triggerer",
    "dag_processor": "DAG processor",
}
"""The components of which Airflow reports the health, and their names for people."""


class NoAnswer(RingRiftError):
    """An API server that does not answer."""


class Refused(RingRiftError):
    """A request that the API server refuses."""


class Troubled(Refused):
    """A request that failed in the API server and changed nothing: with SQLite, while other processes were writing."""


class AirflowApi:
    """Requests to an API server; the user logs in with the first one. `NoAnswer`, `Refused`."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self.url = url
        self._login = {"username": user, "password": password}
        self._token: str | None = None
        # Proxies of the environment lead elsewhere: this Airflow is on this machine.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def health(self) -> dict[str, Any]:
        """Return the state of each component of Airflow."""
        health: dict[str, Any] = self._send("GET", "/api/v2/monitor/health", None, {})
        return health

    def unhealthy(self) -> list[str]:
        """Return the components of Airflow that do not work, in words; `["API server"]` if it does not answer."""
        try:
            health = self.health()
        except (NoAnswer, Refused):
            return ["API server"]
        return [words for name, words in COMPONENTS.items() if (health.get(name) or {}).get("status") != "healthy"]

    def get(self, path: str, **query: Any) -> Any:
        """`GET /api/v2/…`."""
        return self._ask("GET", f"{path}?{urllib.parse.urlencode(query)}" if query else path)

    def post(self, path: str, content: Any) -> Any:
        """`POST /api/v2/…`."""
        return self._ask("POST", path, content)

    def patch(self, path: str, content: Any) -> Any:
        """`PATCH /api/v2/…`."""
        return self._ask("PATCH", path, content)

    def token(self) -> str:
        """Return the token that authorises a request, or the cookie `_token` of a browser."""
        if self._token is None:
            self._token = str(self._send("POST", "/auth/token", self._login, {})["access_token"])
        return self._token

    def _ask(self, method: str, path: str, content: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {self.token()}"}
        for pause in PAUSES:
            try:
                return self._send(method, f"/api/v2{path}", content, headers)
            except Troubled:
                time.sleep(pause)
        return self._send(method, f"/api/v2{path}", content, headers)

    def _send(self, method: str, path: str, content: Any, headers: dict[str, str]) -> Any:
        request = urllib.request.Request(
            self.url + path,
            method=method,
            data=None if content is None else json.dumps(content).encode(),
            headers=headers | {"Content-Type": "application/json"},
        )
        try:
            with self._opener.open(request, timeout=PATIENCE) as answer:
                text = answer.read()
        except urllib.error.HTTPError as error:
            body = error.read().decode(errors="replace")
            kind = Troubled if error.code >= HTTPStatus.INTERNAL_SERVER_ERROR else Refused
            raise kind(f"Airflow refuses {method} {path}: {error.code} {_detail(body)}") from None
        except (OSError, TimeoutError) as error:
            raise NoAnswer(f"Airflow does not answer at {self.url}: {error}; is it running? `make up`") from None
        return json.loads(text) if text else None


def _detail(body: str) -> str:
    """Return the reason that the body of a refusal gives, in one line."""
    try:
        detail = json.loads(body)["detail"]
    except (ValueError, KeyError, TypeError):
        detail = body[:200]
    return detail if isinstance(detail, str) else json.dumps(detail)
