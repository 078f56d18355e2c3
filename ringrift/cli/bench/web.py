"""`ringrift bench web`: how fast the web application answers."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ringrift.cli.bench.tables import print_table, write_or_print
from ringrift.cli.options import MANY, MANY_TIMES, ConfigArgument

MOST_CLIENTS = 2000


def web(
    config: ConfigArgument = "square8_2p",
    mode: Annotated[str, typer.Option(help="A mode of web.yaml.")] = "gumbel",
    network: Annotated[str, typer.Option(help="The architecture of the champion, which is untrained.")] = "small",
    clients: Annotated[int, typer.Option(min=1, max=MOST_CLIENTS, help="Clients that ask at once.")] = 200,
    rounds: Annotated[int, typer.Option(min=1, max=MANY_TIMES, help="Moves for each of them.")] = 3,
    games: Annotated[int, typer.Option(min=0, max=MANY, help="In the database that the pages show; 0: no pages.")] = 0,
    out: Annotated[Path | None, typer.Option(help="Write the figures there as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of tables.")] = False,
) -> None:
    """Moves for many clients at once from `ringrift web`, beside the same search without it; data of its pages.

    Clients and server share this machine's cores.

    Example: ringrift bench web

    Example: ringrift bench web hex8_3p --mode policy --clients 500 --games 100000
    """
    from ringrift.benchmarks.web import measure_moves, measure_pages

    moves = measure_moves(config, mode, network, clients, rounds)
    pages = measure_pages(games, repeats=20) if games else []
    report = {
        "moves": asdict(moves) | {"share": moves.share, "cpu_share": moves.cpu_share},
        "pages": [asdict(page) for page in pages],
    }
    if write_or_print(report, out, as_json):
        return
    print_table(
        f"{clients} clients that ask for moves at once, {rounds} times",
        ("player", "moves", "lost", "p50, ms", "p99, ms", "moves/s", "search alone", "share", "by CPU time"),
        [
            (
                moves.spec,
                f"{moves.moves:,}",
                str(moves.lost),
                f"{1000 * moves.p50:,.0f}",
                f"{1000 * moves.p99:,.0f}",
                f"{moves.moves_per_second:,.1f}",
                f"{moves.alone_per_second:,.1f}",
                f"{moves.share:.0%}",
                f"{moves.cpu_share:.0%}",
            )
        ],
    )
    if pages:
        print_table(
            f"Data of pages with {games:,} games in the database, in ms",
            ("page", "median", "slowest", "worked out anew"),
            [(page.path, *(f"{ms:.1f}" for ms in (page.milliseconds, page.slowest, page.anew))) for page in pages],
        )
