"""`ringrift bench agents`: how fast the players without a network are."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ringrift.cli.bench.tables import pairs_of, print_table, side_by_side, write_or_print
from ringrift.cli.options import LONGEST_SECONDS, MANY, MANY_TIMES, MOST_AT_ONCE
from ringrift.cli.progress import tracked


def agents(
    configs: Annotated[
        list[str] | None, typer.Argument(metavar="[CONFIG…]", help="Config names, such as hex8_3p; by default all.")
    ] = None,
    repeats: Annotated[
        int, typer.Option(min=1, max=MANY_TIMES, help="Measurements of the evaluation; the median counts.")
    ] = 5,
    games: Annotated[
        int, typer.Option(min=1, max=MANY, help="Games side by side on the small boards; a quarter on the large.")
    ] = 256,
    positions: Annotated[int, typer.Option(min=1, max=MOST_AT_ONCE, help="Positions that each search is given.")] = 20,
    seconds: Annotated[
        float, typer.Option(min=0.001, max=LONGEST_SECONDS, help="Time of a search for each position.")
    ] = 0.1,
    out: Annotated[Path | None, typer.Option(help="Write the figures there as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of tables.")] = False,
) -> None:
    """Speed of the players without a network: the heuristic, minimax for two players, maxn for three and four.

    Example: ringrift bench agents

    Example: ringrift bench agents square8_2p hex8_3p --json
    """
    from ringrift.benchmarks.agents import measure_depth, measure_evaluation, measure_games

    pairs = pairs_of(configs)
    evaluations = [
        measure_evaluation(board, players, repeats=repeats) for board, players in tracked(pairs, "evaluations")
    ]
    plays = [
        measure_games(board, players, games=side_by_side(board, games))
        for board, players in tracked(pairs, "games of the heuristic")
    ]
    depths = [
        measure_depth(board, players, positions=positions, seconds=seconds)
        for board, players in tracked(pairs, "searches")
    ]
    report = {
        "evaluations": [asdict(speed) for speed in evaluations],
        "games": [asdict(speed) for speed in plays],
        "searches": [asdict(speed) for speed in depths],
    }
    if write_or_print(report, out, as_json):
        return
    print_table(
        f"Evaluations by the heuristic on one core, by processor time, median of {repeats}",
        ("config", "evaluations/s", "goal", "× goal", "ns"),
        [
            (
                speed.config,
                f"{speed.evaluations_per_second:,.0f}",
                f"{speed.goal:,}",
                f"{speed.evaluations_per_second / speed.goal:.2f}",
                f"{1e9 / speed.evaluations_per_second:,.0f}",
            )
            for speed in evaluations
        ],
    )
    print_table(
        f"The heuristic, one ply ahead, against itself on {plays[0].threads} cores, from random openings",
        ("config", "games", "games/s", "moves/game", "stopped"),
        [
            (
                speed.config,
                f"{speed.games}",
                f"{speed.games_per_second:,.2f}",
                f"{speed.moves_per_game:.0f}",
                f"{speed.stopped}",
            )
            for speed in plays
        ],
    )
    print_table(
        f"Searches with {seconds * 1000:g} ms for each position on one core, from the middle of random games",
        ("search", "config", "positions", "nodes/s", "depth"),
        [
            (
                speed.search,
                speed.config,
                f"{speed.positions}",
                f"{speed.nodes_per_second:,.0f}",
                f"{speed.depth:.1f}",
            )
            for speed in depths
        ],
    )
