"""Trials and members as what they are: ordinary trainings with lineage."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ringrift.datasets import BadDataset
from ringrift.evaluation.participants import UnknownModel
from ringrift.evaluation.settings import evaluation_settings
from ringrift.models import ModelStore, lineage
from ringrift.models.newest import newest_model, newest_parent
from ringrift.run_context import Cancelled
from ringrift.training import TrainingInputs, hyper_parameters
from ringrift.tuning.settings import tuning_settings
from ringrift.tuning.training.confirm import confirm, paired_interval
from ringrift.tuning.training.errors import BadSearch, BadStudy
from ringrift.tuning.training.experiment import Experiment, Pace
from ringrift.tuning.training.fitness import at_equal_computing
from ringrift.tuning.training.plots import draw_search
from ringrift.tuning.training.population_training import open_population, segment_hyper, train_population
from ringrift.tuning.training.report import write_report
from ringrift.tuning.training.search import tune_training
from ringrift.tuning.training.space import FitnessKind, make_space, parsed_dimensions
from tests.contexts import training_context
from tests.training.planted import CONFIG, write_both, write_planted

pytestmark = pytest.mark.slow

FAST: dict[str, Any] = {
    "network": "tiny",
    "batch": 64,
    "learning_rate": 0.003,
    "epochs": 3.0,
    "warm_up_epochs": 0.1,
    "replay_ratio": 100.0,
    "ema_decay": 0.9,
    "validate_samples": 128,
    "precision": "float32",
}
SETTINGS = tuning_settings().hyperparameters
Make = Callable[..., Experiment]


@pytest.fixture
def make(store: ModelStore, tmp_path: Path) -> Make:
    """An experiment on planted data, in folders of the test."""
    write_both(tmp_path / "training", 256)

    def made(fitness: FitnessKind = "loss", words: tuple[str, ...] = ("learning_rate=1e-4..1e-1:log",)) -> Experiment:
        hyper = hyper_parameters(CONFIG, changes=FAST)
        inputs = TrainingInputs(
            CONFIG, hyper, datasets=tmp_path / "training", models=store.folder, runs=tmp_path / "runs"
        )
        space = make_space(hyper, parsed_dimensions(list(words)), fitness)
        measured = SETTINGS.fitness.model_copy(update={"opponent": "random", "games": 4, "least_games": 2})
        return Experiment(inputs, space, fitness, measured, store, training_context(), evaluation_settings())

    return made


def test_a_trial_is_a_run_with_lineage_that_nothing_starts_from(make: Make, store: ModelStore) -> None:
    experiment = make()
    outcome = experiment.run({"learning_rate": 0.01}, {"study": "one", "trial": 3})
    assert outcome.model is not None
    assert outcome.run is not None
    model = store.find(outcome.model)
    assert model.training["tuning"] == {"study": "one", "trial": 3}
    assert model.training["settings"]["learning_rate"] == 0.01
    assert (experiment.inputs.runs / CONFIG / outcome.run / "report.md").exists()
    assert newest_parent(store, experiment.inputs) is None
    write_planted(experiment.inputs.datasets, 256, seed=9, first_game=5000)  # so that the data set is another one
    assert newest_parent(store, experiment.inputs) is None
    with pytest.raises(UnknownModel):
        newest_model(store, CONFIG)


def test_a_training_that_is_given_up_ends_there_and_has_no_model(make: Make) -> None:
    heard: list[int] = []

    def watch(number: int, loss: float) -> bool:
        heard.append(number)
        return number == 2

    outcome = make().run({"learning_rate": 0.01}, {}, watch=watch)
    assert heard == [1, 2]
    assert (outcome.fitness, outcome.model, outcome.ended) == (None, None, "given up")
    assert outcome.samples == 2 * 256


def test_a_training_that_diverges_is_a_bad_trial_and_no_error(make: Make) -> None:
    experiment = make(words=("learning_rate=1e-4..1e4:log", "clip=1..1e9"))
    outcome = experiment.run({"learning_rate": 1e4, "clip": 1e9}, {})
    assert outcome.fitness is None
    assert "learning_rate" in outcome.ended


def test_losses_are_compared_with_the_weights_in_use(make: Make) -> None:
    experiment = make(words=("losses.value=0.1..10:log",))
    light, heavy = (experiment.run({"losses.value": weight}, {}) for weight in (0.1, 10.0))
    assert light.loss is not None
    assert heavy.loss is not None
    assert abs(light.loss - heavy.loss) < 3, "and not with its own, of which one is a hundred times the other"


def test_a_search_finds_the_better_learning_rate_and_tells_it(make: Make, tmp_path: Path) -> None:
    experiment = make()
    settings = SETTINGS.search.model_copy(update={"random": 4, "first_look": 1})
    report = tune_training(experiment, settings, trials=5, folder=tmp_path / "tuning")
    assert report.best is not None
    assert report.used is not None
    assert report.best.outcome is not None
    assert report.best.outcome.loss is not None
    assert report.used.outcome is not None
    assert report.used.outcome.loss is not None
    assert report.best.outcome.loss <= report.used.outcome.loss
    folder = tmp_path / "tuning" / CONFIG / report.study
    assert {path.name for path in folder.iterdir()} == {"report.json", "report.md", "report.png"}
    again = tune_training(experiment, settings, trials=5, folder=tmp_path / "tuning")
    assert again.trials == report.trials, "the same search again makes nothing new"
    write_report(again, draw_search(again, experiment.space), tmp_path)


def test_what_was_found_is_tested_with_other_seeds_and_games(make: Make) -> None:
    experiment = make()
    settings = SETTINGS.confirm.model_copy(update={"seeds": 2, "games": 2})
    found = confirm(experiment, {"learning_rate": 0.01}, settings, "one")
    assert len(found.losses_found) == len(found.losses_used) == 2
    assert found.elo.games == 4
    assert found.difference == pytest.approx(sum(found.losses_found) / 2 - sum(found.losses_used) / 2)
    assert found.better == (found.elo.low > 0)
    with pytest.raises(BadStudy, match="is the one in use"):
        confirm(experiment, experiment.space.start, settings, "one")


def test_fitness_by_elo_comes_from_stored_games(make: Make, store: ModelStore) -> None:
    outcome = make("elo").run({"learning_rate": 0.01}, {})
    assert outcome.elo is not None
    assert outcome.elo.games == 4
    assert outcome.elo.low <= outcome.elo.elo <= outcome.elo.high
    assert outcome.fitness == pytest.approx(outcome.elo.elo), "with the computing of the setting in use"


def test_twice_the_computing_has_to_be_worth_its_price() -> None:
    assert at_equal_computing(100.0, 2.0, 1.0, 150.0) == -50.0
    assert at_equal_computing(100.0, 0.5, 1.0, 150.0) == 250.0


def test_too_few_games_and_no_games_held_out_are_one_line(make: Make) -> None:
    experiment = make("elo")
    few = replace(experiment, settings=SETTINGS.fitness.model_copy(update={"games": 10}))
    with pytest.raises(BadSearch, match="10 games are too few to distinguish settings: take 100 or more"):
        few.check()
    for path in experiment.inputs.datasets.glob("*.holdout.json"):
        path.unlink()
    with pytest.raises(BadDataset, match="there are no games held out"):
        experiment.check()


def test_an_interval_of_pairs_is_students() -> None:
    mean, low, high = paired_interval([1.0, 2.0, 3.0])
    assert mean == 2.0
    assert (low, high) == pytest.approx((2 - 2.484, 2 + 2.484), abs=1e-3)


def test_the_ancestry_of_a_member_is_its_models(make: Make, store: ModelStore, tmp_path: Path) -> None:
    whole = make()
    settings = SETTINGS.population.model_copy(update={"members": 3, "generations": 3, "truncation": 0.34})
    base = whole.space.base.model_copy(update=segment_hyper(whole.space.base, settings))
    experiment = replace(
        whole,
        inputs=replace(whole.inputs, hyper=base, is_segment=True),
        space=replace(whole.space, base=base),
    )
    name, population = open_population(experiment, settings, folder=tmp_path / "tuning")
    report = train_population(experiment, name, population)
    assert report.exploits == 2, "one of three in every generation but the first"
    assert report.best is not None
    line = report.ancestry(report.best)
    why = lineage(store, store.find(str(report.best.outcome.model)))
    assert [ancestor.id for ancestor in why.ancestors] == [one.outcome.model for one in line[1:]]
    assert why.model.training["tuning"]["generation"] == 2
    assert why.model.training["steps"] == 4, "a pass over 256 samples"
    first, last = (next(one.outcome for one in report.results if one.generation == g) for g in (0, 2))
    assert first.loss is not None
    assert last.loss is not None
    assert last.loss < first.loss, "it goes on learning"


def test_a_trial_that_is_cancelled_goes_on_from_its_checkpoint(make: Make) -> None:
    experiment = make()
    context = experiment.context

    def progress(work: str, done: float, total: float | None, detail: str = "") -> None:
        context.cancellation.set()

    with pytest.raises(Cancelled):
        replace(experiment, context=replace(context, progress=progress)).run({"learning_rate": 0.01}, {})
    context.cancellation.clear()
    assert experiment.run({"learning_rate": 0.01}, {}).model is not None


def test_progress_says_which_training_it_is_and_when_the_last_one_will_be_over(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    pace = Pace()
    assert pace.words("trial", 4, 10) == "trial 4, 10 in all"
    now[0] += 120
    assert pace.words("trial", 5, 10) == "trial 5, 10 in all, about 10 min to the end"
