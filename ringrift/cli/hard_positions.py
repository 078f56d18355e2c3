"""`ringrift hard-positions`: the positions that a network got wrong, to play and to measure with."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringrift.cli.context import run_context
from ringrift.cli.options import MANY, ConfigArgument, DatabaseOption, JsonOption
from ringrift.cli.reports import show_report

if TYPE_CHECKING:
    from ringrift.game_database.selection import Part


def hard_positions(
    config: ConfigArgument,
    count: Annotated[
        int | None,
        typer.Option("--count", "-n", min=1, max=MANY, help="The most for each reason; by default as in the loop."),
    ] = None,
    lost: Annotated[
        int, typer.Option(min=0, max=MANY, help="The newest games of gauntlets to look for lost ones in; 0 for none.")
    ] = 0,
    judge: Annotated[
        str, typer.Option(help="The spec of the player that says where they were lost.")
    ] = "gumbel:{best}@64",
    regression: Annotated[
        bool, typer.Option("--regression", help="Fix positions of games held out, once, to compare models by.")
    ] = False,
    check: Annotated[
        str | None,
        typer.Option(help="The spec of a player to try in the positions of the file; none are searched for then."),
    ] = None,
    path: Annotated[Path | None, typer.Option("--file", help="By default data/positions/CONFIG.json.")] = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Find the positions of stored games in which search and network disagree most, or a champion's value swung.

    They are written to a file, which takes the place of an older one. Self-play
    begins a share of its games there, if opening.hard of selfplay.yaml is above
    0; --check says how often a player agrees with their searches. With --lost
    also where models lost their games of gauntlets, as a judge sees it.

    With --regression they are of games held out, and stay: every report of a
    training and `ringrift holdout` show how a model does in them.

    Example: ringrift hard-positions square8_2p

    Example: ringrift hard-positions square8_2p --lost 500

    Example: ringrift hard-positions square8_2p --regression

    Example: ringrift hard-positions square8_2p --check 'policy:{best}?temperature=0'
    """
    from ringrift.agents import make_agent
    from ringrift.datasets.settings import dataset_settings
    from ringrift.evaluation.lost_positions import lost_positions
    from ringrift.game import parse_config
    from ringrift.game_database import GamesDatabase
    from ringrift.selfplay.hard_positions import (
        BadPositions,
        positions_file,
        read_positions_file,
        regression_file,
        write_positions_file,
    )
    from ringrift.training.hard_positions import COUNT, add_positions, find_hard_positions, report_hard_positions

    count = count or COUNT
    board, players = parse_config(config)
    if check is not None:
        positions = read_positions_file(path or positions_file(config), config)
        show_report(report_hard_positions(positions, make_agent(check, board, players), check), as_json)
        return
    path = path or (regression_file(config) if regression else positions_file(config))
    if regression and path.exists():
        raise BadPositions(f"{path}: is there and stays as it is; delete it to begin anew with other positions")
    part: Part = "holdout" if regression else "training"
    with run_context(dataset_settings()) as context, GamesDatabase(database) as games:
        positions = find_hard_positions(games, config, count, context, part=part)
        if lost:
            agent = make_agent(judge, board, players)
            positions = add_positions(positions, lost_positions(games, config, agent, lost, count, context))
    write_positions_file(path, positions)
    show_report(report_hard_positions(positions), as_json)
