"""`/metrics` and `/health` over HTTP, by the standard library alone: for Prometheus, load balancers and people."""

from __future__ import annotations

import json
import logging
import socket
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any, Final
from urllib.parse import urlsplit

from ringrift.errors import RingRiftError
from ringrift.monitoring.exposition import exposed
from ringrift.monitoring.health import health_report
from ringrift.monitoring.view import MonitoringInputs
from ringrift.printable import one_line

LOG: Final = logging.getLogger(__name__)
INDEX: Final = b'<!doctype html><title>RingRift</title><a href="metrics">metrics</a> <a href="health">health</a>\n'
SECONDS: Final = 10
"""The longest time that a client may take to send its request."""

Answer = tuple[HTTPStatus, str, bytes]


class PortTaken(RingRiftError):
    """An address that the server cannot listen at."""


def answer(inputs: MonitoringInputs, path: str, accept: str) -> Answer:
    """Return the response to a request: status, content type and content."""
    if path == "/metrics":
        content, content_type = exposed(inputs, accept)
        return HTTPStatus.OK, content_type, content
    if path == "/health":
        report = health_report(inputs)
        status = HTTPStatus.OK if report.healthy else HTTPStatus.SERVICE_UNAVAILABLE
        return status, "application/json", json.dumps(report.to_json()).encode() + b"\n"
    if path == "/":
        return HTTPStatus.OK, "text/html; charset=utf-8", INDEX
    return HTTPStatus.NOT_FOUND, "text/plain; charset=utf-8", b"there are /metrics and /health here\n"


class MetricsServer(ThreadingHTTPServer):
    """A server of metrics, which answers one request after the other."""

    daemon_threads = True

    def __init__(self, inputs: MonitoringInputs, host: str, port: int) -> None:
        """Listen; `PortTaken` if the address cannot be used."""
        self.inputs = inputs
        self.one_at_a_time = Lock()
        try:
            self.address_family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
            super().__init__((host, port), _Handler)
        except OSError as error:
            why = error.strerror or str(error)
            raise PortTaken(f"{host}:{port}: cannot be listened at ({why}); name another --host or --port") from None

    @property
    def url(self) -> str:
        """The address that it listens at."""
        host, port = self.server_address[:2]
        name = str(host)
        return f"http://{f'[{name}]' if ':' in name else name}:{port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore clients that go away while they are answered."""


class _Handler(BaseHTTPRequestHandler):
    server: MetricsServer
    timeout = SECONDS

    def do_GET(self) -> None:
        self._say(self.wfile.write)

    def do_HEAD(self) -> None:
        self._say(lambda content: None)

    def _say(self, write: Callable[[bytes], object]) -> None:
        with self.server.one_at_a_time:
            status, content_type, content = answer(
                self.server.inputs, urlsplit(self.path).path, self.headers.get("Accept", "")
            )
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        write(content)

    def log_message(self, format: str, *args: Any) -> None:
        LOG.debug("%s", one_line(format % args))
