"""Populations on a planted fitness: what they find, whom they copy, and what survives a kill."""

from __future__ import annotations

import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from threading import Event

import numpy as np
import pytest

from ringrift.run_context import Cancelled, RunContext
from ringrift.tuning.training.errors import BadStudy, BusyStudy
from ringrift.tuning.training.experiment import Outcome
from ringrift.tuning.training.plots import draw_population
from ringrift.tuning.training.population import Assignment, MemberResult, Population, choose_source
from ringrift.tuning.training.population_training import population_report
from ringrift.tuning.training.report import write_report
from tests.tuning.training.planted_optimum import OPTIMUM
from tests.tuning.training.population_worker import SETTINGS, learn, planted_population


def trained(folder: Path) -> Population:
    population = planted_population(folder)
    population.begin({"planted": True})
    population.train(learn, RunContext(None))
    return population


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*.json"))}


def results(*losses: float | None) -> list[MemberResult]:
    values = {"learning_rate": 0.001, "batch": 64}
    return [MemberResult(0, member, values, None, Outcome(loss, "")) for member, loss in enumerate(losses)]


def sources(losses: list[float | None], truncation: float = 0.25) -> list[int]:
    found = results(*losses)
    draw = np.random.default_rng(0)
    return [choose_source(found, member, "loss", truncation, draw) for member in range(len(found))]


def test_a_planted_optimum_is_found(tmp_path: Path) -> None:
    """From a learning rate that is thirty times too small."""
    report = population_report(trained(tmp_path), "square8_2p", "planted")
    assert report.best is not None
    assert OPTIMUM / 2 < report.best.values["learning_rate"] < OPTIMUM * 2
    line = report.ancestry(report.best)
    assert [one.generation for one in line] == list(range(9, -1, -1))
    assert line[-1].source is None
    paths = write_report(report, draw_population(report, planted_population(tmp_path).space), tmp_path / "report")
    assert all(path.stat().st_size for path in paths)
    assert "member" in paths[1].read_text()


def test_who_exploits_copies_the_checkpoint_and_the_hyper_parameters(tmp_path: Path) -> None:
    population = trained(tmp_path)
    tasks = [population.assignment(g, m) for g in range(1, 10) for m in range(SETTINGS.members)]
    exploiting = [task for task in tasks if task.exploits]
    assert exploiting
    moved = replace(population, settings=SETTINGS.model_copy(update={"resample": 0.0}))
    for task in exploiting:
        assert task.source is not None
        source = population.result(task.generation - 1, task.source)
        assert source is not None
        assert task.source_model == source.outcome.model
        values = moved.assignment(task.generation, task.member).values
        ratio = values["learning_rate"] / source.values["learning_rate"]
        assert min(abs(ratio - factor) for factor in SETTINGS.perturb) < 1e-4
    for task in tasks:
        if not task.exploits:
            own = population.result(task.generation - 1, task.member)
            assert own is not None
            assert (task.values, task.source_model) == (own.values, own.outcome.model)


def test_the_worst_go_on_from_the_best_and_all_others_from_themselves() -> None:
    assert sources([1.0, 2.0, 3.0, 4.0]) == [0, 1, 2, 0]


def test_a_member_that_has_failed_goes_on_from_a_better_one() -> None:
    assert sources([None, 2.0, None, 1.0]) == [3, 1, 3, 3]
    with pytest.raises(BadStudy, match="all members have failed"):
        sources([None, None])


@pytest.mark.slow
@pytest.mark.parametrize("moment", [(0, 0), (3, 5), (9, 7)])
def test_killed_at_any_point_the_same_population_comes_of_it(tmp_path: Path, moment: tuple[int, int]) -> None:
    words = [sys.executable, "-m", "tests.tuning.training.population_worker", tmp_path / "killed", *moment]
    killed = subprocess.run([str(word) for word in words], check=False)
    assert killed.returncode == -signal.SIGKILL
    trained(tmp_path / "killed")
    trained(tmp_path / "whole")
    assert files(tmp_path / "killed") == files(tmp_path / "whole")


def test_a_member_is_trained_by_one_process_at_a_time_and_once(tmp_path: Path) -> None:
    population = planted_population(tmp_path)
    made: list[Assignment] = []

    def trainer(task: Assignment) -> Outcome:
        with pytest.raises(BusyStudy, match="another process is training that member"):
            population.train_member(0, 3, learn)
        made.append(task)
        return learn(task)

    first = population.train_member(0, 3, trainer)
    assert population.train_member(0, 3, trainer) == first
    assert len(made) == 1


def test_what_cannot_be_trained_is_one_line(tmp_path: Path) -> None:
    population = planted_population(tmp_path)
    population.begin({"planted": True})
    with pytest.raises(BadStudy, match="8 members of generation 0 are not trained yet"):
        population.train_member(1, 0, learn)
    with pytest.raises(BadStudy, match="members are 0 to 7, generations 0 to 9"):
        population.train_member(0, 8, learn)
    with pytest.raises(BadStudy, match="give this one another --name"):
        population.begin({"planted": False})
    population.path(0, 0).write_text('{"member": 0}')
    with pytest.raises(BadStudy, match=r"member-000\.json: is no result of a member; delete it"):
        population.result(0, 0)
    population.path(0, 0).write_text("{")
    with pytest.raises(BadStudy, match=r"member-000\.json: cannot be read"):
        population.result(0, 0)


def test_a_cancelled_population_goes_on_later(tmp_path: Path) -> None:
    population = planted_population(tmp_path)
    stop = Event()

    def trainer(task: Assignment) -> Outcome:
        if task.member == 2:
            stop.set()
        return learn(task)

    with pytest.raises(Cancelled):
        population.train(trainer, RunContext(None, cancellation=stop))
    assert len(population.results(0)) == 3
    population.train(learn, RunContext(None))
    assert len(population.results(9)) == SETTINGS.members
