"""The middleware of every request and answer: the limit on size, the check of origin, and the security headers."""

from __future__ import annotations

import ipaddress
from typing import Final
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

MEGABYTE: Final = 1_000_000
MOST_DIGITS: Final = 12
"""The most digits of a `Content-Length` that is read."""
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'self'",  # Airflow shows the pages in frames of its own
    )
)
"""The content security policy: nothing from another host, and no script or style that stands in a page."""
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
}


class SecurityHeaders:
    """The middleware that adds the headers to every answer."""

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and its answer back with the headers."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self.app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class TooLarge(Exception):
    """A request that turns out to be longer than allowed."""


class RequestLimits:
    """The middleware that refuses requests that are too large, or that a page of another site has a browser send."""

    def __init__(self, app: ASGIApp, *, largest: int) -> None:
        """Wrap an application; `largest` is the size of a request in bytes."""
        self.app = app
        self.largest = largest
        self._too_large = JSONResponse({"detail": f"a request may have {largest // MEGABYTE} MB"}, 413)
        self._from_elsewhere = JSONResponse({"detail": "a page of another site may not ask for this"}, 403)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 403 or 413."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        size = headers.get("content-length", "0")
        if scope["method"] not in SAFE_METHODS and _comes_from_elsewhere(headers):
            await self._from_elsewhere(scope, receive, send)
        elif not size.isdecimal() or len(size) > MOST_DIGITS or int(size) > self.largest:
            await self._too_large(scope, receive, send)
        else:
            await self._pass_bounded(scope, receive, send)

    async def _pass_bounded(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request whose body may come in pieces, of which the number is not known before."""
        received = 0

        async def receive_bounded() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.largest:
                raise TooLarge
            return message

        try:
            await self.app(scope, receive_bounded, send)
        except TooLarge:  # nothing has been answered yet: a route reads all of the body first
            await self._too_large(scope, receive, send)


class LocalHosts:
    """The middleware that refuses requests to other names than this machine's own.

    A page of another site can have its own name lead here, and would then be of the same site as the application.
    """

    def __init__(self, app: ASGIApp) -> None:
        """Wrap an application."""
        self.app = app
        self._refused = JSONResponse({"detail": "this application is known as 127.0.0.1 and localhost alone"}, 403)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 403."""
        local = scope["type"] != "http" or is_loopback(_host_name(Headers(scope=scope).get("host", "")))
        await (self.app if local else self._refused)(scope, receive, send)


def is_loopback(host: str) -> bool:
    """Return whether an address can be reached from this machine alone."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _host_name(host: str) -> str:
    """Return the name in a `Host` header, without its port; empty if there is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _comes_from_elsewhere(headers: Headers) -> bool:
    """Return whether the page that sends the request is of another site, by the browser's header."""
    origin = headers.get("origin")
    return origin is not None and origin.partition("://")[2] != headers.get("host")
