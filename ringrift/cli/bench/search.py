"""`ringrift bench search`: how fast the searches are."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ringrift.cli.bench.tables import pairs_of, print_table, side_by_side, write_or_print
from ringrift.cli.options import MANY, MANY_TIMES
from ringrift.cli.progress import tracked
from ringrift.console import echo


def search(
    configs: Annotated[
        list[str] | None, typer.Argument(metavar="[CONFIG…]", help="Config names, such as hex8_3p; by default all.")
    ] = None,
    games: Annotated[
        int, typer.Option(min=2, max=MANY, help="Games side by side on the small boards; a quarter on the large.")
    ] = 2048,
    repeats: Annotated[int, typer.Option(min=1, max=MANY_TIMES, help="Measurements; the median counts.")] = 5,
    network: Annotated[str, typer.Option(help="Architecture whose share of the time is measured.")] = "small",
    compare: Annotated[
        bool, typer.Option(help="Also measure other programs' searches and ours on Connect Four, about three minutes.")
    ] = True,
    out: Annotated[Path | None, typer.Option(help="Write the figures there as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of tables.")] = False,
) -> None:
    """Speed of the searches at 64 simulations, the share of the time that a network takes, and other programs' speed.

    The other programs are mctx on pgx, and OpenSpiel: pip install 'ringrift\\[compare]'.

    Example: ringrift bench search square8_2p hexagonal_4p

    Example: ringrift bench search square8_2p --no-compare --json
    """
    from ringrift.benchmarks import comparison
    from ringrift.benchmarks.search import measure_search, measure_share
    from ringrift.search import GumbelSearch, PuctSearch

    pairs = pairs_of(configs)

    speeds = [
        measure_search(kind, board, players, games=side_by_side(board, games), repeats=repeats)
        for kind in (GumbelSearch, PuctSearch)
        for board, players in tracked(pairs, kind.__name__)
    ]
    shares = [
        measure_share(board, players, network, games=side_by_side(board, games))
        for board, players in tracked(pairs, f"with the network {network}")
    ]
    obstacle = comparison.obstacle() if compare else None
    if obstacle:
        echo(obstacle, err=True)
    programs: list[comparison.ProgramSpeed] = []
    if compare and not obstacle:
        rows = sum(1 + len(contest.ours) for contest in comparison.contests(games))
        programs.extend(tracked(comparison.compare(in_flight=games), "other programs", rows))
    report = {
        "searches": [asdict(speed) for speed in speeds],
        "network": [asdict(share) for share in shares],
        "comparison": [asdict(speed) for speed in programs],
    }
    if write_or_print(report, out, as_json):
        return
    print_table(
        f"Searches with 64 simulations and no network, median of {repeats}",
        (
            "search",
            "config",
            "games",
            "µs/simulation",
            "limit",
            "one game, µs/simulation",
            "simulations/s on all cores",
            "scaling",
            "bytes/node",
        ),
        [
            (
                speed.search,
                speed.config,
                f"{speed.games}",
                f"{speed.microseconds:.1f}",
                f"{speed.limit:.0f}",
                f"{speed.alone_microseconds:.1f}",
                f"{speed.simulations_per_second_all:,.0f}",
                f"{speed.scaling:.2f}",
                f"{speed.bytes_per_node:,.0f}",
            )
            for speed in speeds
        ],
    )
    print_table(
        f"Gumbel search with 64 simulations and the network {network}",
        ("config", "games", "simulations/s", "time in the network"),
        [
            (share.config, f"{share.games}", f"{share.simulations_per_second:,.0f}", f"{share.share:.0%}")
            for share in shares
        ],
    )
    if programs:
        print_table(
            "Connect Four with 64 simulations; one core by processor time, all cores by the clock",
            (
                "program",
                "evaluator",
                "in flight",
                "simulations/s on one core",
                "on all cores",
                "× one core",
                "× all",
                "against",
            ),
            [
                (
                    speed.program,
                    speed.evaluator,
                    f"{speed.in_flight}",
                    f"{speed.one_core:,.0f}",
                    f"{speed.all_cores:,.0f}",
                    f"{speed.times_one_core:.1f}" if speed.times_one_core else "",
                    f"{speed.times_all_cores:.1f}" if speed.times_all_cores else "",
                    speed.against or "",
                )
                for speed in programs
            ],
        )
