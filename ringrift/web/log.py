"""The log: one line of JSON for every answer, with the route and no other content of the request."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import Final

import orjson
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ringrift.moments import utc
from ringrift.printable import one_line

LOG: Final = logging.getLogger("ringrift.web")
OTHER: Final = "other"
"""The label of requests that no route answers, in place of their arbitrary path."""


class JsonLines(logging.Formatter):
    """A record as a line of JSON: time, level, message, and the fields that the message comes with."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {"time": utc(record.created), "level": record.levelname.lower(), "message": record.getMessage()}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return one_line(orjson.dumps(line | getattr(record, "fields", {}), default=str).decode())


class AnswerLog:
    """The middleware that logs and counts answers."""

    def __init__(self, app: ASGIApp, *, count: Callable[[str, int, float], None]) -> None:
        """Wrap an application; `count` is called with route, status and seconds."""
        self.app = app
        self.count = count

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and log its answer when that is complete."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start, status = time.perf_counter(), 500

        async def send_and_note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, send_and_note)
        finally:
            seconds = time.perf_counter() - start
            route = getattr(scope.get("route"), "path", OTHER)
            self.count(route, status, seconds)
            fields = {"method": scope["method"], "route": route, "status": status, "ms": round(1000 * seconds)}
            LOG.info("answer", extra={"fields": fields})


def log_to_stderr() -> None:
    """Write the lines to the standard error, as an application that runs alone."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    LOG.addHandler(handler)
    LOG.setLevel(logging.INFO)
    LOG.propagate = False
