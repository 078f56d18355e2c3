"""`ringrift bench training`: how fast networks learn."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ringrift.cli.bench.tables import pairs_of, print_table, write_or_print
from ringrift.cli.context import use_threads
from ringrift.cli.options import MANY_TIMES, MOST_AT_ONCE, DeviceOption, TorchThreadsOption
from ringrift.cli.progress import tracked


def training(
    configs: Annotated[
        list[str] | None, typer.Argument(metavar="[CONFIG…]", help="Config names; by default square8_2p.")
    ] = None,
    networks: Annotated[str, typer.Option(help="Architectures, separated by commas.")] = "small,v2,v3",
    batch: Annotated[int, typer.Option(min=1, max=MOST_AT_ONCE, help="Samples of a step.")] = 256,
    device: DeviceOption = None,
    threads: TorchThreadsOption = None,
    compiled: Annotated[bool, typer.Option("--compile", help="With torch.compile.")] = False,
    pcgrad: Annotated[bool, typer.Option("--surgery", help="With PCGrad between policy and values.")] = False,
    repeats: Annotated[int, typer.Option(min=1, max=MANY_TIMES, help="Times measured; the median counts.")] = 5,
    out: Annotated[Path | None, typer.Option(help="Write the figures there as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of a table.")] = False,
) -> None:
    """Samples a second of whole training steps, and the share of the step that is not the network.

    Example: ringrift bench training

    Example: ringrift bench training hexagonal_4p --networks v3 --batch 8192 --compile --json
    """
    from ringrift.benchmarks.training import measure_training
    from ringrift.networks import inference_device

    use_threads(threads)
    where = device or inference_device()
    cases = [(name, *pair) for pair in pairs_of(configs or ["square8_2p"]) for name in networks.split(",")]
    speeds = [
        measure_training(
            name, board, players, batch=batch, device=where, compiled=compiled, pcgrad=pcgrad, repeats=repeats
        )
        for name, board, players in tracked(cases, "training")
    ]
    if write_or_print({"training": [asdict(speed) for speed in speeds]}, out, as_json):
        return
    first = speeds[0]
    print_table(
        f"Training on {first.device}, {first.threads} threads, batches of {batch}, {first.dtype}",
        ("config", "network", "MFLOP/sample", "samples/s", "outside the network", "of achievable FLOP/s", "KB/sample"),
        [
            (
                speed.config,
                speed.architecture,
                f"{speed.flops_per_sample / 1e6:,.0f}",
                f"{speed.samples_per_second:,.0f}",
                f"{speed.outside:.1%}",
                f"{speed.share:.0%}",
                "–" if speed.bytes_per_sample is None else f"{speed.bytes_per_sample / 1e3:,.0f}",
            )
            for speed in speeds
        ],
    )
