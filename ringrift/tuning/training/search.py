"""`ringrift tune training`: a search of hyper-parameters over trials, and the test of its best setting."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from ringrift.tuning.training.confirm import Confirmation, confirm
from ringrift.tuning.training.experiment import Experiment, LossWatch, Outcome, Pace
from ringrift.tuning.training.plots import draw_search
from ringrift.tuning.training.report import SearchReport, trial_rows, write_report
from ringrift.tuning.training.settings import ConfirmSettings, SearchSettings
from ringrift.tuning.training.space import TARGETS
from ringrift.tuning.training.storage import open_storage
from ringrift.tuning.training.study import SharedStudy, open_study
from ringrift.version import command_line

FOLDER: Final = Path("data/tuning")


def tune_training(
    experiment: Experiment,
    settings: SearchSettings,
    *,
    trials: int,
    confirmation: ConfirmSettings | None = None,
    study: str | None = None,
    folder: Path = FOLDER,
) -> SearchReport:
    """Search until the study has `trials` trials, then test the best with `confirmation`; write the report.

    The same experiment is the same study in every process: an interrupted search goes on, and processes that search
    side by side share their trials. Raises `Cancelled`, `BusyStudy`, and what `train` raises of its inputs.
    """
    experiment.check()
    config = experiment.inputs.config
    name = study or experiment.name()
    storage = open_storage(experiment.store.database, settings)
    shared = open_study(storage, f"{config} {name}", experiment.space, experiment.fitness, settings)
    comparable = not set(experiment.space.dimensions) & set(TARGETS)

    pace = Pace()

    def objective(number: int, values: Mapping[str, Any], watch: LossWatch) -> Outcome:
        part = replace(experiment, context=experiment.context.part_of(pace.words("trial", number, trials)))
        tuning = {"study": name, "trial": number}
        return part.run(values, tuning, watch=watch if comparable else None)

    try:
        shared.search(objective, trials, experiment.context)
        report = search_report(shared, config, name)
        if confirmation is not None:
            report = replace(report, confirmation=_confirmed(experiment, report, confirmation))
    finally:
        storage.engine.dispose()
    write_report(report, draw_search(report, experiment.space), folder / config / name)
    return report


def search_report(study: SharedStudy, config: str, name: str) -> SearchReport:
    """Return the report of a study so far."""
    return SearchReport(
        config=config,
        study=name,
        fitness=study.fitness,
        command=command_line(),
        start=study.space.start,
        trials=trial_rows(study.trials(), study.fitness),
    )


def _confirmed(experiment: Experiment, report: SearchReport, settings: ConfirmSettings) -> Confirmation | None:
    """Test the best trial; None if there is none that is another setting than the one in use."""
    best = report.best
    if best is None or best.values == report.start:
        return None
    return confirm(experiment, best.values, settings, report.study)
