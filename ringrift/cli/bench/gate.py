"""`ringrift bench gate`: which rule of promotion leaves the champion strongest."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated

import typer

from ringrift.cli.bench.tables import print_table, write_or_print
from ringrift.cli.progress import tracked


def gate(
    players: Annotated[int, typer.Option(min=2, max=4, help="Of the simulated games.")] = 2,
    candidates: Annotated[int, typer.Option(min=1, max=1000, help="In a row.")] = 50,
    loops: Annotated[int, typer.Option(min=2, max=100_000, help="How many loops are simulated for each rule.")] = 2000,
    seed: Annotated[int, typer.Option(min=0, max=2**63 - 1, help="Of all random numbers.")] = 1,
    plot: Annotated[Path | None, typer.Option(help="Write a picture (PNG) of the champions' strength there.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the figures there as JSON.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON in place of tables.")] = False,
) -> None:
    """Simulate rules of promotion on candidates whose strength walks as in docs/results, and compare the champions.

    No game of RingRift is played: results are drawn from strengths. What
    came of it, and what follows for the gate, stands in docs/gate.md.

    Example: ringrift bench gate

    Example: ringrift bench gate --players 4 --loops 500 --json
    """
    from ringrift.benchmarks.gate import LOOPS, RULES, plot_outcomes, simulate

    worlds = {title: replace(loop, players=players, candidates=candidates) for title, loop in LOOPS.items()}
    runs = [(title, loop, rule) for title, loop in worlds.items() for rule in RULES]
    simulated = [(title, simulate(rule, loop, loops=loops, seed=seed)) for title, loop, rule in tracked(runs, "rules")]
    outcomes = {title: [outcome for of, outcome in simulated if of == title] for title in worlds}
    if plot is not None:
        plot_outcomes(outcomes, plot)
    report = {title: [asdict(outcome) for outcome in of_loop] for title, of_loop in outcomes.items()}
    if write_or_print(report, out, as_json):
        return
    for title, of_loop in outcomes.items():
        print_table(
            f"{title[0].upper()}{title[1:]}: {candidates} candidates, {players} players, mean of {loops} loops",
            ("rule", "Elo per budget", "±", "Elo at the end", "games", "promoted", "false", "missed", "equal"),
            [
                (
                    outcome.rule,
                    f"{outcome.budget:.0f}",
                    f"{2 * outcome.error:.0f}",
                    f"{outcome.final:.0f}",
                    f"{outcome.games:.0f}",
                    f"{outcome.promoted:.0%}",
                    f"{outcome.false:.1%} × {outcome.false_loss:.0f} Elo",
                    f"{outcome.missed:.0%}",
                    f"{outcome.equal:.1%}",
                )
                for outcome in of_loop
            ],
        )
