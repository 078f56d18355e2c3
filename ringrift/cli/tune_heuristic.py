"""`ringrift tune`: `heuristic` and `accept`; `ask`, `answer` and `tell`, by which other hosts take part in a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Final, Literal

import typer

from ringrift.cli.context import run_context
from ringrift.cli.evaluate import match_runner
from ringrift.cli.options import LARGEST_SEED, ConfigArgument, DatabaseOption, JsonOption
from ringrift.cli.reports import show_report
from ringrift.console import echo

RUNS: Final = Path("data/tuning/heuristic")
MOST_PARTS: Final = 1000

RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of the run.")]


def heuristic(
    config: ConfigArgument,
    method: Annotated[
        Literal["cma", "comparison", "logistic"],
        typer.Option(help="Evolution (CMA-ES), learning from a search, or a regression on stored games."),
    ] = "cma",
    start: Annotated[
        str | None,
        typer.Option(help="Weights to start from: a file, v1 (the frozen ones), logistic; by default those in use."),
    ] = None,
    target: Annotated[
        Literal["results", "search"],
        typer.Option(help="Of a regression: results, or values of searches."),
    ] = "results",
    plain: Annotated[bool, typer.Option("--plain", help="One start without restarts.")] = False,
    restarts: Annotated[int | None, typer.Option(min=0, max=1000, help="How often it begins again.")] = None,
    generations: Annotated[int | None, typer.Option(min=1, max=100_000, help="Of every start.")] = None,
    population: Annotated[int | None, typer.Option(min=4, max=1000, help="Candidates of a generation.")] = None,
    games: Annotated[
        int | None, typer.Option("--games", "-n", min=1, max=1_000_000, help="Of an evaluation, in whole openings.")
    ] = None,
    sigma: Annotated[float | None, typer.Option(min=0.001, max=100, help="First step, in halves of a weight.")] = None,
    evaluator: Annotated[str | None, typer.Option(help="one_ply, search, both or network.")] = None,
    nodes: Annotated[int | None, typer.Option(min=1, max=10**9, help="Of a decision of the search.")] = None,
    network: Annotated[str | None, typer.Option(help="The model's file, for the evaluator network.")] = None,
    seed: Annotated[int, typer.Option(min=0, max=LARGEST_SEED, help="Another seed is another run.")] = 0,
    run: Annotated[str | None, typer.Option(help="Name of the run; by default made from evaluator and seed.")] = None,
    runs: Annotated[Path, typer.Option(help="Folder of all runs.")] = RUNS,
    out: Annotated[Path | None, typer.Option(help="Write the weights there; by default into the run's folder.")] = None,
    plot: Annotated[Path | None, typer.Option(help="Write a picture (PNG) of fitness, step size and weights.")] = None,
    begin: Annotated[bool, typer.Option("--begin", help="Only begin the run, for `ask`, `answer` and `tell`.")] = False,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tune the heuristic's weights of a config: by evolution (CMA-ES), or from a search, or from stored games.

    With `--method comparison` a search plays games with itself, and weights
    learn to choose and to judge as it does; it takes --start, --seed, --run
    and --out, all else is in `comparison` of tuning.yaml.

    The same command again goes on where the last one was stopped, also after
    a kill. What it finds is not used until `ringrift tune accept` has tested it.

    Example: ringrift tune heuristic square8_2p --plot tuning.png

    Example: ringrift tune heuristic hex8_3p --plain --generations 40 --games 96 --start v1

    Example: ringrift tune heuristic square8_2p --evaluator search --nodes 400 --restarts 3

    Example: ringrift tune heuristic square8_2p --method comparison

    Example: ringrift tune heuristic square8_2p --method logistic --target search --out start.yaml
    """
    from ringrift.game_database import GamesDatabase
    from ringrift.heuristic import frozen_weights, load_weights, named_weights, write_weights
    from ringrift.tuning.comparison_training import train_by_comparison
    from ringrift.tuning.evolution import Plan
    from ringrift.tuning.heuristic import changed, fitness_of, run_folder, tune, write_best
    from ringrift.tuning.lessons import ComparisonPlan
    from ringrift.tuning.logistic import logistic
    from ringrift.tuning.plots import plot_run
    from ringrift.tuning.run import open_run
    from ringrift.tuning.settings import tuning_settings

    in_use = load_weights(config)
    settings = tuning_settings()
    if method == "logistic" or start == "logistic":
        with GamesDatabase(database) as opened:
            fitted = logistic(opened, config, in_use, settings.logistic, target)
        if method == "logistic":
            show_report(fitted, as_json)
            if out is not None:
                write_weights(
                    out, fitted.start(), f"Logistic regression on {fitted.games} games, {target}; not tested."
                )
                echo(f"written: {out}", err=True)
            return
        first = fitted.start()
    else:
        first = in_use if start is None else named_weights(start)
    if method == "comparison":
        compared = ComparisonPlan(config, tuple(first.tolist()), seed, settings.comparison)
        folder = run_folder(config, run or f"comparison-{seed}", runs)
        with run_context(None, heavy="tuning", folders=[runs]) as context:
            trained = train_by_comparison(folder, compared, context, out=out)
        show_report(trained, as_json)
        _tell_next(config, trained.path)
        return
    settings = changed(
        settings,
        config,
        restarts=0 if plain else restarts,
        generations=generations,
        population=population,
        games=games,
        sigma=sigma,
        evaluator=evaluator,
        nodes=nodes,
        network=network,
    )
    plan = Plan(config, tuple(frozen_weights().tolist()), tuple(first.tolist()), seed, settings.evolution)
    folder = run_folder(config, run or f"{settings.evolution.evaluator}-{seed}", runs)
    with (
        run_context(None, heavy=None if begin else "tuning", folders=[runs]) as context,
        open_run(folder, plan) as opened_run,
    ):
        if begin:
            opened_run.ask()
            echo(json.dumps({"run": str(folder)}) if as_json else str(folder))
            return
        fitness = fitness_of(config, settings, lambda: GamesDatabase(database))
        report = tune(opened_run, fitness, context)
        path = write_best(opened_run, out)
        if plot is not None:
            plot_run(opened_run, plot)
    show_report(report, as_json)
    _tell_next(config, path, plot)


def _tell_next(config: str, path: Path, plot: Path | None = None) -> None:
    """Print what has been written, and that it is to be tested."""
    echo(f"written: {', '.join(str(file) for file in (path, plot) if file)}", err=True)
    echo(f"next: ringrift tune accept {config} {path}", err=True)


def accept(
    config: ConfigArgument,
    weights: Annotated[Path, typer.Argument(metavar="FILE", help="The weights to test.")],
    write: Annotated[bool, typer.Option(help="Put accepted weights in use.")] = True,
    folder: Annotated[
        Path | None, typer.Option(help="Folder of weights in use; by default heuristic/ of the settings.")
    ] = None,
    runs: Annotated[Path, typer.Option(help="Folder of all runs.")] = RUNS,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Test weights against those in use, one action ahead and in a search; put them in use if they pass both.

    Exit code 0: accepted; 1: not. The tests are sequential (`acceptance` of
    tuning.yaml); all games are stored, and an interrupted test goes on.

    Example: ringrift tune accept square8_2p data/tuning/heuristic/square8_2p/one_ply-0/weights.yaml

    Example: ringrift tune accept square8_2p mine.yaml --no-write --json
    """
    from ringrift.evaluation.settings import evaluation_settings
    from ringrift.heuristic import read_weights
    from ringrift.tuning.acceptance import accept as run
    from ringrift.tuning.acceptance import put_in_use
    from ringrift.tuning.settings import tuning_settings

    candidate = read_weights(weights)
    with match_runner(database, evaluation_settings()) as runner:
        report = run(config, weights, runner, tuning_settings().acceptance, folder=runs / "weights")
    show_report(report, as_json)
    if report.accepted and write:
        path = put_in_use(report, candidate, weights, folder)
        echo(f"written: {path}", err=True)
    raise typer.Exit(0 if report.accepted else 1)


def ask(
    run: RunArgument,
    parts: Annotated[int, typer.Option(min=1, max=MOST_PARTS, help="Into how many parts the question is cut.")] = 1,
    as_json: JsonOption = False,
) -> None:
    """Show the open question of a run in parts, each of which `ringrift tune answer` answers anywhere.

    Example: ringrift tune ask data/tuning/heuristic/square8_2p/one_ply-0 --parts 4 --json
    """
    from ringrift.tuning.jobs import open_parts
    from ringrift.tuning.run import open_run, read_plan

    with open_run(run, read_plan(run)) as opened:
        texts = [part.to_text() for part in open_parts(opened, parts)]
        content = {"question": opened.number, "questions": opened.questions, "finished": opened.best is not None}
    echo(json.dumps({**content, "parts": texts}) if as_json else "\n".join(texts))


def answer(
    part: Annotated[str, typer.Argument(metavar="PART", help="A part of a question, as `ask` shows it.")],
    as_json: JsonOption = False,
) -> None:
    """Play the games of a part of a question; on any host with this version, for it needs nothing else.

    Example: ringrift tune answer "$(ringrift tune ask data/tuning/heuristic/square8_2p/one_ply-0)" > answers.json
    """
    from ringrift.tuning.jobs import answer_part, answers_text, read_part

    parsed = read_part(part)
    with run_context(None, heavy="tuning") as context:
        answers = answer_part(parsed, context)
    echo(json.dumps(answers_text(answers)))


def tell(
    run: RunArgument,
    answers: Annotated[
        list[str], typer.Argument(metavar="ANSWERS…", help="What `answer` has printed, or files of it.")
    ],
    as_json: JsonOption = False,
) -> None:
    """Tell a run what has been answered. Answers that it has already change nothing.

    Example: ringrift tune tell data/tuning/heuristic/square8_2p/one_ply-0 answers.json
    """
    from ringrift.tuning.heuristic import tuning_report, write_best
    from ringrift.tuning.jobs import answers_from
    from ringrift.tuning.run import open_run, read_plan

    taken = [answer for text in answers for answer in answers_from(text)]
    with open_run(run, read_plan(run)) as opened:
        for answer in taken:
            opened.tell(answer)
        report = tuning_report(opened)
        if opened.best is not None:
            write_best(opened)
    show_report(report, as_json)
