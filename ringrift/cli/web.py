"""`ringrift web`: the pages, and the service that game servers ask for moves."""

from __future__ import annotations

from typing import Annotated

import typer

from ringrift.cli.options import DatabaseOption
from ringrift.console import echo

LARGEST_PORT = 65_535


def web(
    host: Annotated[
        str | None, typer.Option(help="Listen at this address; others than this machine's need RINGRIFT_WEB_TOKEN.")
    ] = None,
    port: Annotated[int | None, typer.Option(min=1, max=LARGEST_PORT, help="By default as web.yaml says.")] = None,
    database: DatabaseOption = None,
) -> None:
    """Show the loop, games and models in a browser, and answer game servers that ask for moves.

    Example: ringrift web

    Example: RINGRIFT_WEB_TOKEN=… ringrift web --host 0.0.0.0 --port 8080
    """
    from ringrift.web import WebContext, web_settings
    from ringrift.web.serve import serve

    settings = web_settings()
    host, port = host or settings.host, port or settings.port
    echo(f"http://{f'[{host}]' if ':' in host else host}:{port}/  (Ctrl-C ends it)", err=True)
    serve(WebContext(settings, database=database), host=host, port=port)
