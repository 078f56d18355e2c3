"""`ringrift tune population`: population-based training of networks, with lineage."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ringrift.training import HyperParameters
from ringrift.tuning.training.confirm import confirm
from ringrift.tuning.training.experiment import Experiment, Outcome, Pace
from ringrift.tuning.training.plots import draw_population
from ringrift.tuning.training.population import Assignment, MemberResult, Population, population_folder
from ringrift.tuning.training.report import PopulationReport, write_report
from ringrift.tuning.training.search import FOLDER
from ringrift.tuning.training.settings import ConfirmSettings, PopulationSettings
from ringrift.version import command_line


def segment_hyper(base: HyperParameters, settings: PopulationSettings) -> dict[str, Any]:
    """Return the changes of hyper-parameters that make a run one generation of a member."""
    warm_up = min(base.warm_up_epochs, settings.epochs)
    return {"epochs": settings.epochs, "warm_up_epochs": warm_up, "early_stopping": "none"}


def open_population(
    experiment: Experiment, settings: PopulationSettings, *, name: str | None = None, folder: Path = FOLDER
) -> tuple[str, Population]:
    """Open the population of an experiment of segments, made if there is none, and return its name, too."""
    experiment.check()
    settled = name or experiment.name(population=settings.model_dump())
    place = folder / experiment.inputs.config / population_folder(settled)
    population = Population(place, experiment.space, experiment.fitness, settings)
    population.begin(experiment.identity)
    return settled, population


def member_trainer(experiment: Experiment, name: str, settings: PopulationSettings) -> Callable[[Assignment], Outcome]:
    """Return the trainer of a member for a generation: an ordinary run, from the last checkpoint of its source."""
    pace, total = Pace(), settings.members * settings.generations

    def train_one(task: Assignment) -> Outcome:
        tuning = {
            "population": name,
            "generation": task.generation,
            "member": task.member,
            "source": task.source,
            "values": dict(task.values),
        }
        space = experiment.space
        if task.generation:  # the rate of a member that goes on is warm already
            space = replace(space, base=space.base.model_copy(update={"warm_up_epochs": 0.0}))
        number = task.generation * settings.members + task.member
        title = pace.words(f"generation {task.generation}, member {task.member}, training", number, total)
        part = replace(experiment, space=space, context=experiment.context.part_of(title))
        parent = None if task.source_model is None else experiment.model_path(task.source_model)
        return part.run(task.values, tuning, parent=parent, seed=task.seed)

    return train_one


def train_one_member(
    experiment: Experiment, name: str, population: Population, generation: int, member: int
) -> MemberResult:
    """Train one member for one generation, as a task of a DAG does."""
    return population.train_member(generation, member, member_trainer(experiment, name, population.settings))


def train_population(
    experiment: Experiment,
    name: str,
    population: Population,
    *,
    confirmation: tuple[Experiment, ConfirmSettings] | None = None,
) -> PopulationReport:
    """Train all generations, side by side with other processes that do the same, and write the report.

    `confirmation` tests the hyper-parameters of the best member as those of whole trainings of another experiment.
    """
    population.train(member_trainer(experiment, name, population.settings), experiment.context)
    report = population_report(population, experiment.inputs.config, name)
    best = report.best
    if confirmation is not None and best is not None and best.values != experiment.space.start:
        whole, settings = confirmation
        report = replace(report, confirmation=confirm(whole, best.values, settings, name))
    write_report(report, draw_population(report, experiment.space), population.folder)
    return report


def population_report(population: Population, config: str, name: str) -> PopulationReport:
    """Return the report of a population so far."""
    settings = population.settings
    generations = range(settings.generations)
    return PopulationReport(
        config=config,
        name=name,
        fitness=population.fitness,
        command=command_line(),
        members=settings.members,
        generations=settings.generations,
        results=tuple(result for generation in generations for result in population.results(generation)),
    )
