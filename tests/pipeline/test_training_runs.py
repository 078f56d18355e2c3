"""What the folders of training runs show of a training that goes on."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path

import pytest

from ringrift.pipeline.training_runs import STILL_SECONDS, newest_run, training_in_words


def run(folder: Path, name: str, *lines: object, age: float = 0.0) -> Path:
    """Make the folder of a run, in which something was last written so many seconds ago."""
    made = folder / name
    made.mkdir()
    (made / "history.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    for path in (made / "history.jsonl", made):
        os.utime(path, (time.time() - age,) * 2)
    return made


LOGGED = {"step": 1840, "epoch": 2.125, "losses": {"total": 1.5}}


def test_a_training_that_goes_on_tells_its_last_logged_step(tmp_path: Path) -> None:
    run(tmp_path, "earlier", {"step": 9, "epoch": 1.0}, age=60)
    run(tmp_path, "now", {"step": 1820, "epoch": 2.1}, LOGGED, {"step": 1840, "holdout": {"total": 1.6}})
    assert training_in_words(tmp_path) == "run now, step 1,840, 2.1 passes over the samples"


def test_a_training_that_has_logged_nothing_yet_is_before_its_first_step(tmp_path: Path) -> None:
    run(tmp_path, "now")
    assert training_in_words(tmp_path) == "run now, before its first step"


@pytest.mark.parametrize("age", [0.0, STILL_SECONDS + 60])
def test_a_training_that_has_ended_or_was_cut_short_does_not_go_on(age: float, tmp_path: Path) -> None:
    ended = run(tmp_path, "now", LOGGED, age=age)
    if age == 0:
        (ended / "report.json").write_text("{}")
    assert newest_run(tmp_path) is not None
    assert training_in_words(tmp_path) is None


def test_where_nothing_was_ever_trained_nothing_goes_on(tmp_path: Path) -> None:
    assert training_in_words(tmp_path / "nowhere") is None
