"""`ringrift bench nnue`: how fast the integer networks are."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ringrift.cli.bench.tables import pairs_of, print_table, side_by_side, write_or_print
from ringrift.cli.options import MANY, MANY_TIMES, MODELS, ModelsOption
from ringrift.cli.progress import tracked


def nnue(
    configs: Annotated[
        list[str] | None, typer.Argument(metavar="[CONFIG…]", help="Config names, such as hex8_3p; by default all.")
    ] = None,
    positions: Annotated[
        int, typer.Option(min=16, max=MANY, help="Positions on the small boards; a quarter on the large.")
    ] = 512,
    nodes: Annotated[int, typer.Option(min=1, max=MANY, help="Nodes of a search.")] = 4000,
    repeats: Annotated[int, typer.Option(min=1, max=MANY_TIMES, help="Measurements; the median counts.")] = 5,
    models: ModelsOption = MODELS,
    out: Annotated[Path | None, typer.Option(help="Write the figures there as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of tables.")] = False,
) -> None:
    """Speed of the integer networks on one core: evaluations, their parts, and nodes of searches, beside the heuristic.

    The network is that of minimax:nnue; where there is none, weights are drawn.

    Example: ringrift bench nnue square8_2p hexagonal_4p
    """
    from ringrift.benchmarks.nnue import measure_nnue, measure_nnue_search

    pairs = pairs_of(configs)
    speeds = [
        measure_nnue(board, players, models, positions=side_by_side(board, positions), repeats=repeats)
        for board, players in tracked(pairs, "evaluations")
    ]
    searches = [
        measure_nnue_search(board, players, models, nodes=nodes) for board, players in tracked(pairs, "searches")
    ]
    report = {
        "evaluations": [asdict(speed) for speed in speeds],
        "searches": [asdict(speed) | {"ratio": speed.ratio} for speed in searches],
    }
    if write_or_print(report, out, as_json):
        return
    print_table(
        f"Evaluations per second on one core, median of {repeats}",
        ("config", "positions", "incremental", "goal", "from scratch", "heuristic", "update ns", "layers ns"),
        [
            (
                speed.config,
                f"{speed.positions:,}",
                f"{speed.incremental_per_second:,.0f}",
                f"{speed.goal:,}",
                f"{speed.scratch_per_second:,.0f}",
                f"{speed.heuristic_per_second:,.0f}",
                f"{speed.update_ns:,.0f}",
                f"{speed.layers_ns:,.0f}",
            )
            for speed in speeds
        ],
    )
    print_table(
        f"Nodes per second of searches of {nodes:,} nodes on one core",
        ("config", "search", "with the network", "with the heuristic", "ratio"),
        [
            (speed.config, speed.search, f"{speed.network:,.0f}", f"{speed.heuristic:,.0f}", f"{speed.ratio:.2f}")
            for speed in searches
        ],
    )
