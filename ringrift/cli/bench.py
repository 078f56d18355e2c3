"""`ringrift bench …`: how fast things are on this machine."""

from __future__ import annotations

import json
import platform
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(no_args_is_help=True, help=__doc__)


@app.callback()
def _bench() -> None:
    """How fast things are on this machine."""


@app.command()
def game(
    configs: Annotated[
        list[str] | None, typer.Argument(metavar="[CONFIG…]", help="Config names, such as hex8_3p; by default all.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.05, help="Length of one measurement.")] = 0.5,
    repeats: Annotated[int, typer.Option(min=1, help="Measurements; the median counts.")] = 5,
    start: Annotated[bool, typer.Option(help="Also measure start-up with a cold and a warm cache.")] = True,
    out: Annotated[Path | None, typer.Option(help="Write the figures there as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of tables.")] = False,
) -> None:
    """Speed of the rules in random play.

    Example: ringrift bench game

    Example: ringrift bench game square8_2p hex8_3p --json
    """
    from rich.console import Console
    from rich.progress import track
    from rich.table import Table

    from ringrift.benchmarks.game import measure_rules, measure_start
    from ringrift.game import configs as all_configs
    from ringrift.game import parse_config
    from ringrift.game.files import new_file

    chosen = [parse_config(name) for name in configs] if configs else None
    pairs = [(board.name, players) for board, players in chosen] if chosen else list(all_configs())
    quiet = not sys.stderr.isatty()
    progress = Console(stderr=True)
    speeds = [
        measure_rules(board, players, seconds=seconds, repeats=repeats)
        for board, players in track(pairs, "random play", console=progress, disable=quiet, transient=True)
    ]
    names = list(dict.fromkeys(board for board, _ in pairs)) if start else []
    starts = [measure_start(name) for name in track(names, "start-up", console=progress, disable=quiet, transient=True)]
    report = {
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "python": platform.python_version(),
        },
        "rules": [asdict(speed) for speed in speeds],
        "start": [asdict(entry) for entry in starts],
    }
    if out is not None:
        with new_file(out) as file:
            file.write((json.dumps(report, indent=1) + "\n").encode())
    if as_json:
        typer.echo(json.dumps(report))
        return
    table = Table(title=f"Random play, median of {repeats}; every action counted, legal actions generated at every ply")
    for heading in (
        "config",
        "actions/s",
        "× goal",
        "games/s",
        "actions/game",
        "legal/action",
        "legal ns",
        "step ns",
        "copy ns",
        "hash ns",
        "bytes",
        f"actions/s on {speeds[0].threads} cores",
        "scaling",
    ):
        table.add_column(heading, justify="left" if heading == "config" else "right")
    for speed in speeds:
        table.add_row(
            speed.config,
            f"{speed.actions_per_second:,.0f}",
            f"{speed.actions_per_second / speed.goal:.1f}",
            f"{speed.games_per_second:,.0f}",
            f"{speed.actions_per_game:.0f}",
            f"{speed.legal_per_action:.1f}",
            f"{speed.legal_ns:,.0f}",
            f"{speed.step_ns:,.0f}",
            f"{speed.copy_ns:.0f}",
            f"{speed.hash_ns:.0f}",
            f"{speed.bytes_per_game:,}",
            f"{speed.actions_per_second_all:,.0f}",
            f"{speed.scaling:.2f}",
        )
    console = Console(width=None if sys.stdout.isatty() else 170)
    console.print(table)
    if starts:
        table = Table(title="Seconds from a new process to the first legal actions")
        for heading in ("board", "cold cache", "warm cache"):
            table.add_column(heading, justify="left" if heading == "board" else "right")
        for entry in starts:
            table.add_row(entry.board, f"{entry.cold:.1f}", f"{entry.warm:.2f}")
        console.print(table)
    if out is not None:
        typer.echo(f"written to {out}")
