"""The gate: every planted fault is stopped, by the check that is meant for it."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from sqlalchemy import update

from ringrift.agents import make_agent
from ringrift.evaluation.kept_games import GameFilter, find_kept_game, newest_games
from ringrift.game import Game
from ringrift.models import Gain, GateReport, ModelStore, Results, Score, StoredModel, model_settings, run_gate
from ringrift.models.conditions import conditions
from ringrift.models.schema import promotions
from ringrift.models.settings import GateSettings
from ringrift.networks import save_model
from ringrift.run_context import RunContext
from ringrift.settings import DEFAULTS
from tests.models.faults import Aimless, Broken, Cheating, Crashing, Hanging, Slow, Stand
from tests.models.making import crowned, network, registered

pytestmark = pytest.mark.slow

NAMES = [condition.name for condition in conditions(model_settings().gate)]


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
    """The process of a trial finds the players of the tests."""
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))


def gate_context(**changes: Mapping[str, Any] | float) -> RunContext[GateSettings]:
    """The gate of the repository with few games, no pause, and limits that the heuristic's equal passes."""
    few = {"random_games": 8, "heuristic_games": 2, "random": 0.8, "heuristic": -1.0}
    changed = model_settings().gate.model_copy(update={"pause_minutes": 0})
    for name, change in ({"trial": few, "inference": {"positions": 5}} | changes).items():
        part = getattr(changed, name)
        if name == "trial":
            part = part.model_copy(update=few)
        value = part.model_copy(update=change) if isinstance(change, Mapping) else change
        changed = changed.model_copy(update={name: value})
    return RunContext(changed)


def results(against: str | None = None, /, *, gain: float = 100, **shares: float) -> Results:
    """A gauntlet that is good enough, but for what is changed."""
    good = {"random": 0.98, "heuristic": 0.7, "champion": 0.65}
    scores = {
        name: Score(50, share, share - 0.1, share + 0.1, "failed" if name in shares else "passed", "≥ 55%")
        for name, share in (good | shares).items()
    }
    return Results(scores, against, Gain(gain, gain - 60, gain + 60))


def stopped_at(report: GateReport, name: str) -> str:
    """The measure at which the gate refused; all before has passed, and nothing after was run."""
    verdicts = {check.name: check.verdict for check in report.checks}
    assert list(verdicts) == NAMES
    place = NAMES.index(name)
    assert list(verdicts.values()) == ["passed"] * place + ["failed"] + ["not run"] * (len(NAMES) - place - 1), report
    assert report.failed is not None
    assert not report.passed
    return report.failed.measured


@pytest.fixture
def model(store: ModelStore) -> StoredModel:
    return registered(store)


@pytest.fixture
def champion(store: ModelStore) -> StoredModel:
    return crowned(store, registered(store, 1))


# Without a game


def test_a_file_with_a_bit_changed(store: ModelStore, model: StoredModel) -> None:
    path = store.path(model)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    measured = stopped_at(run_gate(store, model, results(), gate_context()), "file")
    assert f"{path}: is not what was registered as {model.id}" in measured


def test_a_file_that_is_gone(store: ModelStore, model: StoredModel) -> None:
    store.path(model).unlink()
    assert "cannot be read" in stopped_at(run_gate(store, model, results(), gate_context()), "file")


def test_weights_that_are_no_numbers(store: ModelStore, tmp_path: Path) -> None:
    broken = network()
    with torch.no_grad():
        broken.value.values.bias[0] = torch.nan
    save_model(tmp_path / "nan.pth", broken)
    model = store.register(tmp_path / "nan.pth")
    measured = stopped_at(run_gate(store, model, results(), gate_context()), "file")
    assert measured == "weights value.values.bias are not finite"


def test_a_champion_of_just_now(store: ModelStore, model: StoredModel, champion: StoredModel) -> None:
    measured = stopped_at(run_gate(store, model, results(champion.id), gate_context(pause_minutes=15)), "pause")
    assert measured == "0.0 min"


def test_a_champion_of_the_future_does_not_stop_all_that_come_after_it(
    store: ModelStore, model: StoredModel, champion: StoredModel
) -> None:
    with store.database.writing() as connection:
        connection.execute(update(promotions).values(when=int(time.time()) + 400 * 86_400))
    report = run_gate(store, model, results(champion.id), gate_context(pause_minutes=15, seconds=0.5), factory=Stand)
    (pause,) = (check for check in report.checks if check.name == "pause")
    assert pause.verdict == "passed"
    assert "by a clock that was wrong" in pause.measured


def test_a_model_that_was_not_evaluated(store: ModelStore, model: StoredModel) -> None:
    assert stopped_at(run_gate(store, model, Results(), gate_context()), "evaluated").startswith(
        "no: `ringrift evaluate hex8_2p "
    )


def test_a_model_that_was_evaluated_against_another_champion(
    store: ModelStore, model: StoredModel, champion: StoredModel
) -> None:
    measured = stopped_at(run_gate(store, model, results("0123456789abcdef"), gate_context()), "evaluated")
    assert measured == "its gauntlet was against 0123456789abcdef: evaluate it again"


@pytest.mark.parametrize(
    ("changed", "name", "measured"),
    [
        ({"random": 0.84}, "gauntlet random", "84.0% (74.0% – 94.0%), 50 games, failed"),
        ({"heuristic": 0.59}, "gauntlet heuristic", "59.0% (49.0% – 69.0%), 50 games, failed"),
        ({"champion": 0.54}, "gauntlet champion", "54.0% (44.0% – 64.0%), 50 games, failed"),
        ({"gain": -1}, "elo", "-1 (-61 … +59)"),
    ],
)
def test_a_weaker_model(
    store: ModelStore,
    model: StoredModel,
    champion: StoredModel,
    changed: dict[str, float],
    name: str,
    measured: str,
) -> None:
    assert stopped_at(run_gate(store, model, results(champion.id, **changed), gate_context()), name) == measured


def test_a_model_that_was_cut_off_in_the_gauntlet(store: ModelStore, model: StoredModel, champion: StoredModel) -> None:
    scores = {
        "random": Score(10, 1.0, 0.7, 1.0, "not finished", "≥ 85%"),
        "heuristic": Score(10, 0.6, 0.3, 0.8, "not finished", "≥ 60%"),
        "champion": Score(10, 0.1, 0.0, 0.4, "cut off", "≥ 55%"),
    }
    report = run_gate(store, model, Results(scores, champion.id), gate_context())
    assert stopped_at(report, "gauntlet champion") == "10.0% (0.0% – 40.0%), 10 games, cut off"
    assert report.verdict.endswith("10 games, cut off, the limit is ≥ 55%")


def test_the_first_cause_is_told_and_not_what_it_left_undone(store: ModelStore, model: StoredModel) -> None:
    """Who is hopeless against the heuristic has played few games because of that, and waits for no pause."""
    scores = {
        "random": Score(10, 1.0, 0.7, 1.0, "not finished", "≥ 85%"),
        "heuristic": Score(10, 0.1, 0.0, 0.4, "cut off", "≥ 60%"),
    }
    strict = gate_context(gauntlet={"games": 50}, pause_minutes=15)
    report = run_gate(store, model, Results(scores), strict)
    assert stopped_at(report, "gauntlet heuristic") == "10.0% (0.0% – 40.0%), 10 games, cut off"
    assert report.verdict.startswith("no: gauntlet heuristic: score against heuristic in the gauntlet: 10.0%")


# In games


def test_a_sound_player_passes_and_everything_is_told(
    store: ModelStore, model: StoredModel, champion: StoredModel
) -> None:
    report = run_gate(store, model, results(champion.id), gate_context(), factory=Stand)
    assert report.passed, report
    assert [check.verdict for check in report.checks] == ["passed"] * len(NAMES)
    assert all(check.measured for check in report.checks)
    assert (report.model, report.champion) == (model.id, champion.id)
    assert GateReport.from_json(report.to_json()) == report
    (finish,) = (check for check in report.checks if check.name == "finish")
    assert finish.measured == "10 of 10 games ended, 0 at the limit of moves"


def test_the_games_of_the_gate_are_kept_whole(store: ModelStore, model: StoredModel) -> None:
    run_gate(store, model, results(), gate_context(), factory=Stand)
    games = newest_games(store.database, GameFilter(kind="trial", player=model.id), 100)
    assert len(games) == 10
    for game in games:
        _, record = find_kept_game(store.database, game.name)
        assert tuple(Game.from_record(record).ranks()) == game.ranks
    run_gate(store, model, results(), gate_context(), factory=Stand)
    assert len(newest_games(store.database, GameFilter(kind="trial"), 100)) == 10, "the same games are kept once"


def test_all_conditions_may_be_asked_to_the_end(store: ModelStore, model: StoredModel) -> None:
    report = run_gate(store, model, results(random=0.1), gate_context(), to_the_end=True, factory=Aimless)
    assert {check.name for check in report.checks if check.verdict == "failed"} >= {"gauntlet random", "random"}
    assert all(check.verdict != "not run" and check.measured and check.limit for check in report.checks)
    assert "gauntlet random" in report.verdict, "the first cause is told"


def test_a_model_that_crashes_fails_everything_that_takes_games(store: ModelStore, model: StoredModel) -> None:
    report = run_gate(store, model, results(), gate_context(), to_the_end=True, factory=Crashing)
    measured = {check.name: check.measured for check in report.checks if check.verdict == "failed"}
    assert set(measured) == {"finish", "random", "heuristic"}
    assert "ZeroDivisionError: of the network" in measured["finish"]


def test_a_signal_for_the_gate_does_not_reach_the_process_that_plays(store: ModelStore, model: StoredModel) -> None:
    sessions: set[int] = set()

    def watch(work: str, done: float, total: float | None, detail: str = "") -> None:
        for child in psutil.Process().children():
            with suppress(psutil.Error, OSError):  # it has ended, and nobody has asked for its exit code yet
                if "ringrift.models.trial_run" in child.cmdline():
                    sessions.add(os.getsid(child.pid))

    run_gate(store, model, results(), replace(gate_context(), progress=watch), factory=Stand)
    assert sessions
    assert os.getsid(0) not in sessions


def test_a_slow_model(store: ModelStore, model: StoredModel) -> None:
    slow = gate_context(inference={"milliseconds": 15, "positions": 5})
    measured = stopped_at(run_gate(store, model, results(), slow, factory=Slow), "inference")
    assert float(measured.split(" ms")[0]) > 20
    assert "ms over 5 positions" in measured


def test_a_model_whose_answers_are_no_numbers(store: ModelStore, model: StoredModel) -> None:
    report = run_gate(store, model, results(), gate_context(), factory=Broken)
    assert "not all finite numbers" in stopped_at(report, "inference")


def test_an_illegal_mover(store: ModelStore, model: StoredModel) -> None:
    measured = stopped_at(run_gate(store, model, results(), gate_context(), factory=Cheating), "legal")
    assert "is not legal" in measured


def test_a_model_that_hangs_in_a_game_is_stopped(store: ModelStore, model: StoredModel) -> None:
    patient = gate_context(trial={"quiet_seconds": 1})
    measured = stopped_at(run_gate(store, model, results(), patient, factory=Hanging), "finish")
    assert measured == "0 of 10 games ended; stopped: no decision for 1 s"


def test_a_model_that_crashes(store: ModelStore, model: StoredModel) -> None:
    measured = stopped_at(run_gate(store, model, results(), gate_context(), factory=Crashing), "finish")
    assert "has ended with 1: ZeroDivisionError: of the network" in measured


def test_a_model_that_is_weak(store: ModelStore, model: StoredModel) -> None:
    assert "8 games" in stopped_at(run_gate(store, model, results(), gate_context(), factory=Aimless), "random")


def test_a_model_that_is_no_better_than_the_heuristic(store: ModelStore, model: StoredModel) -> None:
    strict = gate_context(trial={"heuristic": 1.0})
    assert "2 games" in stopped_at(run_gate(store, model, results(), strict, factory=Stand), "heuristic")


def test_games_that_do_not_end(
    store: ModelStore, model: StoredModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "config"
    shutil.copytree(DEFAULTS, folder)
    limits = (folder / "games.yaml").read_text()
    (folder / "games.yaml").write_text(limits.replace("hex8_2p: 800", "hex8_2p: 20"))
    monkeypatch.setenv("RINGRIFT_CONFIG_DIR", str(folder))
    measured = stopped_at(run_gate(store, model, results(), gate_context(), factory=Stand), "finish")
    assert measured == "10 of 10 games ended, 10 at the limit of moves"


def test_the_time_of_the_gate_ends_whatever_is_running(store: ModelStore, model: StoredModel) -> None:
    began = time.monotonic()
    report = run_gate(store, model, results(), gate_context(seconds=0.5), factory=Stand)
    assert stopped_at(report, "inference") == "stopped: the time of the gate is over"
    assert time.monotonic() - began < 60


def test_a_network_of_its_own_plays_and_is_found_weak(store: ModelStore) -> None:
    model = registered(store, architecture="small")  # one that the other process knows too
    report = run_gate(
        store, model, results(), gate_context(trial={"random": 1.0, "player": "policy:{model}"}), factory=make_agent
    )
    stopped_at(report, "random")
    inference = next(check for check in report.checks if check.name == "inference")
    assert inference.value is not None
    assert 0 < inference.value < 50


def test_only_some_conditions_may_be_asked(store: ModelStore, model: StoredModel) -> None:
    report = run_gate(store, model, Results(), gate_context(), only=("file",))
    assert report.passed
    assert report.verdict == "passed, but only asked for file"
