"""`ringrift bench games`: how fast the games database is."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ringrift.cli.bench.tables import print_table, write_or_print
from ringrift.cli.options import MANY, MANY_TIMES
from ringrift.cli.progress import tracked


def games(
    configs: Annotated[
        list[str] | None, typer.Argument(metavar="[CONFIG…]", help="Config names; by default square8_2p.")
    ] = None,
    count: Annotated[int, typer.Option("--games", "-n", min=1, max=MANY, help="Games in one measurement.")] = 5000,
    repeats: Annotated[int, typer.Option(min=1, max=MANY_TIMES, help="Measurements; the fastest counts.")] = 3,
    memory: Annotated[
        int, typer.Option(min=0, max=MANY, help="Also measure memory at 1,000 and this many thousand games.")
    ] = 10,
    out: Annotated[Path | None, typer.Option(help="Write the figures there as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of tables.")] = False,
) -> None:
    """Speed of the games database: random games ingested into SQLite, beside parsing their JSON and nothing else.

    Example: ringrift bench games square8_2p hexagonal_2p --games 500
    """
    from ringrift.benchmarks.games import measure_ingest, measure_memory

    names = configs or ["square8_2p"]
    runs = [(name, search) for name in names for search in (False, True)]
    speeds = [measure_ingest(name, count, search=search, repeats=repeats) for name, search in tracked(runs, "ingest")]
    thousands = (1, memory) if memory else ()
    peaks = [measure_memory(names[0], 1000 * number) for number in tracked(thousands, "memory")]
    report = {"ingest": [asdict(speed) for speed in speeds], "memory": [asdict(peak) for peak in peaks]}
    if write_or_print(report, out, as_json):
        return
    print_table(
        f"Random games into SQLite on {speeds[0].threads} threads, the fastest of {repeats}",
        (
            "config",
            "search",
            "actions/game",
            "games/s",
            "games/s a core",
            "actions/s a core",
            "parsed/s a core",
            "× parsing",
            "bytes/game: JSONL",
            "gzip",
            "database",
        ),
        [
            (
                speed.config,
                "yes" if speed.search else "no",
                f"{speed.actions_per_game:.0f}",
                f"{speed.games_per_second:,.0f}",
                f"{speed.cpu_games_per_second:,.0f}",
                f"{speed.cpu_actions_per_second:,.0f}",
                f"{speed.parsed_per_second:,.0f}",
                f"{speed.parsed_per_second / speed.cpu_games_per_second:.1f}",
                f"{speed.bytes_jsonl:,.0f}",
                f"{speed.bytes_gzip:,.0f}",
                f"{speed.bytes_database:,.0f}",
            )
            for speed in speeds
        ],
    )
    if peaks:
        rows = [(f"{peak.games:,}", f"{peak.megabytes:,.0f}") for peak in peaks]
        print_table(f"The most memory of a process that ingests {names[0]} with search", ("games", "MB"), rows)
