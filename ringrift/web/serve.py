"""Serving the application alone, with uvicorn."""

from __future__ import annotations

import os
import sys
from typing import Final

import uvicorn
from fastapi import FastAPI

from ringrift.errors import RingRiftError
from ringrift.web.app import create_app
from ringrift.web.context import WebContext
from ringrift.web.guards import open_guards, token_guards
from ringrift.web.headers import LocalHosts, is_loopback
from ringrift.web.log import log_to_stderr
from ringrift.web.login import login_router

TOKEN_VARIABLE: Final = "RINGRIFT_WEB_TOKEN"
SHORTEST_TOKEN: Final = 16
SWITCH_SECONDS: Final = 0.0005
"""The longest time that a thread of requests holds the interpreter, which a search needs between its kernels."""
DRAIN_SECONDS: Final = 10
"""The time that requests under way have to finish at a shutdown."""


class BadAddress(RingRiftError):
    """An address that the application refuses to listen at."""


def serve(context: WebContext, *, host: str, port: int) -> None:
    """Serve the application until SIGINT or SIGTERM; `BadAddress` where others could reach it and no token is set."""
    token = os.environ.get(TOKEN_VARIABLE, "")
    if token and len(token) < SHORTEST_TOKEN:
        raise BadAddress(f"{TOKEN_VARIABLE}: a token has at least {SHORTEST_TOKEN} characters")
    if not token and not is_loopback(host):
        raise BadAddress(f"{host}: others can reach this address; set a token in {TOKEN_VARIABLE}, or use 127.0.0.1")
    log_to_stderr()
    app = app_alone(context, token)
    sys.setswitchinterval(SWITCH_SECONDS)
    try:
        uvicorn.run(
            app,
            host=host,
            port=port,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=DRAIN_SECONDS,
        )
    finally:
        context.close()


def app_alone(context: WebContext, token: str) -> FastAPI:
    """Return the application behind a token, or open where that is empty."""
    if not token:
        app = create_app(context, open_guards())
        app.add_middleware(LocalHosts)
        return app
    app = create_app(context, token_guards(token))
    app.include_router(login_router(token))
    return app
