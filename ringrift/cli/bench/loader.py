"""`ringrift bench loader`: how fast the loader of datasets is."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ringrift.cli.bench.tables import pairs_of, print_memory, print_table, write_or_print
from ringrift.cli.options import MANY, MANY_TIMES, MOST_AT_ONCE, MOST_THREADS
from ringrift.cli.progress import tracked


def loader(
    configs: Annotated[
        list[str] | None,
        typer.Argument(metavar="[CONFIG…]", help="Config names; by default square8_2p and square19_2p."),
    ] = None,
    batch: Annotated[int, typer.Option(min=1, max=MOST_AT_ONCE, help="Samples in a batch.")] = 1024,
    workers: Annotated[
        int | None, typer.Option(min=1, max=MOST_THREADS, help="Threads; by default one for each core.")
    ] = None,
    samples: Annotated[
        int | None, typer.Option(min=4, max=MANY, help="Samples in the data set; by default 256 MB of features.")
    ] = None,
    augment: Annotated[bool, typer.Option(help="Show samples under random symmetries.")] = True,
    repeats: Annotated[int, typer.Option(min=1, max=MANY_TIMES, help="Epochs measured; the median counts.")] = 5,
    memory: Annotated[
        list[int] | None,
        typer.Option(min=1, max=MANY, help="Measure memory in place of speed, at this many samples; repeatable."),
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the figures there as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of tables.")] = False,
) -> None:
    """Speed of streaming a data set to a training, on random data in a temporary folder, beside what one GPU takes.

    What the GPU takes is computed, not measured: its peak × an assumed share / three forward passes a sample.

    Example: ringrift bench loader

    Example: ringrift bench loader square8_2p --memory 10000 --memory 5000000

    Example: ringrift bench loader hexagonal_4p --batch 4096 --workers 2 --json
    """
    from ringrift.benchmarks.loading import (
        FEATURES,
        PEAK,
        SHARE_OF_PEAK,
        measure_loader,
        measure_loader_memory,
        training_demand,
    )
    from ringrift.kernels.threads import default_threads

    pairs = pairs_of(configs or ["square8_2p", "square19_2p"])
    if memory:
        print_memory(
            [measure_loader_memory(*pair, count) for pair in pairs for count in memory], "Loader", out, as_json
        )
        return
    threads = workers or default_threads()
    speeds = [
        measure_loader(board, players, batch=batch, workers=threads, samples=samples, augment=augment, repeats=repeats)
        for board, players in tracked(pairs, "loader")
    ]
    demands = [training_demand(architecture, speed) for speed in speeds for architecture in ("v2", "v3")]
    report = {
        "loader": [asdict(speed) for speed in speeds],
        "training": {
            "peak_flops": PEAK,
            "share_of_peak": SHARE_OF_PEAK,
            "demands": [asdict(demand) for demand in demands],
        },
    }
    if write_or_print(report, out, as_json):
        return
    print_table(
        f"Loader with {threads} threads, batches of {batch}, features {FEATURES}, median of {repeats}",
        ("config", "samples", "samples/s", "GB/s", "samples/s of processor time"),
        [
            (
                speed.config,
                f"{speed.samples:,}",
                f"{speed.samples_per_second:,.0f}",
                f"{speed.bytes_per_second / 1e9:.2f}",
                f"{speed.samples_per_core_second:,.0f}",
            )
            for speed in speeds
        ],
    )
    print_table(
        f"Training on one {demands[0].gpu} at {SHARE_OF_PEAK:.0%} of {PEAK / 1e12:.0f} TFLOP/s, an assumption",
        ("config", "network", "GFLOP/sample", "samples/s it takes", "loader ÷ GPU", "cores that keep up"),
        [
            (
                demand.config,
                demand.architecture,
                f"{demand.flops_per_sample / 1e9:.2f}",
                f"{demand.samples_per_second:,.0f}",
                f"{demand.ratio:.2f}",
                f"{demand.cores:.1f}",
            )
            for demand in demands
        ],
    )
