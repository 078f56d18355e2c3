"""What watchdogs and people ask first: what answers here, and whether it is well."""

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
"""What a watchdog may ask without a token."""
UNAVAILABLE: dict[int | str, dict[str, Any]] = {503: {"model": Problem}}


class Name(BaseModel):
    """What answers here."""

    name: str = "RingRift"
    status: str = "running"
    version: str = __version__


class Live(BaseModel):
    """A sign of life."""

    status: str = "alive"


class Health(BaseModel):
    """Whether moves can be asked for, and which model each config would use."""

    status: str
    waiting: int
    models: dict[str, str | None]
    """The id of the champion by config; null where the heuristic plays in its place."""


@probes.get("/live")
def live() -> Live:
    """Tell that the process answers."""
    return Live()


@probes.get("/health", responses={503: {"model": Health}})
@probes.get("/ready", responses={503: {"model": Health}})
def health(service: Service) -> JSONResponse:
    """Tell whether moves can be asked for: 503 while as many wait as may."""
    waiting = sum(loaded.waiting for loaded in service.pool.loaded())
    full = waiting >= service.settings.most_waiting
    models = {config: champion_id(service, config) for config in config_names()}
    found = Health(status="overloaded" if full else "ready", waiting=waiting, models=models)
    return JSONResponse(found.model_dump(), 503 if full else 200)


def measures(request: Request) -> Measures:
    """Return the measures of the application that has got the request."""
    found: Measures = request.app.state.measures
    return found


@reading.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(context: Context, service: Service, found: Annotated[Measures, Depends(measures)]) -> Response:
    """Give the metrics of the loop and of the service in Prometheus' text form."""
    loop, kind = exposed(MonitoringInputs(context.home, context.database_url), "")
    return Response(loop + found.exposed(service), media_type=kind)


@reading.get("/", response_model=Name, response_class=JSONResponse)
def root(accept: Annotated[str, Header()] = "") -> Response:
    """Tell what answers here; a browser is shown the pages."""
    if "text/html" in accept:
        return RedirectResponse("pages/")
    return JSONResponse(Name().model_dump())


@reading.get("/openapi.json", include_in_schema=False)
def openapi(request: Request) -> JSONResponse:
    """Describe the routes in full."""
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
