"""`ringrift tune`: `heuristic` and `accept`; `ask`, `answer` and `tell`, by which other hosts take part in a run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from ringrift.cli.context import run_context
from ringrift.cli.evaluate import match_runner
from ringrift.cli.options import LARGEST_SEED, ConfigArgument, DatabaseOption, JsonOption
from ringrift.cli.reports import show_report
from ringrift.console import echo

if TYPE_CHECKING:
    from ringrift.tuning.run import TuningRun

RUNS: Final = Path("data/tuning/heuristic")
MOST_PARTS: Final = 1000
TAKEN: Final = {
    "cma": (
        *("--start", "--plain", "--restarts", "--generations", "--population", "--games", "--sigma", "--evaluator"),
        *("--nodes", "--network", "--seed", "--run", "--out", "--plot", "--begin"),
    ),
    "comparison": ("--start", "--seed", "--run", "--out"),
    "logistic": ("--target", "--out"),
}
"""The options of `ringrift tune heuristic` that each method takes; another one would be without effect."""

RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="The folder of the run.")]
PlotOption = Annotated[
    Path | None, typer.Option("--plot", help="Write a picture (PNG) of fitness, step size and weights.")
]


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
        Literal["results", "search"] | None,
        typer.Option(help="Of a regression: results, or values of searches; by default results."),
    ] = None,
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
    run: Annotated[
        str | None, typer.Option(help="Name of the run; by default made from all that decides its results.")
    ] = None,
    runs: Annotated[Path, typer.Option(help="Folder of all runs.")] = RUNS,
    out: Annotated[Path | None, typer.Option(help="Write the weights there; by default into the run's folder.")] = None,
    plot: PlotOption = None,
    begin: Annotated[bool, typer.Option("--begin", help="Only begin the run, for `ask`, `answer` and `tell`.")] = False,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tune the heuristic's weights of a config: by evolution (CMA-ES), or from a search, or from stored games.

    With `--method comparison` a search plays games with itself, and weights
    learn to choose and to judge as it does; it takes --start, --seed, --run
    and --out, all else is in `comparison` of tuning.yaml.

    The same command again goes on where the last one was stopped, also after
    a kill; comparison, with the games, rollouts or round of selection that it
    had begun. CMA-ES with --run goes on from the weights that the run began with,
    whatever is in use by then. What comes of it is not used until
    `ringrift tune accept` has tested it.

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
    from ringrift.tuning.heuristic import changed, continued, default_name, fitness_of, run_folder, tune, write_best
    from ringrift.tuning.lessons import ComparisonPlan, comparison_name
    from ringrift.tuning.logistic import logistic
    from ringrift.tuning.run import open_run
    from ringrift.tuning.settings import tuning_settings

    given: dict[str, object] = {
        **{"--start": start, "--target": None if start == "logistic" else target, "--plain": plain},
        **{"--restarts": restarts, "--generations": generations, "--population": population, "--games": games},
        **{"--sigma": sigma, "--evaluator": evaluator, "--nodes": nodes, "--network": network, "--seed": seed or None},
        **{"--run": run, "--out": out, "--plot": plot, "--begin": begin},
    }
    _refuse_what_is_not_taken(method, given)
    in_use = load_weights(config)
    settings = tuning_settings()
    if method == "logistic" or start == "logistic":
        with GamesDatabase(database) as opened:
            fitted = logistic(opened, config, in_use, settings.logistic, target or "results")
        if method == "logistic":
            show_report(fitted, as_json)
            if out is not None:
                write_weights(
                    out, fitted.start(), f"Logistic regression on {fitted.games} games, {fitted.target}; not tested."
                )
                echo(f"written: {out}", err=True)
            return
        first = fitted.start()
    else:
        first = in_use if start is None else named_weights(start)
    if method == "comparison":
        compared = ComparisonPlan(config, tuple(first.tolist()), seed, settings.comparison)
        folder = run_folder(config, run or comparison_name(compared), runs)
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
    frozen, used, begun = (tuple(row.tolist()) for row in (frozen_weights(), in_use, first))
    plan = Plan(config, frozen, used, begun, seed, settings.evolution)
    folder = run_folder(config, run or default_name(plan), runs)
    plan = continued(plan, folder, with_start=start is not None)
    if begin:
        with open_run(folder, plan) as opened_run:
            opened_run.ask()
        echo(json.dumps({"run": str(folder)}) if as_json else str(folder))
        return
    fitness = fitness_of(config, settings, lambda: GamesDatabase(database))
    with open_run(folder, plan) as opened_run, run_context(None, heavy="tuning", folders=[runs]) as context:
        report = tune(opened_run, fitness, context)
        path = write_best(opened_run, out)
        show_report(report, as_json)
        _tell_next(config, path)
        _plot(opened_run, plot)


def _refuse_what_is_not_taken(method: str, given: dict[str, object]) -> None:
    """Refuse the first option that would be without effect; `BadOptions`."""
    from ringrift.selfplay import BadOptions

    names = [name for name, value in given.items() if value is not None and value is not False]
    for name in names:
        if name not in TAKEN[method]:
            raise BadOptions(f"{name}: --method {method} does not take it; it takes {', '.join(TAKEN[method])}")
    for name, other in (("--restarts", "--plain"), ("--out", "--begin"), ("--plot", "--begin")):
        if {name, other} <= set(names):
            raise BadOptions(f"{name}: is without effect beside {other}")


def _tell_next(config: str, path: Path) -> None:
    """Print what has been written, and that it is to be tested."""
    echo(f"written: {path}", err=True)
    echo(f"next: ringrift tune accept {config} {path}", err=True)


def _plot(run: TuningRun, path: Path | None) -> None:
    """Write the picture of a run, if one is wanted."""
    if path is not None:
        from ringrift.tuning.plots import plot_run

        plot_run(run, path)
        echo(f"written: {path}", err=True)


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

    Example: ringrift tune accept square8_2p data/tuning/heuristic/square8_2p/first/weights.yaml

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
    """Show the open question of a run in parts, a line each, which `ringrift tune answer` answers anywhere.

    Once the run is finished there are none.

    Example: ringrift tune ask data/tuning/heuristic/square8_2p/first --parts 4 > parts.txt
    """
    from ringrift.tuning.jobs import open_parts
    from ringrift.tuning.run import open_run, read_plan

    with open_run(run, read_plan(run)) as opened:
        texts = [part.to_text() for part in open_parts(opened, parts)]
        content = {"question": opened.number, "questions": opened.questions, "finished": opened.best is not None}
        finished = opened.best is not None
    if as_json:
        echo(json.dumps({**content, "parts": texts}))
    elif finished:
        echo(f"{run}: is finished and asks nothing more", err=True)
    else:
        echo("\n".join(texts))


def answer(
    parts: Annotated[
        list[str],
        typer.Argument(metavar="PARTS…", help="What `ask` has printed, or files of it; - is the standard input."),
    ],
    as_json: JsonOption = False,
) -> None:
    """Play the games of parts of a question; on any host with this version, for it needs nothing else.

    Example: ringrift tune ask data/tuning/heuristic/square8_2p/first | ringrift tune answer - > answers.txt
    """
    from ringrift.tuning.jobs import answer_part, lines_of, read_part

    parsed = [read_part(line) for argument in parts for line in lines_of(argument)]
    with run_context(None, heavy="tuning") as context:
        for part in parsed:
            echo(json.dumps(answer_part(part, context).to_json()))


def tell(
    run: RunArgument,
    answers: Annotated[
        list[str],
        typer.Argument(metavar="ANSWERS…", help="What `answer` has printed, or files of it; - is the standard input."),
    ],
    plot: PlotOption = None,
    as_json: JsonOption = False,
) -> None:
    """Tell a run what has been answered. Answers that it has already change nothing.

    Example: ringrift tune tell data/tuning/heuristic/square8_2p/first answers.txt --plot tuning.png
    """
    from ringrift.tuning.heuristic import tuning_report, write_best
    from ringrift.tuning.jobs import lines_of, read_answers, tell_run
    from ringrift.tuning.run import open_run, read_plan

    taken = [read_answers(line) for argument in answers for line in lines_of(argument)]
    with open_run(run, read_plan(run)) as opened:
        for one in taken:
            tell_run(opened, one)
        if opened.best is not None:
            write_best(opened)
        show_report(tuning_report(opened), as_json)
        _plot(opened, plot)
