"""`ringrift bench …`: how fast things are on this machine, one file per command."""

from __future__ import annotations

import typer

from ringrift.cli.bench import agents, encoding, game, games, search, selfplay

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="How fast things are on this machine.")
for _command in (game.game, encoding.encoding, search.search, agents.agents, selfplay.selfplay, games.games):
    app.command()(_command)
