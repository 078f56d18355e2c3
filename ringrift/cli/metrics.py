"""`ringrift metrics …` and `ringrift health`: whether the loop is well, for machines and for people."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringrift.cli.options import DatabaseOption, JsonOption
from ringrift.cli.reports import show_report
from ringrift.console import echo, echo_bytes

if TYPE_CHECKING:
    from ringrift.monitoring import MonitoringInputs

app = typer.Typer(no_args_is_help=True, help="Metrics for Prometheus.")


def _inputs(database: str | None) -> MonitoringInputs:
    from ringrift.monitoring import MonitoringInputs

    return MonitoringInputs(database=database)


@app.command()
def serve(
    port: Annotated[
        int | None,
        typer.Option(min=0, max=65535, help="By default as monitoring.yaml says; 0 for any that is free."),
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address to listen at; by default this machine alone.")] = None,
    database: DatabaseOption = None,
) -> None:
    """Serve /metrics and /health until Ctrl-C or SIGTERM, computed whenever they are asked for.

    Meant is the loop of RINGRIFT_HOME, else of the working folder. Exit code 2
    if the port is taken.

    Example: ringrift metrics serve

    Example: ringrift metrics serve --host 0.0.0.0 --port 9100
    """
    import time
    from threading import Thread

    from ringrift.cli.interrupts import stop_on_interrupt
    from ringrift.monitoring.serve import MetricsServer
    from ringrift.monitoring.settings import monitoring_settings

    settings = monitoring_settings().serve
    server = MetricsServer(
        _inputs(database), settings.host if host is None else host, settings.port if port is None else port
    )
    with stop_on_interrupt() as interruption, server:
        Thread(target=server.serve_forever, daemon=True).start()
        echo(f"{server.url}/metrics")
        sys.stdout.flush()
        while not interruption.is_set():  # to wait for the event would hold its lock at times, which the signal needs
            time.sleep(0.2)
        server.shutdown()


@app.command()
def write(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Its name ends with .prom.")],
    database: DatabaseOption = None,
) -> None:
    """Write the metrics once, for the text file collector of node_exporter; the file is there whole or not at all.

    Example: ringrift metrics write /var/lib/prometheus/node-exporter/ringrift.prom
    """
    from ringrift.monitoring import write_metrics

    write_metrics(_inputs(database), file)


@app.command()
def show(database: DatabaseOption = None) -> None:
    """Print the metrics as Prometheus reads them.

    Example: ringrift metrics show
    """
    from ringrift.monitoring import exposed

    echo_bytes(exposed(_inputs(database))[0])


def health(database: DatabaseOption = None, as_json: JsonOption = False) -> None:
    """Report whether the loop is well, and if not, why; exit code 1 then.

    It checks the signs of life of what runs it, the database, the hosts,
    and the disk of this machine.

    Example: ringrift health
    """
    from ringrift.monitoring import health_report

    report = health_report(_inputs(database))
    show_report(report, as_json)
    raise typer.Exit(0 if report.healthy else 1)
