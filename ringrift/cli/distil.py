"""`ringrift distil`: a small network learns what stronger players think of stored positions."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from ringrift.cli.context import exit_if_cancelled, run_context, use_threads
from ringrift.cli.models import named_file, open_store
from ringrift.cli.options import (
    MANY,
    MODELS,
    ConfigArgument,
    DatabaseOption,
    DeviceOption,
    JsonOption,
    ModelsOption,
    TorchThreadsOption,
)
from ringrift.cli.reports import show_report
from ringrift.cli.train import DATASETS, RUNS, DatasetsOption, PresetOption, RunsOption, SetOption, parsed_changes
from ringrift.cli.train_nnue import train_integer_network
from ringrift.errors import RingRiftError

if TYPE_CHECKING:
    from ringrift.training.nnue import NnueInputs
    from ringrift.training.nnue_settings import NnueSettings

NNUE: Final = "nnue"


def distil(
    teachers: Annotated[
        list[str],
        typer.Argument(
            metavar="TEACHER…",
            help="The teachers: models by path, id or `best`; with --to nnue one model or any player, such as"
            " 'minimax?nodes=16000'.",
        ),
    ],
    config: ConfigArgument,
    to: Annotated[str, typer.Option("--to", help="What learns: nnue, or a network such as small or v2.")] = NNUE,
    temperature: Annotated[
        float | None, typer.Option(min=0.1, max=100, help="At which policies are compared; not with --to nnue.")
    ] = None,
    preset: PresetOption = None,
    changes: SetOption = None,
    games: Annotated[
        int | None, typer.Option("--games", "-n", min=2, max=MANY, help="Games with each teacher; not with --to nnue.")
    ] = None,
    register: Annotated[bool, typer.Option("--register", help="Take the model into the store, for the gate.")] = False,
    datasets: DatasetsOption = DATASETS,
    models: ModelsOption = MODELS,
    runs: RunsOption = RUNS,
    device: DeviceOption = None,
    threads: TorchThreadsOption = None,
    database: DatabaseOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train a small network on what larger networks, or a deep search, think of the stored positions.

    With --to nnue it learns values, from the database. Any other network learns
    soft policies and values from the data set; of several teachers, their
    means. The report says how much of a teacher's Elo it keeps, at which
    speed. It is a model like others: `ringrift promote` asks the same gate.

    Example: ringrift distil best square8_2p --to nnue

    Example: ringrift distil best best~1 square8_2p --to small --temperature 2.0 --preset laptop --register

    Example: ringrift distil 'minimax?nodes=16000' hex8_2p --to nnue --set positions=100000
    """
    if to == NNUE:
        if len(teachers) > 1:
            raise RingRiftError(f"--to nnue learns from one teacher, and {len(teachers)} are named")
        from ringrift.training.nnue_settings import nnue_settings

        learner = _learner_of(
            teachers[0],
            nnue_settings(preset, parsed_changes(changes)),
            config=config,
            models=models,
            runs=runs,
            database=database,
        )
        train_integer_network(learner, device=device, threads=threads, database=database, as_json=as_json)
        return
    from ringrift.evaluation.distilled import DistillationReport, compare_with_teachers
    from ringrift.game import parse_config
    from ringrift.training import TrainingInputs, hyper_parameters, train
    from ringrift.training.distillation import Distillation
    from ringrift.training.distillation_settings import distillation_settings
    from ringrift.training.thresholds import training_thresholds

    parse_config(config)
    settings = distillation_settings()
    hyper = hyper_parameters(config, preset, {**parsed_changes(changes), "network": to})
    files = tuple(named_file(database, models, config, teacher) for teacher in teachers)
    use_threads(threads)
    inputs = TrainingInputs(
        config,
        hyper,
        datasets=datasets,
        models=models,
        runs=runs,
        distillation=Distillation(files, settings.temperature if temperature is None else temperature),
    )
    with run_context(training_thresholds(), heavy="training", folders=[runs, models], gpu=True) as context:
        trained = train(inputs, context, device=device)
        if trained is None or trained.facts.model is None:
            exit_if_cancelled(context)
            return
        student = models / config / f"{trained.facts.model}.pth"
        if register:
            with open_store(database, models, create=True) as store:
                store.register(student)
        compared = compare_with_teachers(
            *(config, student, files, datasets / config, context), games=games or settings.games, form=settings.search
        )
    show_report(DistillationReport(trained, settings.search, compared), as_json)


def _learner_of(
    teacher: str, settings: NnueSettings, *, config: str, models: Path, runs: Path, database: str | None
) -> NnueInputs:
    """Return the training of an integer network on the values of a model or of any player."""
    from ringrift.agents.spec import MODES
    from ringrift.selfplay.player_pool import model_id
    from ringrift.training.nnue import NnueInputs
    from ringrift.version import command_line

    mode = teacher.partition(":")[0].partition("@")[0].partition("?")[0]
    spec = teacher if mode in MODES else f"policy:{named_file(database, models, config, teacher)}?temperature=0"
    return NnueInputs(config, settings, models, runs, spec, model_id(spec), command_line())
