"""Searches over trials of a planted fitness, alone and by several processes."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from sqlalchemy import inspect

from ringrift.game_database import GamesDatabase
from ringrift.models import ModelStore
from ringrift.run_context import Cancelled, RunContext
from ringrift.tuning.training.errors import BadStudy
from ringrift.tuning.training.experiment import LossWatch, Outcome
from ringrift.tuning.training.report import TrialRow, trial_rows
from ringrift.tuning.training.search import search_report
from ringrift.tuning.training.storage import open_storage, storage_url
from ringrift.tuning.training.study import SharedStudy, open_study
from tests.tuning.training.planted_optimum import OPTIMUM, distance, planted_space, trial
from tests.tuning.training.study_worker import SETTINGS

pytestmark = pytest.mark.slow


def opened(store: ModelStore) -> SharedStudy:
    return open_study(open_storage(store.database, SETTINGS), "shared", planted_space(), "loss", SETTINGS)


def rows(database: GamesDatabase) -> tuple[TrialRow, ...]:
    study = open_study(open_storage(database, SETTINGS), "shared", planted_space(), "loss", SETTINGS)
    return trial_rows(study.trials(), "loss")


def worker(database: Path, log: Path, trials: int, *killed: int) -> subprocess.Popen[str]:
    words = [sys.executable, "-m", "tests.tuning.training.study_worker", database, log, trials, *killed]
    return subprocess.Popen([str(word) for word in words], stderr=subprocess.PIPE, text=True)


def test_a_planted_optimum_is_found_and_bad_trials_are_given_up(store: ModelStore) -> None:
    study = opened(store)
    study.search(trial, 30, RunContext(None))
    report = search_report(study, "square8_2p", "shared")
    assert report.best is not None
    assert OPTIMUM / 2 < report.best.values["learning_rate"] < OPTIMUM * 2
    first = report.trials[0]
    assert first.values == planted_space().start, "the first trial is what is in use"
    given_up = [row for row in report.trials if row.state == "given up"]
    trained = [row for row in report.trials if row.state == "trained"]
    assert len(given_up) + len(trained) == 30
    assert len(given_up) > len(trained), "with a third going on at every look"
    assert all(len(row.curve) < 9 for row in given_up)
    assert min(distance(row.values) for row in given_up) > distance(report.best.values)
    assert "best: loss" in " ".join(report.lines())


def test_the_same_search_again_only_makes_what_is_missing(store: ModelStore) -> None:
    opened(store).search(trial, 5, RunContext(None))
    made: list[int] = []

    def counted(number: int, values: Mapping[str, Any], watch: LossWatch) -> Outcome:
        made.append(number)
        return trial(number, values, watch)

    again = opened(store)
    again.search(counted, 5, RunContext(None))
    assert made == []
    again.search(counted, 7, RunContext(None))
    assert made == [5, 6]


def test_a_trial_that_is_cancelled_is_taken_up_again(store: ModelStore) -> None:
    def cancelled(number: int, values: Mapping[str, Any], watch: LossWatch) -> Outcome:
        watch(1, 4.0)
        raise Cancelled("stopped")

    study = opened(store)
    with pytest.raises(Cancelled):
        study.search(cancelled, 3, RunContext(None))
    (waiting,) = trial_rows(study.trials(), "loss")
    assert (waiting.state, waiting.values) == ("waiting", planted_space().start)
    assert waiting.curve == ((1, 4.0),), "what was measured is not lost"
    stop = Event()
    stop.set()
    with pytest.raises(Cancelled):
        study.search(trial, 3, RunContext(None, cancellation=stop))
    study.search(trial, 3, RunContext(None))
    assert planted_space().start in [row.values for row in trial_rows(study.trials(), "loss") if row.outcome]


def test_two_processes_share_a_study_and_run_no_trial_twice(tmp_path: Path) -> None:
    log, database = tmp_path / "log", tmp_path / "games.db"
    workers = [worker(database, log, 12) for _ in range(2)]
    for one in workers:
        assert one.communicate()[1] == ""
        assert one.returncode == 0
    begun = [line.split() for line in log.read_text().splitlines()]
    numbers = [int(number) for number, _ in begun]
    assert len(numbers) == len(set(numbers))
    assert len({process for _, process in begun}) == 2, "both have worked"
    with GamesDatabase(str(database)) as games:
        found = rows(games)
    assert len(found) in (12, 13), "both may begin the last one"
    assert all(row.outcome is not None for row in found)


def test_a_trial_whose_process_was_killed_is_taken_up_by_another_one(tmp_path: Path) -> None:
    log, database = tmp_path / "log", tmp_path / "games.db"
    first = worker(database, log, 6, 2)
    first.communicate()
    assert first.returncode == -signal.SIGKILL
    with GamesDatabase(str(database)) as games:
        (lost,) = (row for row in rows(games) if row.state == "running")
    second = worker(database, log, 6)
    assert second.communicate()[1] == ""
    with GamesDatabase(str(database)) as games:
        found = rows(games)
    assert len(found) == 6
    assert all(row.outcome is not None for row in found)
    (again,) = (row for row in found if row.values == lost.values)
    assert again.curve[0] == (1, 5.0), "with what was measured of it"


def test_the_studies_have_tables_of_their_own(store: ModelStore) -> None:
    """Both have a table `alembic_version`."""
    opened(store)
    with store.database.reading() as connection:
        assert "trials" not in inspect(connection).get_table_names()
    with GamesDatabase(str(store.database.url.database)) as again:  # whose schema is still what it was
        assert Path(storage_url(again).database or "").name == "games.tuning.db"


def test_a_file_of_studies_that_is_none_is_one_line(store: ModelStore) -> None:
    Path(storage_url(store.database).database or "").write_text("something else")
    with pytest.raises(BadStudy, match=r"games\.tuning\.db: file is not a database") as error:
        opened(store)
    assert "\n" not in str(error.value)
