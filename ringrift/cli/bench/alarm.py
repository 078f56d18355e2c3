"""`ringrift bench alarm`: how often the regression alarm is false, and how soon it is raised."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from ringrift.cli.bench.tables import print_table, write_or_print
from ringrift.cli.progress import tracked


def alarm(
    tests: Annotated[int, typer.Option(min=2, max=100_000, help="How many are simulated for each strength.")] = 5000,
    spread: Annotated[
        float, typer.Option(min=0, max=1000, help="What an opening is worth to one of the two: Elo, 1 sigma.")
    ] = 0.0,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Of all random numbers.")] = 1,
    out: Annotated[Path | None, typer.Option(help="Write the figures there as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of a table.")] = False,
) -> None:
    """Simulate the regression alarm of evaluation.yaml on models of known strength.

    No game of RingRift is played. What came of it stands in docs/alarm.md.

    Example: ringrift bench alarm

    Example: ringrift bench alarm --spread 150 --tests 1000 --json
    """
    from ringrift.benchmarks.alarm import STRENGTHS, simulate_alarm
    from ringrift.evaluation.settings import evaluation_settings

    settings = evaluation_settings().alarm
    outcomes = [
        simulate_alarm(settings, elo, spread=spread, tests=tests, seed=seed) for elo in tracked(STRENGTHS, "strengths")
    ]
    if write_or_print({"outcomes": [asdict(outcome) for outcome in outcomes]}, out, as_json):
        return
    print_table(
        f"The regression alarm, two players, {tests:,} tests each, openings ± {spread:g} Elo",
        ("Elo of the model", "alarm", "games to it", "games of a test"),
        [
            (
                f"{outcome.elo:+.0f}",
                f"{outcome.raised:.1%}",
                "" if outcome.games_to_alarm is None else f"{outcome.games_to_alarm:.0f}",
                f"{outcome.games:.0f}",
            )
            for outcome in outcomes
        ],
    )
