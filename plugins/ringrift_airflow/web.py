"""The web application inside Airflow's API server, behind Airflow's login.

The application is made at the first request, in a thread: that loads numba and torch.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from ringrift_airflow.workspace import home

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp, Receive, Scope, Send

    from ringrift.web import Guards


class WebApplication:
    """The application, made at the first request."""

    def __init__(self) -> None:
        self._app: ASGIApp | None = None
        self._making = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        async with self._making:
            if self._app is None:
                self._app = await asyncio.to_thread(make_application)
        await self._app(scope, receive, send)


def make_application() -> FastAPI:
    """Make the application of this machine's folder, with Airflow's guards."""
    from ringrift.web import WebContext, create_app, web_settings

    return create_app(WebContext(web_settings(), home=home()), airflow_guards())


def may_look() -> Any:
    """Return the guard that lets those pass who may see DAGs."""
    from airflow.api_fastapi.core_api.security import requires_access_dag

    return requires_access_dag("GET")


def airflow_guards() -> Guards:
    """Return guards that ask Airflow: seeing DAGs allows to look, running and changing them to play and control."""
    from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
    from airflow.api_fastapi.core_api.security import requires_access_dag

    from ringrift.web import Guards

    may_run: Any = requires_access_dag("POST", DagAccessEntity.RUN)
    may_change: Any = requires_access_dag("PUT")
    return Guards(read=may_look(), play=may_run, control=may_change)
