"""`/metrics` and `/health` as routes of FastAPI, for Airflow's API server and any other web application."""

from __future__ import annotations

from fastapi import APIRouter, Header, Response

from ringrift.monitoring.serve import answer
from ringrift.monitoring.view import MonitoringInputs


def monitoring_router(inputs: MonitoringInputs) -> APIRouter:
    """Return the routes, which need no login; they run in threads, as they wait for files and databases."""
    router = APIRouter(tags=["monitoring"])

    def respond(path: str, accept: str) -> Response:
        status, content_type, content = answer(inputs, path, accept)
        return Response(content, status, headers={"Content-Type": content_type})

    @router.get("/metrics", summary="Metrics in the text form of Prometheus")
    def metrics(accept: str = Header("")) -> Response:
        return respond("/metrics", accept)

    @router.get("/health", summary="Whether the loop is well: 200, or 503 with the reasons")
    def health() -> Response:
        return respond("/health", "")

    return router
