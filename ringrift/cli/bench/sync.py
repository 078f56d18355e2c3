"""`ringrift bench sync`: how fast games come from the hosts."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringrift.cli.bench.tables import print_table, write_or_print
from ringrift.cli.options import MANY, MANY_TIMES
from ringrift.cli.progress import tracked

if TYPE_CHECKING:
    from ringrift.benchmarks.sync import Kind


def sync(
    megabytes: Annotated[int, typer.Option(min=1, max=MANY, help="Of games, as they lie on the host.")] = 200,
    files: Annotated[
        int, typer.Option(min=0, max=MANY, help="Closed files that are here already, for the latency.")
    ] = 200,
    repeats: Annotated[
        int, typer.Option(min=1, max=MANY_TIMES, help="Measurements: the fastest, or the median of latencies.")
    ] = 3,
    out: Annotated[Path | None, typer.Option(help="Write the figures there as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of tables.")] = False,
) -> None:
    """Speed of sync from an sshd on this machine, beside `rsync -a` and the disk, and how long a round takes.

    Host and sync share this machine's cores; a network leaves each its own.

    Example: ringrift bench sync --megabytes 1000

    Example: ringrift bench sync --json
    """
    from ringrift.benchmarks.sync import measure_latency, measure_sync

    kinds: tuple[Kind, ...] = ("closed", "growing")
    speeds = [measure_sync(kind, megabytes, repeats=repeats) for kind in tracked(kinds, "sync")]
    latency = measure_latency(files, repeats=repeats)
    report = {"sync": [asdict(speed) | {"slowdown": speed.slowdown} for speed in speeds], "latency": asdict(latency)}
    if write_or_print(report, out, as_json):
        return
    print_table(
        f"New files of games over loopback, in MB/s as they lie on disk, the fastest of {repeats}",
        ("files", "MB", "sync", "rsync -a", "rsync -az", "× as long as rsync -a", "disk, fsync"),
        [
            (
                f"{speed.files} {speed.kind}",
                f"{speed.bytes / 1e6:,.0f}",
                f"{speed.bytes_per_second / 1e6:,.0f}",
                f"{speed.rsync_bytes_per_second / 1e6:,.0f}",
                f"{speed.rsync_compressed_bytes_per_second / 1e6:,.0f}",
                f"{speed.slowdown:.2f}",
                f"{speed.disk_bytes_per_second / 1e6:,.0f}",
            )
            for speed in speeds
        ],
    )
    print_table(
        f"A round over an open connection with {files} closed files, the median of {repeats}",
        ("nothing new, ms", "one new game, ms"),
        [(f"{1000 * latency.empty:.0f}", f"{1000 * latency.one_game:.0f}")],
    )
