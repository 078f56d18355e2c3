from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from ringrift.cli.render import rendered
from ringrift.training.calibration import calibration
from ringrift.training.history import read_history
from ringrift.training.report import TrainingReport, report_training, write_report
from ringrift.training.thresholds import training_thresholds
from tests.training.histories import facts, step, validation, write_history

SETTINGS = training_thresholds().report
LINES = [
    *(step(number, 3.0) for number in range(1, 11)),
    validation(10, 3.1),
    *(step(number, 2.0 + 0.02 * number) for number in range(11, 21)),
    validation(20, 2.4, accuracy=0.5),
    step(21, 1.0),
]


def report(tmp_path: Path, lines: list[dict[str, Any]], rest: str = "", **changes: object) -> TrainingReport:
    history = read_history(write_history(tmp_path / "history.jsonl", lines, rest))
    return report_training(facts(**changes), history, None, SETTINGS)


def test_losses_are_compared_at_the_last_validation(tmp_path: Path) -> None:
    found = report(tmp_path, LINES)
    assert [loss.name for loss in found.losses] == ["total", "policy", "value", "accuracy"]
    total, *_, accuracy = found.losses
    assert total.training == pytest.approx(2.0 + 0.02 * 15.5)  # steps 11 to 20
    assert (total.holdout, total.best, total.best_step) == (2.4, 2.4, 20)
    assert total.gap == pytest.approx(2.4 - 2.31)
    assert (accuracy.holdout, accuracy.best, accuracy.best_step) == (0.5, 0.5, 20)
    assert (found.steps, found.samples, found.epochs) == (21, 256 * 21, 0.21)
    assert found.seconds == pytest.approx(2.1)
    assert found.samples_per_second == 2011
    assert found.warnings() == []


def test_samples_of_training_are_measured_as_those_held_out_where_they_can_be(tmp_path: Path) -> None:
    found = report(tmp_path, [*LINES, validation(22, 2.4, seen={"total": 2.2, "accuracy": 0.45})])
    total, policy, *_, accuracy = found.losses
    assert (total.training, accuracy.training) == (2.2, 0.45)
    assert total.gap == pytest.approx(0.2)
    assert policy.training == 0.5  # not among them: that of step 21, the only one since the last validation


@pytest.mark.parametrize(
    ("holdout", "said"), [(2.45, "0.14 above the training loss, more than 0.10"), (2.15, "0.16 below the training")]
)
def test_a_gap_between_training_and_holdout_is_warned_of(tmp_path: Path, holdout: float, said: str) -> None:
    (warning,) = report(tmp_path, [*LINES, validation(20, holdout)]).warnings()
    assert said in warning


def test_the_best_validation_is_kept_when_later_ones_are_worse(tmp_path: Path) -> None:
    found = report(tmp_path, [*LINES, validation(21, 3.0, accuracy=0.2)])
    assert (found.losses[0].best, found.losses[0].best_step) == (2.4, 20)
    assert (found.losses[-1].best, found.losses[-1].best_step) == (0.5, 20)


def test_without_validation_the_last_tenth_counts(tmp_path: Path) -> None:
    found = report(tmp_path, [step(number, float(number)) for number in range(1, 31)])
    assert found.losses[0].training == 29.0
    assert found.losses[0].gap is None
    assert "there was no validation" in found.warnings()[0]


def test_a_run_that_has_diverged_says_so(tmp_path: Path) -> None:
    lines = [*LINES, step(22, float("nan")), validation(22, float("nan"))]
    assert "has diverged" in report(tmp_path, lines).warnings()[0]


def test_a_run_that_has_logged_nothing_has_a_report(tmp_path: Path) -> None:
    found = report(tmp_path, [])
    assert (found.steps, found.losses, found.samples_per_second) == (0, (), None)


def test_settings_that_differ_are_named(tmp_path: Path) -> None:
    found = report(tmp_path, LINES, settings={"batch": 64, "optimiser": {"lr": 1e-3, "decay": 1e-4}, "extra": 1})
    assert found.changed == {"batch": (256, 64), "optimiser.lr": (3e-4, 1e-3), "extra": (None, 1)}


def test_one_line_cut_off_is_nothing_to_speak_of_and_many_are(tmp_path: Path) -> None:
    assert report(tmp_path, LINES, '{"st').warnings() == []
    assert report(tmp_path, LINES, "?\n?\n").warnings() == ["2 lines of the history could not be read"]


def test_files_of_a_report(tmp_path: Path) -> None:
    history = read_history(write_history(tmp_path / "history.jsonl", [*LINES, step(22, float("nan"))]))
    predictions = np.linspace(-0.9, 0.9, 50)
    measured = calibration(predictions, np.sign(predictions), SETTINGS.calibration_bins)
    made = report_training(facts(parent="abc", model="def"), history, measured, SETTINGS)
    paths = write_report(made, history, tmp_path / "run", SETTINGS)
    assert [path.name for path in paths] == ["report.json", "report.md", "report.png"]
    assert sorted(path.name for path in (tmp_path / "run").iterdir()) == sorted(path.name for path in paths)

    machine = json.loads(paths[0].read_text())
    assert machine["facts"]["command"] == "ringrift train square8_2p --preset smoke"
    assert machine["losses"][0]["gap"] == pytest.approx(2.4 - 2.31)
    assert machine["calibration"]["ece"] == pytest.approx(measured.ece)
    assert machine["changed"]["batch"] == [256, 64]

    page = paths[1].read_text()
    for said in (
        "# Training run r1 (square8_2p)",
        "ringrift train square8_2p --preset smoke",
        "9,000 samples of 300 games, identity 0123456789abcdef\n",
        "started from model abc; ended: all 2 epochs; became model def",
        "| total | 2.3100 | 2.4000 | +0.0900 | 2.4000 | 20 |",
        f"ECE {measured.ece:.3f} over 50 positions",
        "| batch | 256 | 64 |",
        "](report.png)",
    ):
        assert said in page
    assert paths[2].read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    "lines", [[], [step(1)], [validation(1)], [step(1, float("nan")), validation(1, float("nan"))]]
)
def test_short_and_broken_runs_have_a_picture_too(tmp_path: Path, lines: list[dict[str, Any]]) -> None:
    history = read_history(write_history(tmp_path / "history.jsonl", lines))
    made = report_training(facts(), history, None, SETTINGS)
    *_, picture = write_report(made, history, tmp_path, SETTINGS)
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert json.loads((tmp_path / "report.json").read_text())["steps"] == history.steps


def test_it_prints_as_a_table(tmp_path: Path) -> None:
    console = Console(width=150, record=True, file=io.StringIO())
    console.print(rendered(report(tmp_path, [*LINES, validation(20, 2.6)], run="[r1]")))
    text = console.export_text()
    assert "run [r1]" in text
    assert "│ total" in text and "+0.2900" in text
    assert "warning: the hold-out loss is 0.29 above" in text
