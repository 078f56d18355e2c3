"""`ringrift tournament`: every player against every other, and the shadow evaluation."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringrift.cli.evaluate import AsOption, match_runner, sound_champion
from ringrift.cli.options import MANY, MODELS, ConfigArgument, DatabaseOption, JsonOption, ModelsOption
from ringrift.cli.reports import show_report
from ringrift.console import echo
from ringrift.errors import ALARM

if TYPE_CHECKING:
    from ringrift.evaluation.shadow import ShadowReport
    from ringrift.evaluation.tournament import TournamentReport


def tournament(
    config: ConfigArgument,
    players: Annotated[
        list[str] | None,
        typer.Option("--players", "-p", help="A player; once for each. By default all engines and the champion."),
    ] = None,
    games: Annotated[
        int | None,
        typer.Option("--games", "-n", min=1, max=MANY, help="Games of every two players, in whole openings."),
    ] = None,
    shadow: Annotated[
        bool, typer.Option("--shadow", help="Only a few games of the newest model; exit code 3 if it is worse.")
    ] = False,
    champions: Annotated[
        int | None,
        typer.Option(min=2, max=MANY, help="Only this many of the newest champions, the present one included."),
    ] = None,
    as_: AsOption = None,
    plot: Annotated[Path | None, typer.Option(help="Write a picture (PNG) of all ratings there.")] = None,
    models: ModelsOption = MODELS,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let every two players play each other: a cross-table, and Elo from all rated games of the config.

    A tournament that was interrupted goes on; one after it has other openings.

    With --shadow the newest model plays a few games against the anchors of the
    Elo scale and its predecessor, the champion or its parent, and a few more
    of a sequential test against that. An alarm, that it is clearly weaker, or
    its Elo 50 under the best model's, is exit code 3; 1 where it was raised before.

    Example: ringrift tournament square8_2p --games 40 --plot elo.png

    Example: ringrift tournament hex8_3p -p random -p heuristic -p 'maxn?nodes=1000' --json

    With --champions the table shows whether strength has grown or gone in
    circles. A champion whose files were pruned is left out.

    Example: ringrift tournament square8_2p --shadow

    Example: ringrift tournament square8_2p --champions 6 --games 40
    """
    from ringrift.evaluation.participants import (
        find_predecessor,
        model_participant,
        participant,
    )
    from ringrift.evaluation.plots import plot_elo
    from ringrift.evaluation.schedule import BadMatch
    from ringrift.evaluation.settings import evaluation_settings
    from ringrift.evaluation.shadow import shadow as shadow_evaluation
    from ringrift.evaluation.tournament import round_robin
    from ringrift.game import parse_config
    from ringrift.models import ModelStore
    from ringrift.models.former import champion_files
    from ringrift.models.newest import newest_model

    seats = parse_config(config)[1]
    settings = evaluation_settings()
    form = as_ or settings.gauntlet.as_
    report: ShadowReport | TournamentReport
    code = 0
    if shadow:
        if players or games or champions:
            raise BadMatch("--shadow chooses players and games itself: leave out --players, --champions and --games")
        with match_runner(database, settings) as runner:
            sound_champion(runner.database, models, config)
            newest = newest_model(ModelStore(runner.database, models), config)
            before = find_predecessor(models, config, newest)
            predecessor = None if before is None else model_participant(before, form)
            report = shadow_evaluation(config, model_participant(newest, form), predecessor, runner)
        if report.alarms:
            code = 1 if report.raised_before else ALARM
    elif champions:
        if players:
            raise BadMatch("say --players or --champions, not both")
        with match_runner(database, settings) as runner:
            files = champion_files(ModelStore(runner.database, models), config, champions)
            participants = [model_participant(path, form) for path in files]
            report = round_robin(config, participants, games or settings.tournament.games, runner)
    else:
        participants = [participant(spec, config) for spec in players or settings.tournament.players[seats]]
        with match_runner(database, settings) as runner:
            champion = sound_champion(runner.database, models, config)
            if not players and champion is not None:
                participants += [model_participant(champion, way) for way in dict.fromkeys(("policy", form))]
            report = round_robin(config, participants, games or settings.tournament.games, runner)
    show_report(report, as_json)
    if plot is not None and report.ratings is not None:
        plot_elo(report.ratings, f"{config}: Elo", plot)
        echo(f"written: {plot}", err=True)
    raise typer.Exit(code)
