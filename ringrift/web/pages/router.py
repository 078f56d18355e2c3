"""The routes of the pages, each behind the guard of its kind."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fastapi import APIRouter, Depends
from fastapi.responses import FileResponse

from ringrift.web.guards import Guards
from ringrift.web.pages import configs, evaluations, fleet, games, live, overview, play, runs

DOCUMENT: Final = Path(__file__).parents[1] / "static" / "index.html"


def pages_router(guards: Guards) -> APIRouter:
    """Return all routes of the pages."""
    router = APIRouter(prefix="/pages")
    router.get("/", include_in_schema=False, dependencies=[Depends(guards.read)])(document)
    for part in (overview, configs, evaluations, games, live, fleet, runs):
        router.include_router(part.router, prefix="/data", tags=["pages"], dependencies=[Depends(guards.read)])
    router.include_router(play.router, prefix="/data/play", tags=["play"], dependencies=[Depends(guards.play)])
    return router


def document() -> FileResponse:
    """Return the document of all pages; the part of the address after `#` names one."""
    return FileResponse(DOCUMENT, headers={"Cache-Control": "no-cache"})
