"""The routes of RingRift that Airflow's API server serves below `/ringrift`.

Metrics and health, which monitoring machines read, need no login; all else is the web application (`web.py`).
"""

from __future__ import annotations

from functools import cache
from typing import Any, Final

PREFIX: Final = "/ringrift"


async def application(scope: Any, receive: Any, send: Any) -> None:
    """Answer a request; the first one makes the application.

    The plugin is loaded wherever a task runs, too, where no request comes and nothing of this should be imported.
    """
    await _application()(scope, receive, send)


@cache
def _application() -> Any:
    from fastapi import Depends, FastAPI
    from fastapi.responses import RedirectResponse

    from ringrift.monitoring import MonitoringInputs
    from ringrift.monitoring.app import monitoring_router
    from ringrift_airflow.page_links import page_about, run_of_selfplay
    from ringrift_airflow.web import WebApplication, may_look
    from ringrift_airflow.workspace import home

    app = FastAPI(title="RingRift", docs_url=None, redoc_url=None, openapi_url=None)
    app.include_router(monitoring_router(MonitoringInputs(home())))

    looking = [Depends(may_look())]

    @app.get("/about/{dag}", dependencies=looking)
    def about_dag(dag: str) -> RedirectResponse:
        return RedirectResponse(f"../pages/{page_about(dag)}")

    @app.get("/about/{dag}/{task}", dependencies=looking)
    def about_task(dag: str, task: str, run: str = "", shard: str = "") -> RedirectResponse:
        # Of a task that is not mapped Airflow leaves `{MAP_INDEX}` as it stands, or says -1.
        mapped = task.startswith("selfplay") and shard.isdecimal()
        selfplay = run_of_selfplay(dag, run, int(shard)) if mapped else None
        return RedirectResponse(f"../../pages/{page_about(dag, task, selfplay)}")

    app.mount("/", WebApplication())
    return app
