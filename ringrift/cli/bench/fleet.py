"""`ringrift bench fleet`: what a large fleet costs its coordinator."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ringrift.cli.bench.tables import print_table, write_or_print
from ringrift.cli.hosts import need_asyncssh
from ringrift.cli.options import MANY_TIMES


def fleet(
    hosts: Annotated[int, typer.Option(min=1, max=MANY_TIMES, help="How many are simulated.")] = 100,
    out: Annotated[Path | None, typer.Option(help="Write the figures there as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of tables.")] = False,
) -> None:
    """Cost of polling, syncing and placing jobs on many hosts, for the one machine that does it.

    The hosts are simulated by another process of this machine, over SSH.

    Example: ringrift bench fleet --hosts 1000
    """
    need_asyncssh()
    from ringrift.benchmarks.fleet import measure_fleet

    cost = measure_fleet(hosts)
    if write_or_print(asdict(cost), out, as_json):
        return
    print_table(
        f"{hosts} hosts: {cost.peak_mb:.0f} MB at most, {cost.open_mb:.0f} of them for open connections",
        ("round", "seconds", "CPU seconds", "ms of CPU a host", "statements"),
        [
            (
                cost_of_round.what,
                f"{cost_of_round.seconds:.1f}",
                f"{cost_of_round.cpu_seconds:.1f}",
                f"{1000 * cost_of_round.cpu_seconds / hosts:.1f}",
                f"{cost_of_round.statements:,}",
            )
            for cost_of_round in cost.rounds
        ],
    )
