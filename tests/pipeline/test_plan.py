"""How many games self-play plays: by budget and weight, more at first, fewer where the rest does not keep up."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ringrift.evaluation.settings import evaluation_settings
from ringrift.game_database import GamesDatabase, ingest
from ringrift.models import ModelStore
from ringrift.networks import ARCHITECTURES, Architecture
from ringrift.pipeline.allocation import allocate, newest_allocations
from ringrift.pipeline.allocation_settings import AllocationSettings, allocation_settings
from ringrift.pipeline.backpressure import Backpressure, backpressure
from ringrift.pipeline.plan import PlannedGames, planned_games
from ringrift.pipeline.readiness import readiness, training_progress
from ringrift.pipeline.settings import LoopPreset, loop_settings
from ringrift.pipeline.stage_times import stage_times
from ringrift.selfplay import SelfPlayOptions, run_selfplay
from ringrift.selfplay.settings import selfplay_settings
from tests.contexts import any_context, ingest_context
from tests.models.making import registered

CONFIG = "hex8_2p"
SELFPLAY = Path("data/selfplay")
HOUR = 3600


@pytest.fixture(autouse=True, scope="module")
def tiny() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ARCHITECTURES, "tiny", Architecture(channels=8, blocks=1, squeeze=False, head_channels=4))
        yield


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModelStore]:
    monkeypatch.chdir(tmp_path)
    with GamesDatabase(str(tmp_path / "games.db"), create=True) as database:
        yield ModelStore(database, tmp_path / "models")


def preset(**selfplay: Any) -> LoopPreset:
    smoke = loop_settings().presets["smoke"]
    changed = smoke.selfplay.model_copy(update={"shards": 2, "games": 10} | selfplay)
    training = smoke.training.model_copy(update={"new_games": 2})
    return smoke.model_copy(update={"configs": [CONFIG, "square19_4p"], "selfplay": changed, "training": training})


def settings(**bands: tuple[float, float]) -> AllocationSettings:
    """Those of the file, with other bands of backpressure."""
    project = allocation_settings()
    changes = {
        name: project.backpressure.games.model_copy(update={"slow": slow, "pause": pause})
        for name, (slow, pause) in bands.items()
    }
    return project.model_copy(update={"backpressure": project.backpressure.model_copy(update=changes)})


def play(games: int) -> Path:
    """Games of random players, in one closed file."""
    options = SelfPlayOptions(
        config=CONFIG,
        run="one",
        players="random",
        seed=0,
        max_moves=800,
        progress=0.0,
        resigns=True,
        settings=selfplay_settings(CONFIG),
    )
    places = {"root": SELFPLAY, "host": "here", "worker": "one", "models": Path("models")}
    run_selfplay(options, any_context(), games=games, **places)
    (file,) = SELFPLAY.rglob("*.jsonl.gz")
    return file


def pressure(store: ModelStore, **bands: tuple[float, float]) -> Backpressure:
    stage = preset().training
    there = readiness(store, CONFIG, games=stage.new_games, minutes=stage.minutes)
    return backpressure(store.database, there, SELFPLAY, settings(**bands).backpressure)


def plan(store: ModelStore, *, target: int | None = None, **bands: tuple[float, float]) -> PlannedGames:
    return planned_games(store, CONFIG, SELFPLAY, preset(), settings(**bands), target=target)


def test_a_budget_is_what_the_preset_plays_or_that_of_the_config(store: ModelStore) -> None:
    assert plan(store) == PlannedGames(CONFIG, 20, "budget 20, not weighed yet")
    allocated = planned_games(store, CONFIG, SELFPLAY, preset(allocated=True), settings(), target=None)
    assert allocated.games == allocation_settings().budgets[CONFIG] == 100


def test_the_newest_weight_holds_for_what_begins_afterwards(store: ModelStore) -> None:
    report = allocate(store, preset(), settings(), evaluation_settings())
    assert {one.config for one in report.weights} == {CONFIG, "square19_4p"}
    kept = newest_allocations(store.database)
    for one in report.weights:
        assert kept[one.config].weight == pytest.approx(one.weight)
        assert kept[one.config].why == one.why
    weighed = plan(store)
    assert weighed.games == next(one.games for one in report.weights if one.config == CONFIG)
    assert weighed.why == f"budget 20 × weight {kept[CONFIG].weight:.2f}"
    assert kept[CONFIG].weight > kept["square19_4p"].weight, "its games are cheaper"


def test_before_the_first_training_what_is_missing_is_played(store: ModelStore) -> None:
    assert plan(store, target=50).games == 50
    assert plan(store, target=10).games == 20
    play(3)
    ingest(store.database, [SELFPLAY], ingest_context())
    assert plan(store, target=50) == PlannedGames(CONFIG, 47, "47 of 50 games are missing to the first training")
    registered(store, training={"run": "first"})
    assert plan(store, target=50).games == 20


def test_games_that_wait_slow_self_play_down_and_then_pause_it(store: ModelStore) -> None:
    play(3)
    assert pressure(store, games=(10, 20)).share == 1, "also games that are in no database yet are counted"
    assert pressure(store, games=(2, 4)).share == 0.5
    found = plan(store, games=(2, 4))
    assert found.games == 10
    assert found.why == (
        "budget 20, not weighed yet; plays 50%: 3 games wait for training (slow from 2 on, pause at 4)"
    )
    paused = plan(store, games=(1, 3))
    assert (paused.games, "pauses: 3 games wait for training" in paused.why) == (0, True)
    ingest(store.database, [SELFPLAY], ingest_context())
    assert pressure(store, games=(2, 4)).waiting == 3, "each is counted once"


def test_games_that_nobody_ingests_slow_self_play_down(store: ModelStore) -> None:
    file = play(1)
    os.utime(file, (time.time() - 7 * HOUR,) * 2)
    found = pressure(store, ingest_hours=(2, 12))
    assert found.share == pytest.approx(0.5, abs=0.01)
    assert found.reasons == ("games have waited 7.0 hours for ingest (slow from 2 on, pause at 12)",)
    ingest(store.database, [SELFPLAY], ingest_context())
    assert pressure(store, ingest_hours=(2, 12)).share == 1


def test_a_training_that_does_not_come_slows_self_play_down(store: ModelStore) -> None:
    registered(store, training={"run": "first", "created": int(time.time()) - 48 * HOUR})
    assert pressure(store, training_hours=(24, 72)).share == 1, "there is nothing to train on"
    play(3)
    ingest(store.database, [SELFPLAY], ingest_context())
    found = pressure(store, training_hours=(24, 72))
    assert found.share == pytest.approx(0.5, abs=0.01)
    assert "enough games wait, and the last training was 48 hours ago" in str(found)


def test_a_file_that_is_damaged_is_waited_for_no_longer_once_it_was_read(store: ModelStore) -> None:
    file = play(1)
    file.write_bytes(file.read_bytes()[:-20])
    ingest(store.database, [SELFPLAY], ingest_context())
    os.utime(file, (time.time() - 100 * HOUR,) * 2)
    assert pressure(store, ingest_hours=(2, 12)).share == 1


def test_the_progress_of_training_is_the_share_of_its_trainings(store: ModelStore) -> None:
    assert training_progress(store, CONFIG, 4) == 0
    registered(store)
    assert training_progress(store, CONFIG, 4) == 0, "it was trained by nobody that we know"
    for seed in range(1, 6):
        registered(store, seed, training={"run": f"{seed}"})
    assert training_progress(store, CONFIG, 10) == 0.5
    assert training_progress(store, CONFIG, 4) == 1
    registered(store, 6, training={"run": "trial", "tuning": {"kind": "trial"}})
    assert training_progress(store, CONFIG, 10) == 0.5, "the loop has not gone on from it"


def test_since_when_the_loop_runs_is_told_by_its_files(tmp_path: Path) -> None:
    assert stage_times(tmp_path) == (None, None)
    lines = ('{"when": 1000, "dag": "a", "task": "ingest", "state": "success"}', '{"when": 2000, "dag": "b", "task":')
    (tmp_path / "stages.jsonl").write_text("\n".join(lines))
    assert stage_times(tmp_path) == (1000, "a: ingest, success"), "a line that is being written is none yet"
    (tmp_path / CONFIG).mkdir()
    (tmp_path / CONFIG / "00000.json").touch()
    os.utime(tmp_path / CONFIG / "00000.json", (500, 500))
    assert stage_times(tmp_path)[0] == 500
