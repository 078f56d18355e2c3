"""`ringrift evaluate` and `ringrift rate`: is a model good enough, and how strong is it?"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ringrift.cli.context import run_context
from ringrift.cli.models import named_file
from ringrift.cli.options import MANY, MODELS, ConfigArgument, DatabaseOption, JsonOption, ModelsOption
from ringrift.cli.render import rendered
from ringrift.cli.reports import show_report
from ringrift.console import console, echo

if TYPE_CHECKING:
    from ringrift.evaluation.match_runner import MatchRunner
    from ringrift.evaluation.settings import EvaluationSettings
    from ringrift.game_database import GamesDatabase

AsOption = Annotated[
    str | None,
    typer.Option("--as", help="How models play: policy, gumbel@32; by default what evaluation.yaml says."),
]


def evaluate(
    config: ConfigArgument,
    model: Annotated[str, typer.Argument(help="The file of a model, or its id: models/CONFIG/ID.pth.")],
    as_: AsOption = None,
    games: Annotated[
        int | None,
        typer.Option("--games", "-n", min=1, max=MANY, help="Games against each opponent in the second stage."),
    ] = None,
    against: Annotated[
        str | None,
        typer.Option(metavar="PLAYER", help="In place of the gauntlet: the sequential test against that player."),
    ] = None,
    rating: Annotated[bool, typer.Option(help="Play rating games, too, and fit Elo anew.")] = True,
    models: ModelsOption = MODELS,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a model run the gauntlet: against random, heuristic and champion, in two stages.

    Exit code 0: passed; 1: not passed. All games are stored: run it again and
    it goes on where it was interrupted, and the same model gets the same
    verdict. Rating games are others than those of the gauntlet.

    With --against, blocks of games are played until it is clear whether the
    model is the stronger one (exit code 0).

    Example: ringrift evaluate square8_2p 0123456789abcdef

    Example: ringrift evaluate square8_2p models/square8_2p/0123456789abcdef.pth --as policy --games 100

    Example: ringrift evaluate hex8_3p 0123456789abcdef --against heuristic --json
    """
    from ringrift.evaluation.gauntlet import gauntlet
    from ringrift.evaluation.participants import model_participant, participant
    from ringrift.evaluation.rating import rate_model
    from ringrift.evaluation.sequential import sequential_test
    from ringrift.evaluation.settings import evaluation_settings
    from ringrift.game import parse_config

    parse_config(config)
    settings = evaluation_settings()
    if games is not None:
        settings = settings.model_copy(
            update={"gauntlet": settings.gauntlet.model_copy(update={"second_games": games})}
        )
    form = as_ or settings.gauntlet.as_
    player = model_participant(named_file(database, models, config, model), form)
    if against is not None:
        opponent = participant(against, config)
        with match_runner(database, settings) as runner:
            test = sequential_test(config, player, opponent, runner)
        show_report(test, as_json)
        raise typer.Exit(0 if test.passed else 1)
    with match_runner(database, settings) as runner:
        path = sound_champion(runner.database, models, config)
        champion = None if path is None else model_participant(path, form)
        report = gauntlet(config, player, champion, runner)
        if not as_json:
            console().print(rendered(report))
        ratings = rate_model(config, player, champion, runner) if rating else None
    if as_json:
        echo(json.dumps({"gauntlet": report.to_json(), "ratings": ratings and ratings.to_json()}))
    elif ratings is not None:
        console().print(rendered(ratings))
    raise typer.Exit(0 if report.passed else 1)


def rate(
    config: ConfigArgument,
    model: Annotated[str, typer.Argument(help="The file of a model, or its id: models/CONFIG/ID.pth.")],
    forms: Annotated[
        list[str] | None,
        typer.Option("--as", help="How it plays: policy, gumbel@32; once for each. By default as in its gauntlet."),
    ] = None,
    models: ModelsOption = MODELS,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Give a model its Elo: games against the anchors of the scale and the champion, and a fit of all rated games.

    What has been played is not played again. Games of gauntlets do not count.

    Example: ringrift rate square8_2p 0123456789abcdef --as policy --as gumbel@32
    """
    from ringrift.evaluation.participants import model_participant
    from ringrift.evaluation.rating import rate_model
    from ringrift.evaluation.settings import evaluation_settings
    from ringrift.game import parse_config

    parse_config(config)
    settings = evaluation_settings()
    path = named_file(database, models, config, model)
    forms = forms or [settings.gauntlet.as_]
    players = [model_participant(path, form) for form in forms]
    with match_runner(database, settings) as runner:
        best = sound_champion(runner.database, models, config)
        champions = [None if best is None else model_participant(best, form) for form in forms]
        ratings = [rate_model(config, *pair, runner) for pair in zip(players, champions, strict=True)][-1]
    rows = [ratings[player.name] for player in players]
    if as_json:
        echo(json.dumps({"ratings": [asdict(row) for row in rows]}))
        return
    for row in rows:
        echo(f"{row.player}  {row.elo:.0f} ({row.low:.0f} … {row.high:.0f}) Elo, {row.games} games")


def sound_champion(database: GamesDatabase, models: Path, config: str) -> Path | None:
    """Return the file of the champion, None if there is none; `BadChampion` if it is missing or altered."""
    from ringrift.agents.champion import find_promoted
    from ringrift.models import ModelStore
    from ringrift.models.champion import checked_champion

    checked_champion(ModelStore(database, models), config)
    return find_promoted(models, config)


@contextmanager
def match_runner(database: str | None, settings: EvaluationSettings) -> Iterator[MatchRunner]:
    """Yield the runner of evaluations, with the database, made if there is none, and progress on the standard error.

    Ctrl-C and SIGTERM end the command with their exit code, and what has been played is kept.
    """
    from ringrift.evaluation.match_runner import MatchRunner
    from ringrift.game_database import GamesDatabase

    with (
        GamesDatabase(database, create=True) as opened,
        run_context(settings, heavy="evaluation", folders=opened.folders, gpu=True) as context,
    ):
        yield MatchRunner(opened, context)


@contextmanager
def light_runner(database: str | None, settings: EvaluationSettings) -> Iterator[MatchRunner]:
    """Like `match_runner`, where nothing is played, and so nothing waits for room on the machine."""
    from ringrift.evaluation.match_runner import MatchRunner
    from ringrift.game_database import GamesDatabase

    with GamesDatabase(database, create=True) as opened, run_context(settings) as context:
        yield MatchRunner(opened, context)
