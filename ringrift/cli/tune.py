"""`ringrift tune`: the heuristic's weights, and the hyper-parameters of training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ringrift.cli import tune_heuristic
from ringrift.cli.context import run_context, use_threads
from ringrift.cli.models import open_store
from ringrift.cli.options import (
    MANY_TIMES,
    MODELS,
    ConfigArgument,
    DatabaseOption,
    DeviceOption,
    JsonOption,
    ModelsOption,
    TorchThreadsOption,
)
from ringrift.cli.reports import show_report
from ringrift.cli.train import (
    DATASETS,
    RUNS,
    DatasetsOption,
    ParentOption,
    PresetOption,
    RunsOption,
    SetOption,
    parsed_changes,
    planned_inputs,
)

if TYPE_CHECKING:
    from ringrift.tuning.training.experiment import Experiment
    from ringrift.tuning.training.settings import ConfirmSettings, TrainingTuning

app = typer.Typer(no_args_is_help=True)
HOSTS: Final = "A run of weights on several hosts"
"""A group of `ringrift tune --help`."""

STUDIES: Final = Path("data/tuning")
SearchOption = Annotated[
    list[str] | None,
    typer.Option(
        "--search",
        metavar="NAME=VALUES",
        help="Search these in place of those of tuning.yaml: NAME=low..high, NAME=low..high:log or NAME=one,two,three.",
    ),
]
FitnessOption = Annotated[
    str, typer.Option("--fitness", help="loss: on games held out; elo: of paired games, at equal computing.")
]
GamesOption = Annotated[
    int | None, typer.Option("--games", "-n", min=1, max=MANY_TIMES, help="Games of a measurement by Elo.")
]
ConfirmOption = Annotated[
    bool,
    typer.Option("--confirm", help="Test the best setting against the one in use: new seeds, games of every pair."),
]
SeedsOption = Annotated[
    int | None, typer.Option("--confirm-seeds", min=2, max=100, help="Pairs of trainings of that test.")
]
StudiesOption = Annotated[Path, typer.Option("--studies", help="Folder of reports and populations.")]


@app.callback()
def tune() -> None:
    """Tune the heuristic's weights, and the hyper-parameters of training."""


app.command()(tune_heuristic.heuristic)
app.command()(tune_heuristic.accept)
app.command(rich_help_panel=HOSTS)(tune_heuristic.ask)
app.command(rich_help_panel=HOSTS)(tune_heuristic.answer)
app.command(rich_help_panel=HOSTS)(tune_heuristic.tell)


@app.command()
def training(
    config: ConfigArgument,
    trials: Annotated[
        int | None, typer.Option("--trials", min=1, max=MANY_TIMES, help="Trials of the whole study.")
    ] = None,
    fitness: FitnessOption = "loss",
    search: SearchOption = None,
    games: GamesOption = None,
    confirm: ConfirmOption = False,
    confirm_seeds: SeedsOption = None,
    study: Annotated[
        str | None, typer.Option(help="Name of the study; by default made from all that decides its results.")
    ] = None,
    preset: PresetOption = None,
    changes: SetOption = None,
    parent: ParentOption = None,
    datasets: DatasetsOption = DATASETS,
    models: ModelsOption = MODELS,
    runs: RunsOption = RUNS,
    studies: StudiesOption = STUDIES,
    device: DeviceOption = None,
    threads: TorchThreadsOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Search hyper-parameters of training: many trainings, of which bad ones are given up early.

    The same command again goes on with the same study, however it was
    stopped; started several times, the processes share its trials. Every
    trial is an ordinary run, its model is in the store, and no training
    starts from it unasked. Exit code 75: the study is busy; try again.

    Example: ringrift tune training square8_2p --preset laptop --trials 30

    Example: ringrift tune training square8_2p --preset laptop --search learning_rate=1e-4..1e-2:log --confirm

    Example: ringrift tune training hex8_2p --preset laptop --fitness elo --search losses.root_value=0..1 --json
    """
    from ringrift.tuning.training.search import tune_training

    study = _checked(study)
    with _experiment(
        config, fitness, search, games, preset, changes, parent, datasets, models, runs, device, threads, database
    ) as (experiment, settings):
        report = tune_training(
            experiment,
            settings.search,
            trials=trials or settings.search.trials,
            confirmation=_confirmation(settings, confirm, confirm_seeds, games),
            study=study,
            folder=studies,
        )
    show_report(report, as_json)


@app.command()
def population(
    config: ConfigArgument,
    members: Annotated[int | None, typer.Option("--members", min=2, max=1000, help="Networks side by side.")] = None,
    generations: Annotated[int | None, typer.Option("--generations", min=1, max=1000)] = None,
    fitness: FitnessOption = "loss",
    search: SearchOption = None,
    games: GamesOption = None,
    confirm: ConfirmOption = False,
    confirm_seeds: SeedsOption = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the population; by default made from all that decides its results.")
    ] = None,
    generation: Annotated[
        int | None, typer.Option("--generation", min=0, max=999, help="With --member: train one for that generation.")
    ] = None,
    member: Annotated[int | None, typer.Option("--member", min=0, max=999)] = None,
    preset: PresetOption = None,
    changes: SetOption = None,
    datasets: DatasetsOption = DATASETS,
    models: ModelsOption = MODELS,
    runs: RunsOption = RUNS,
    studies: StudiesOption = STUDIES,
    device: DeviceOption = None,
    threads: TorchThreadsOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a population: the worst members go on from checkpoint and hyper-parameters of the best, a little changed.

    The same command again goes on where the last one was stopped, however
    that came about; started several times, the processes share the members.
    `ringrift models why` shows the ancestry of every member.

    Example: ringrift tune population square8_2p --preset laptop

    Example: ringrift tune population hex8_2p --preset laptop --members 4 --generations 5 --name try-1

    Example: ringrift tune population square8_2p --preset laptop --name try-1 --generation 0 --member 3 --json
    """
    from ringrift.tuning.training.errors import BadSearch
    from ringrift.tuning.training.population_training import (
        open_population,
        segment_hyper,
        train_one_member,
        train_population,
    )

    if (generation is None) != (member is None):
        raise BadSearch("--generation and --member go together: they name one training of the population")
    name = _checked(name)
    with _experiment(
        config, fitness, search, games, preset, changes, None, datasets, models, runs, device, threads, database
    ) as (whole, settings):
        options = {"members": members, "generations": generations}
        sizes = {field: value for field, value in options.items() if value is not None}
        chosen = settings.population.model_copy(update=sizes)
        experiment = _segments(whole, segment_hyper(whole.space.base, chosen))
        settled, opened = open_population(experiment, chosen, name=name, folder=studies)
        if generation is not None and member is not None:
            show_report(train_one_member(experiment, settled, opened, generation, member), as_json)
            return
        test = _confirmation(settings, confirm, confirm_seeds, games)
        report = train_population(experiment, settled, opened, confirmation=None if test is None else (whole, test))
    show_report(report, as_json)


def _segments(whole: Experiment, changes: dict[str, object]) -> Experiment:
    """Return the experiment with the generations of members in place of whole trainings."""
    base = whole.space.base.model_copy(update=changes)
    inputs = replace(whole.inputs, hyper=base, is_segment=True)
    return replace(whole, inputs=inputs, space=replace(whole.space, base=base))


def _checked(name: str | None) -> str | None:
    """Return a name that is fit for a file."""
    from ringrift.selfplay import checked_name

    return None if name is None else checked_name("name", name)


def _confirmation(
    settings: TrainingTuning, wanted: bool, seeds: int | None, games: int | None
) -> ConfirmSettings | None:
    """Return the settings of the test; None without `confirm`."""
    if not wanted and seeds is None:
        return None
    options = {"seeds": seeds, "games": games}
    changes = {name: value for name, value in options.items() if value is not None}
    return settings.confirm.model_copy(update=changes)


@contextmanager
def _experiment(
    config: str,
    fitness: str,
    search: list[str] | None,
    games: int | None,
    preset: str | None,
    changes: list[str] | None,
    parent: Path | None,
    datasets: Path,
    models: Path,
    runs: Path,
    device: str | None,
    threads: int | None,
    database: str | None,
) -> Iterator[tuple[Experiment, TrainingTuning]]:
    """Yield the experiment of the options of both commands, with the store open; errors in them are raised first."""
    from ringrift.evaluation.settings import evaluation_settings
    from ringrift.settings import unknown_name
    from ringrift.training import hyper_parameters
    from ringrift.training.thresholds import training_thresholds
    from ringrift.tuning.settings import tuning_settings
    from ringrift.tuning.training.errors import BadSearch
    from ringrift.tuning.training.experiment import Experiment
    from ringrift.tuning.training.space import make_space, parsed_dimensions

    if fitness not in ("loss", "elo"):
        raise BadSearch(f"fitness {fitness!r}: {unknown_name(fitness, ('loss', 'elo'))}")
    kind: Final = "loss" if fitness == "loss" else "elo"
    settings = tuning_settings().hyperparameters
    hyper = hyper_parameters(config, preset, parsed_changes(changes))
    dimensions = parsed_dimensions(search) if search else settings.space
    space = make_space(hyper, dimensions, kind)
    measured = settings.fitness if games is None else settings.fitness.model_copy(update={"games": games})
    inputs = planned_inputs(config, hyper, parent, database, datasets=datasets, models=models, runs=runs)
    use_threads(threads)
    with open_store(database, models, create=True) as store, run_context(training_thresholds()) as context:
        experiment = Experiment(inputs, space, kind, measured, store, context, evaluation_settings(), device)
        experiment.check()
        yield experiment, settings
