"""`ringrift ladder`: the levels of difficulty, and whether each is stronger than the one below."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ringrift.cli.interrupts import INTERRUPTED, stop_on_interrupt
from ringrift.cli.options import LARGEST_SEED, MANY
from ringrift.console import echo

if TYPE_CHECKING:
    from ringrift.evaluation.ladder_steps import LadderStep


def ladder(
    configs: Annotated[list[str] | None, typer.Argument(help="Configs such as square8_2p; all by default.")] = None,
    measure: Annotated[bool, typer.Option("--measure", help="Play every level against the one below.")] = False,
    levels: Annotated[list[int] | None, typer.Option("--level", min=1, max=10, help="Only these levels.")] = None,
    openings: Annotated[
        int, typer.Option(min=1, max=MANY, help="Openings per level at most; fewer if they are clear.")
    ] = 100,
    seed: Annotated[int, typer.Option(min=0, max=LARGEST_SEED, help="The same seed gives the same games.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, a line per level.")] = False,
) -> None:
    """The players on the ladder of difficulty with their Elo, and with --measure by how much each beats the one below.

    Every opening is played in every seat order. The sign test is over pairs
    of games with exchanged seats; a level counts as stronger with p < 0.01.
    Exit code 1 says that some level is not.

    Example: ringrift ladder square8_2p

    Example: ringrift ladder square8_2p --measure --level 3 --level 4
    """
    from ringrift.agents.ladder import LEVELS, ladder_elo, ladder_spec
    from ringrift.evaluation.ladder_steps import measure_step
    from ringrift.game import configs as all_configs
    from ringrift.game import parse_config

    names = configs or [f"{board}_{players}p" for board, players in all_configs()]
    for name in names:
        parse_config(name)
    wanted = sorted(set(levels or LEVELS))
    if not measure:
        for name in names:
            for level in wanted:
                spec, elo = ladder_spec(name, level), ladder_elo(name, level)
                row = {"config": name, "level": level, "player": spec, "elo": elo}
                _print(row, f"{name:>12} {level:>3}  {'' if elo is None else elo:>5}  {spec}", as_json)
        return
    all_stronger = True
    with stop_on_interrupt() as stop:
        for name in names:
            for level in (level for level in wanted if level > 1):
                step = measure_step(name, level, openings=openings, seed=seed, cancellation=stop)
                if stop.is_set():
                    raise typer.Exit(INTERRUPTED)
                all_stronger &= step.stronger
                row = asdict(step) | {"p": step.p, "stronger": step.stronger, "elo": step.elo}
                _print(row, " ".join(_words(step)), as_json)
    raise typer.Exit(0 if all_stronger else 1)


def _words(step: LadderStep) -> Iterator[str]:
    yield f"{step.config:>12} {step.level:>3}  {step.spec:<26}"
    yield f"better in {step.better:>3}, worse in {step.worse:>3} pairs of {step.games:>4} games, p = {step.p:<8.2g}"
    yield f"{step.elo:>+5.0f} Elo"
    if step.milliseconds is not None:
        yield f"{step.milliseconds:>8.2f} ms/decision"
    if not step.stronger:
        yield "not measurably stronger"


def _print(row: dict[str, Any], words: str, as_json: bool) -> None:
    echo(json.dumps(row) if as_json else words)
