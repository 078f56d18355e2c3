"""`ringrift bench …`: how fast things are on this machine, one file per command."""

from __future__ import annotations

import typer

from ringrift.cli.bench import (
    agents,
    alarm,
    datasets,
    encoding,
    fleet,
    game,
    games,
    gate,
    gpu,
    loader,
    monitoring,
    nnue,
    search,
    selfplay,
    sync,
    training,
    web,
)

__all__ = ["app"]

app = typer.Typer(no_args_is_help=True, help="How fast things are on this machine.")
app.command()(game.game)
app.command()(encoding.encoding)
app.command()(search.search)
app.command()(agents.agents)
app.command()(nnue.nnue)
app.command()(selfplay.selfplay)
app.command()(games.games)
app.command()(datasets.datasets)
app.command()(loader.loader)
app.command()(sync.sync)
app.command()(fleet.fleet)
app.command()(training.training)
app.command()(gpu.gpu)
app.command()(gate.gate)
app.command()(alarm.alarm)
app.command()(monitoring.monitoring)
app.command()(web.web)
