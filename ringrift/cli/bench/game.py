"""`ringrift bench game`: how fast the rules are."""

from __future__ import annotations

import platform
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ringrift.cli.bench.tables import pairs_of, print_table, write_or_print
from ringrift.cli.options import LONGEST_SECONDS, MANY_TIMES
from ringrift.cli.progress import tracked


def game(
    configs: Annotated[
        list[str] | None, typer.Argument(metavar="[CONFIG…]", help="Config names, such as hex8_3p; by default all.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.05, max=LONGEST_SECONDS, help="Length of one measurement.")] = 0.5,
    repeats: Annotated[int, typer.Option(min=1, max=MANY_TIMES, help="Measurements; the median counts.")] = 5,
    start: Annotated[bool, typer.Option(help="Also measure start-up with a cold and a warm cache.")] = True,
    out: Annotated[Path | None, typer.Option(help="Write the figures there as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of tables.")] = False,
) -> None:
    """Speed of the rules in random play.

    Example: ringrift bench game

    Example: ringrift bench game square8_2p hex8_3p --json
    """
    from ringrift.benchmarks.game import measure_rules, measure_start

    pairs = pairs_of(configs)
    speeds = [
        measure_rules(board, players, seconds=seconds, repeats=repeats)
        for board, players in tracked(pairs, "random play")
    ]
    names = list(dict.fromkeys(board for board, _ in pairs)) if start else []
    starts = [measure_start(name) for name in tracked(names, "start-up")]
    report = {
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "python": platform.python_version(),
        },
        "rules": [asdict(speed) for speed in speeds],
        "start": [asdict(entry) for entry in starts],
    }
    if write_or_print(report, out, as_json):
        return
    print_table(
        f"Random play, median of {repeats}; every action counted, legal actions generated at every ply",
        (
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
        ),
        [
            (
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
            for speed in speeds
        ],
    )
    if starts:
        print_table(
            "Seconds from a new process to the first legal actions",
            ("board", "cold cache", "warm cache"),
            [(entry.board, f"{entry.cold:.1f}", f"{entry.warm:.2f}") for entry in starts],
        )
