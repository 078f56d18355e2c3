"""The context of the application: the games database, the folder of models, and the settings."""

from __future__ import annotations

from pathlib import Path
from threading import Lock
from typing import Annotated

from fastapi import Depends, Request

from ringrift.game_database import GamesDatabase
from ringrift.game_database.settings import database_in
from ringrift.settings import home_folder
from ringrift.web.settings import WebSettings


class WebContext:
    """The database, folders and settings that routes work with; one for all requests."""

    def __init__(self, settings: WebSettings, *, home: Path | None = None, database: str | None = None) -> None:
        """Serve the folder `home` and the database of a URL, by default those of the settings."""
        self.settings = settings
        self.home = home or home_folder()
        self.models = self.home / "models"
        self.database_url = database
        self._database: GamesDatabase | None = None
        self._lock = Lock()

    def database(self) -> GamesDatabase:
        """Return the games database, opened once; `AbsentDatabase` where there is none yet, `BadDatabase`."""
        with self._lock:
            if self._database is None:
                self._database = GamesDatabase(self.database_url or database_in(self.home))
            return self._database

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            if self._database is not None:
                self._database.close()
                self._database = None


def web_context(request: Request) -> WebContext:
    """Return the context of the application that handles the request."""
    context: WebContext = request.app.state.context
    return context


Context = Annotated[WebContext, Depends(web_context)]
"""The context, as the parameter of a route."""
