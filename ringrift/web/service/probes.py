"""The probes for watchdogs and people: the name of the service, and its health."""

from __future__ import annotations

import html
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from pydantic import BaseModel

from ringrift import __version__
from ringrift.monitoring import MonitoringInputs, exposed
from ringrift.web.context import Context
from ringrift.web.service.answers import Problem
from ringrift.web.service.measures import Measures
from ringrift.web.service.routes import Service, champion_id, config_names, reading

probes = APIRouter(tags=["service"])
"""The routes that need no token."""
UNAVAILABLE: dict[int | str, dict[str, Any]] = {503: {"model": Problem}}


class Name(BaseModel):
    """The name and version of the service."""

    name: str = "RingRift"
    status: str = "running"
    version: str = __version__


class Live(BaseModel):
    """A sign of life."""

    status: str = "alive"


class Health(BaseModel):
    """The readiness for requests, and the model of each config."""

    status: str
    waiting: int
    models: dict[str, str | None]
    """The id of the champion by config; null where the heuristic plays in its place."""


@probes.get("/live")
def live() -> Live:
    """Return a sign of life."""
    return Live()


@probes.get("/health", responses={503: {"model": Health}})
@probes.get("/ready", responses={503: {"model": Health}})
def health(service: Service) -> JSONResponse:
    """Return whether moves can be requested: 503 while the queue is full."""
    waiting = sum(loaded.waiting for loaded in service.pool.loaded())
    full = waiting >= service.settings.most_waiting
    models = {config: champion_id(service, config) for config in config_names()}
    report = Health(status="overloaded" if full else "ready", waiting=waiting, models=models)
    return JSONResponse(report.model_dump(), 503 if full else 200)


def measures(request: Request) -> Measures:
    """Return the measures of the application that handles the request."""
    shared: Measures = request.app.state.measures
    return shared


@reading.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(context: Context, service: Service, own: Annotated[Measures, Depends(measures)]) -> Response:
    """Return the metrics of the loop and of the service in Prometheus' text form."""
    loop, kind = exposed(MonitoringInputs(context.home, context.database_url), "")
    return Response(loop + own.exposed(service), media_type=kind)


@reading.get("/", response_model=Name, response_class=JSONResponse)
def root(accept: Annotated[str, Header()] = "") -> Response:
    """Return the name of the service; a browser is sent to the pages."""
    if "text/html" in accept:
        return RedirectResponse("pages/")
    return JSONResponse(Name().model_dump())


@reading.get("/openapi.json", include_in_schema=False)
def openapi(request: Request) -> JSONResponse:
    """Return the full description of the routes."""
    return JSONResponse(request.app.openapi())


@reading.get("/docs", include_in_schema=False)
def docs(request: Request) -> HTMLResponse:
    """Show the routes; FastAPI's own page would load its scripts from another host."""
    return HTMLResponse(routes_page(request.app.openapi()))


def routes_page(openapi: dict[str, Any]) -> str:
    """Return a page about the routes of a description."""
    rows = []
    for path, methods in openapi["paths"].items():
        for method, route in methods.items():
            summary = html.escape(str(route.get("description") or route.get("summary", "")))
            rows.append(
                f"<tr><td>{method.upper()}</td><td><code>{html.escape(path)}</code></td><td>{summary}</td></tr>"
            )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>RingRift: routes</title>'
        f"<h1>RingRift {html.escape(openapi['info']['version'])}</h1>"
        '<p>Bodies and answers in full: <a href="openapi.json">openapi.json</a></p>'
        f"<table>{''.join(rows)}</table></html>"
    )
