"""The application: its routes behind their guards, its errors in one line, its files."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.staticfiles import StaticFiles
from pydantic import BaseModel

from ringrift.errors import Busy, RingRiftError
from ringrift.printable import one_line
from ringrift.version import code_version
from ringrift.web import service
from ringrift.web.context import WebContext
from ringrift.web.guards import Guards
from ringrift.web.headers import MEGABYTE, RequestLimits, SecurityHeaders
from ringrift.web.pages import pages_router

STATIC: Final = Path(__file__).parent / "static"
"""The files of the pages, as they are shipped."""
RETRY_SECONDS: Final = "5"


class Problem(BaseModel):
    """What was wrong with a request."""

    detail: str
    """One line: what was wrong, and where."""


def create_app(context: WebContext, guards: Guards) -> FastAPI:
    """Make the application, for a server of its own or to be mounted in another."""
    app = FastAPI(
        title="RingRift",
        version=code_version(),
        docs_url=None,  # FastAPI's own page loads scripts from another host
        redoc_url=None,
        responses={422: {"model": Problem}},
    )
    app.state.context = context
    app.add_middleware(RequestLimits, largest=context.settings.request_megabytes * MEGABYTE)
    app.add_middleware(SecurityHeaders)
    app.include_router(service.probes)
    app.include_router(service.router, dependencies=[Depends(guards.play)])
    app.include_router(pages_router(guards))
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.exception_handler(RequestValidationError)(_refuse_request)
    app.exception_handler(RingRiftError)(_refuse_work)
    return app


async def _refuse_request(_: Request, error: RequestValidationError) -> JSONResponse:
    """Answer a request that is not of the form that a route asks for."""
    first: dict[str, Any] = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return JSONResponse({"detail": one_line(f"{where}: {first['msg']}")}, 422)


async def _refuse_work(_: Request, error: RingRiftError) -> JSONResponse:
    """Answer a request that asks for what cannot be done, or not now."""
    if isinstance(error, Busy):
        return JSONResponse({"detail": one_line(str(error))}, 503, {"Retry-After": RETRY_SECONDS})
    return JSONResponse({"detail": one_line(str(error))}, 422)
