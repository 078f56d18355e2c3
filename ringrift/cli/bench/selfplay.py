"""`ringrift bench selfplay`: how fast self-play is."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ringrift.cli.bench.tables import pairs_of, print_table, write_or_print
from ringrift.cli.progress import tracked


def selfplay(
    configs: Annotated[
        list[str] | None, typer.Argument(metavar="[CONFIG…]", help="Config names; by default square8_2p.")
    ] = None,
    network: Annotated[str, typer.Option(help="Architecture of the untrained network.")] = "small",
    out: Annotated[Path | None, typer.Option(help="Write the figures there as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of tables.")] = False,
) -> None:
    """Speed of self-play, whole games with their records: random, heuristic, and searches with an untrained network.

    Example: ringrift bench selfplay

    Example: ringrift bench selfplay square8_2p hex8_3p --network v2 --json
    """
    from ringrift.benchmarks.selfplay import GAMES, measure_selfplay

    names = [f"{board}_{players}p" for board, players in pairs_of(configs or ["square8_2p"])]
    speeds = list(tracked(measure_selfplay(names, network), "self-play", len(names) * len(GAMES)))
    if write_or_print({"selfplay": [asdict(speed) for speed in speeds]}, out, as_json):
        return
    print_table(
        f"Self-play; gumbel with the untrained network {network}",
        (
            "config",
            "player",
            "games",
            "side by side",
            "games/s",
            "games/CPU-s",
            "moves/s",
            "time in the network",
            "bytes/game",
        ),
        [
            (
                speed.config,
                speed.player,
                f"{speed.games}",
                f"{speed.side_by_side}",
                f"{speed.games_per_second:,.2f}",
                f"{speed.games_per_cpu_second:,.2f}",
                f"{speed.moves_per_second:,.0f}",
                f"{speed.network_share:.0%}",
                f"{speed.bytes_per_game:,.0f}",
            )
            for speed in speeds
        ],
    )
