"""The application: its routes behind their guards, its errors in one line, its files."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles

from ringrift.errors import Busy, RingRiftError
from ringrift.game_database.database import AbsentDatabase
from ringrift.printable import one_line
from ringrift.version import code_version
from ringrift.web import service
from ringrift.web.context import WebContext
from ringrift.web.guards import Guards
from ringrift.web.headers import MEGABYTE, RequestLimits, SecurityHeaders
from ringrift.web.log import AnswerLog
from ringrift.web.pages import pages_router

STATIC: Final = Path(__file__).parent / "static"
"""The files of the pages, as they are shipped."""
ADMIN_KEY_VARIABLE: Final = "RINGRIFT_ADMIN_KEY"
RETRY_SECONDS: Final = "5"
REFUSALS: Final = (400, 401, 403, 413, 422)
"""The statuses that any route may answer with: no JSON, no login, not allowed, too large, malformed."""


def create_app(context: WebContext, guards: Guards) -> FastAPI:
    """Make the application, for a server of its own or to be mounted in another."""
    app = FastAPI(
        title="RingRift",
        version=code_version(),
        docs_url=None,  # FastAPI's own page loads scripts from another host
        redoc_url=None,
        openapi_url=None,  # it is a route of the service, behind the guard for reading
        responses={status: {"model": service.Problem} for status in REFUSALS},
    )
    measures = service.Measures()
    app.state.context = context
    app.state.service = service.MoveService(context)
    app.state.measures = measures
    app.state.admin_key = os.environ.get(ADMIN_KEY_VARIABLE) or None
    app.add_middleware(RequestLimits, largest=context.settings.request_megabytes * MEGABYTE)
    app.add_middleware(SecurityHeaders)
    app.add_middleware(AnswerLog, count=measures.count)
    app.include_router(service.probes)
    app.include_router(service.reading, dependencies=[Depends(guards.read)])
    app.include_router(service.playing, dependencies=[Depends(guards.play)])
    app.include_router(service.control, dependencies=[Depends(guards.control)])
    app.include_router(service.replay.router, dependencies=[Depends(guards.read)])
    app.include_router(pages_router(guards))
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.exception_handler(RequestValidationError)(_refuse_request)
    app.exception_handler(RingRiftError)(_refuse_work)
    return app


async def _refuse_request(_: Request, error: RequestValidationError) -> JSONResponse:
    """Answer a request that does not have the form that its route requires."""
    return JSONResponse({"detail": service.first_problem(error.errors())}, 422)


async def _refuse_work(_: Request, error: RingRiftError) -> JSONResponse:
    """Answer a request that cannot be served, or not now."""
    detail = {"detail": one_line(str(error))}
    if isinstance(error, Busy | AbsentDatabase):
        return JSONResponse(detail, 503, {"Retry-After": RETRY_SECONDS})
    return JSONResponse(detail, 422)
