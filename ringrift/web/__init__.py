"""The web application: pages that show the loop, and the service that game servers ask for moves.

`ringrift web` serves it alone; the Airflow plugin mounts the same application in the API server.
"""

from __future__ import annotations

from ringrift.web.app import create_app
from ringrift.web.context import WebContext
from ringrift.web.guards import Guards
from ringrift.web.settings import WebSettings, web_settings

__all__ = ["Guards", "WebContext", "WebSettings", "create_app", "web_settings"]
