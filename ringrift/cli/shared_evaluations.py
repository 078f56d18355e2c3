"""`ringrift evaluations ask`, `answer` and `tell`, by which other machines take part in evaluations."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Literal

import typer

from ringrift.cli.evaluate import light_runner, match_runner
from ringrift.cli.models import named_file
from ringrift.cli.options import LONGEST_DAYS, MODELS, ConfigArgument, DatabaseOption, JsonOption, ModelsOption
from ringrift.console import echo

AnswersOption = Annotated[
    str | None,
    typer.Option(
        "--database",
        "-d",
        help="Where this machine keeps what it plays for others; by default data/evaluation/answers.db.",
    ),
]


def ask(
    config: ConfigArgument,
    purpose: Annotated[
        Literal["gauntlet", "rating", "shadow", "tournament"], typer.Argument(help="What the games are for.")
    ],
    model: Annotated[
        str | None, typer.Argument(help="The file of a model, or its id; by default the newest one.")
    ] = None,
    forms: Annotated[
        list[str] | None, typer.Option("--as", help="How models play; by default what evaluation.yaml says.")
    ] = None,
    trial: Annotated[bool, typer.Option("--trial", help="Ask for the gate's trial of the model, too.")] = False,
    models: ModelsOption = MODELS,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show the games that other machines can play for an evaluation: a question a line, for `answer` anywhere.

    Fixtures that have been played are left out. When all answers are taken in, the
    evaluation itself, such as `ringrift evaluate`, finds its games played.

    Example: ringrift evaluations ask square8_2p gauntlet 0123456789abcdef --trial

    Example: ringrift evaluations ask hex8_3p tournament --json
    """
    from ringrift.evaluation.settings import evaluation_settings
    from ringrift.models import ModelStore, model_settings
    from ringrift.models.newest import newest_model
    from ringrift.models.questions import ask as questions
    from ringrift.models.questions import ask_trial

    settings = evaluation_settings()
    with light_runner(database, settings) as runner:
        store = ModelStore(runner.database, models)
        path = None if model is None else named_file(database, models, config, model)
        fixtures = questions(store, config, purpose, forms or [settings.gauntlet.as_], runner, path)
        if trial and (tried := ask_trial(store, path or newest_model(store, config), model_settings().gate)):
            fixtures.append(tried)
    texts = [question.to_text() for question in fixtures]
    if as_json:
        echo(json.dumps({"questions": texts}))
    else:
        echo("\n".join(texts) or "nothing: all is played")


def answer(
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="A question, as `ask` shows it.")],
    database: AnswersOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Change nothing: an answer is JSON.")] = False,
) -> None:
    """Play the games of a question, on any machine with this version, its settings, and the models that are named.

    Example: ringrift evaluations answer "$(ringrift evaluations ask square8_2p shadow | head -1)" > answer.json
    """
    from ringrift.evaluation.settings import evaluation_settings
    from ringrift.evaluation.store import ANSWERS
    from ringrift.models import model_settings
    from ringrift.models.questions import Question
    from ringrift.models.questions import answer as play

    parsed = Question.read(question)
    with match_runner(database or str(ANSWERS), evaluation_settings()) as runner:
        played = play(parsed, runner, model_settings().gate)
    echo(json.dumps(played.to_json()))


def forget(
    days: Annotated[
        float | None,
        typer.Option(min=0, max=LONGEST_DAYS, help="How long ago they ended; by default as housekeeping.yaml says."),
    ] = None,
    apply: Annotated[
        bool, typer.Option("--apply/--dry-run", help="Remove them; without, only tell what would go.")
    ] = False,
    database: AnswersOption = None,
    as_json: JsonOption = False,
) -> None:
    """Remove old games that this machine has played for others, who have them; `ringrift clean` does it everywhere.

    Example: ringrift evaluations forget

    Example: ringrift evaluations forget --days 2 --apply
    """
    import time
    from dataclasses import asdict

    from ringrift.evaluation.store import ANSWERS, Forgotten, forget_games
    from ringrift.game_database import GamesDatabase
    from ringrift.pipeline.housekeeping_settings import DAY, housekeeping_settings

    age = housekeeping_settings().answers.days if days is None else days
    forgotten = Forgotten(0, 0, 0)
    if database is not None or ANSWERS.is_file():
        with GamesDatabase(database or str(ANSWERS)) as opened:
            forgotten = forget_games(opened, time.time() - age * DAY, apply=apply)
    if as_json:
        echo(json.dumps(asdict(forgotten)))
    else:
        verb = "removed" if apply else "would be removed"
        echo(f"{forgotten.games:,} games that ended {age:g} days ago or more {verb}, {forgotten.kept:,} stay")


def tell(
    answers: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Files with what `answer` has printed.")],
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Take the games of other machines into the database. Every game is replayed, and results follow from that.

    Example: ringrift evaluations tell answer.json
    """
    from ringrift.evaluation.settings import evaluation_settings
    from ringrift.models import model_settings
    from ringrift.models.questions import read_answer
    from ringrift.models.questions import tell as take

    read = [(path, *read_answer(path)) for path in answers]
    with light_runner(database, evaluation_settings()) as runner:
        games = sum(take(question, answer, runner, model_settings().gate, str(path)) for path, question, answer in read)
    if as_json:
        echo(json.dumps({"games": games}))
    else:
        echo(f"{games} games of {len(read)} answers are verified and stored")
