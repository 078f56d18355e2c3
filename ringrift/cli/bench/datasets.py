"""`ringrift bench datasets`: how fast datasets are written."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ringrift.cli.bench.tables import pairs_of, print_memory, print_table, side_by_side, write_or_print
from ringrift.cli.options import MANY, MANY_TIMES
from ringrift.cli.progress import tracked


def datasets(
    configs: Annotated[
        list[str] | None, typer.Argument(metavar="[CONFIG…]", help="Config names; by default two of each size.")
    ] = None,
    count: Annotated[
        int, typer.Option("--games", "-n", min=1, max=MANY, help="Games on the small boards; a quarter on the large.")
    ] = 1000,
    repeats: Annotated[int, typer.Option(min=1, max=MANY_TIMES, help="Measurements; the fastest counts.")] = 3,
    memory: Annotated[
        list[int] | None,
        typer.Option(min=1, max=MANY, help="Measure memory in place of speed, at this many samples; repeatable."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the figures there as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of tables.")] = False,
) -> None:
    """Speed of exporting data sets: random games with search statistics at every action.

    Example: ringrift bench datasets square8_2p --games 4000

    Example: ringrift bench datasets square8_2p --memory 10000 --memory 1000000
    """
    from ringrift.benchmarks.datasets import measure_export, measure_export_memory

    pairs = pairs_of(configs or ["square8_2p", "hex8_4p", "square19_2p", "hexagonal_3p"])
    if memory:
        print_memory(
            [measure_export_memory(f"{board}_{players}p", count) for board, players in pairs for count in memory],
            "Exports",
            out,
            as_json,
        )
        return
    speeds = [
        measure_export(f"{board}_{players}p", side_by_side(board, count), repeats=repeats)
        for board, players in tracked(pairs, "exports")
    ]
    if write_or_print({"export": [asdict(speed) for speed in speeds]}, out, as_json):
        return
    print_table(
        f"Exports from SQLite on {speeds[0].threads} threads, the fastest of {repeats}",
        (
            "config",
            "games",
            "samples",
            "samples/s",
            "goal",
            "× goal",
            "samples/s a core",
            "bytes/sample",
            "disk MB/s",
            "share of it",
            "unchanged/s",
            *(f"{part} %" for part in speeds[0].parts),
        ),
        [
            (
                speed.config,
                f"{speed.games:,}",
                f"{speed.samples:,}",
                f"{speed.samples_per_second:,.0f}",
                f"{speed.goal:,}",
                f"{speed.samples_per_second / speed.goal:.2f}",
                f"{speed.cpu_samples_per_second:,.0f}",
                f"{speed.bytes_per_sample:,.0f}",
                f"{speed.disk_bytes_per_second / 1e6:,.0f}",
                f"{speed.disk_share:.0%}",
                f"{speed.unchanged_samples_per_second:,.0f}",
                *(f"{seconds / sum(speed.parts.values()):.0%}" for seconds in speed.parts.values()),
            )
            for speed in speeds
        ],
    )
