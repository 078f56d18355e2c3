"""Housekeeping: what is old and needed by nobody goes; champions, running jobs and whatever lineage needs stay."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringrift.errors import Busy
from ringrift.evaluation.schema import evaluation_games, evaluation_moves
from ringrift.files import alone
from ringrift.game import configs
from ringrift.game_database import GamesDatabase, ingest
from ringrift.game_database.selection import count_parts
from ringrift.models import ModelStore, model_settings
from ringrift.networks import ARCHITECTURES, Architecture
from ringrift.pipeline.housekeeping import (
    CleanInputs,
    clean,
)
from ringrift.pipeline.housekeeping_report import Cleaned, CleanReport
from ringrift.pipeline.housekeeping_settings import DAY, housekeeping_settings
from ringrift.pipeline.iteration import LoopInputs
from ringrift.resources import GuardSettings, guard_settings
from ringrift.run_context import RunContext
from ringrift.selfplay import SelfPlayOptions, run_selfplay
from ringrift.selfplay.settings import selfplay_settings
from tests.contexts import any_context, ingest_context
from tests.models.making import crowned, registered

CONFIG = "hex8_2p"
FULL = {"warn": 0.0001, "stop": 1.0, "enough_gb": 0}


@pytest.fixture(autouse=True, scope="module")
def tiny() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(ARCHITECTURES, "tiny", Architecture(channels=8, blocks=1, squeeze=False, head_channels=4))
        yield


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[LoopInputs]:
    """A folder in which a loop works, with everything in it, and its database."""
    monkeypatch.chdir(tmp_path)
    with GamesDatabase(str(tmp_path / "games.db"), create=True) as database:
        yield LoopInputs(CONFIG, database, ModelStore(database, tmp_path / "models"))


def inputs(home: LoopInputs, *, full: bool = False) -> CleanInputs:
    loops = tuple(LoopInputs(f"{board}_{players}p", home.database, home.store) for board, players in configs())
    loops = (home, *(loop for loop in loops if loop.config != CONFIG))
    guard = guard_settings()
    disk = guard.disk.model_copy(update=FULL if full else {"warn": 1.0, "stop": 1.0})
    changed: GuardSettings = guard.model_copy(update={"disk": disk})
    return CleanInputs(loops, Path("airflow"), Path("data/jobs"), model_settings().prune, changed)


def cleaned(home: LoopInputs, *, full: bool = False, apply: bool = True) -> CleanReport:
    return clean(inputs(home, full=full), RunContext(housekeeping_settings()), apply=apply)


def kind(report: CleanReport, name: str) -> Cleaned:
    return next(one for one in report.kinds if one.kind == name)


def made(path: Path, *, days: float, size: int = 1000) -> Path:
    """A file of a certain age."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    aged(path, days)
    return path


def aged(path: Path, days: float) -> None:
    moment = time.time() - days * DAY
    os.utime(path, (moment, moment))


def run(name: str, *, days: float, ended: bool = True) -> Path:
    """The folder of a training."""
    folder = Path("data/runs") / CONFIG / name
    made(folder / "checkpoints" / "regular-000000001-0123456789abcdef.pt", days=days)
    made(folder / "history.jsonl", days=days)
    if ended:
        made(folder / "report.json", days=days)
    return folder


def test_without_apply_nothing_goes_and_what_would_is_told(home: LoopInputs) -> None:
    folder = run("old", days=10)
    report = cleaned(home, apply=False)
    assert (kind(report, "checkpoints").removed, kind(report, "checkpoints").bytes) == (1, 1000)
    assert (folder / "checkpoints").is_dir()
    assert report.bytes == 1000
    applied = cleaned(home)
    assert applied.bytes == 1000
    assert not (folder / "checkpoints").exists()
    assert (folder / "history.jsonl").is_file(), "what lineage asks for stays"
    assert cleaned(home).bytes == 0


def test_checkpoints_of_a_training_that_goes_on_stay(home: LoopInputs) -> None:
    going, young, old = run("going", days=10, ended=False), run("young", days=1), run("old", days=10)
    with alone(old / ".lock", old, Busy("another process is training there")):
        report = cleaned(home)
    kept = {"the training has not ended": 1, "younger than 2 days": 1, "a process works there": 1}
    assert dict(kind(report, "checkpoints").kept) == kept
    assert all((one / "checkpoints").is_dir() for one in (going, young, old))


def test_a_full_disk_makes_ages_shorter(home: LoopInputs) -> None:
    run("young", days=1)
    assert kind(cleaned(home), "checkpoints").removed == 0
    report = cleaned(home, full=True)
    assert report.full
    assert kind(report, "checkpoints").removed == 1


def played(home: LoopInputs, games: int) -> list[Path]:
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
    run_selfplay(
        options,
        any_context(),
        root=home.selfplay,
        host=home.host,
        worker="one",
        models=home.store.folder,
        games=games,
    )
    return sorted(home.selfplay.rglob("*.jsonl.gz"))


def test_raw_games_go_once_the_database_has_them_and_are_not_played_again(home: LoopInputs) -> None:
    (file,) = played(home, 2)
    aged(file, 20)
    assert dict(kind(cleaned(home), "raw_games").kept) == {"no model has learned from it yet": 1}
    registered(home.store, training={"run": "first"})
    assert dict(kind(cleaned(home), "raw_games").kept) == {"not in the database": 1}
    ingest(home.database, [home.selfplay], ingest_context())
    assert kind(cleaned(home), "raw_games").removed == 1
    assert not file.exists()
    assert played(home, 2) == [], "the numbers of its games are known"
    (further,) = played(home, 3)
    ingest(home.database, [home.selfplay], ingest_context())
    assert sum(count_parts(home.database)[CONFIG]) == 3
    assert further.exists()


def test_games_of_a_host_that_has_them_still_stay(home: LoopInputs, monkeypatch: pytest.MonkeyPatch) -> None:
    registered(home.store, training={"run": "first"})
    made(home.selfplay / CONFIG / "gpu-1" / "one" / "one-000001.jsonl.gz", days=100)
    monkeypatch.setattr("ringrift.pipeline.housekeeping.all_hosts", lambda database: {"gpu-1": None})
    assert dict(kind(cleaned(home), "raw_games").kept) == {"of a host that has it still, or may have": 1}


def test_runs_stay_as_long_as_their_model_can_be_trained_on(home: LoopInputs) -> None:
    needed, nobody = run("needed", days=1000), run("nobody", days=1000)
    registered(home.store, training={"run": "needed"})
    report = cleaned(home)
    assert dict(kind(report, "runs").kept) == {"its model is there": 1}
    assert needed.is_dir()
    assert not nobody.exists()


def test_champions_and_those_before_them_stay(home: LoopInputs) -> None:
    settings = model_settings().prune.model_copy(update={"predecessors": 1, "newest": 0, "days": 0})
    models = [registered(home.store, seed, training={"created": 1}) for seed in range(4)]
    for model in models[:3]:
        crowned(home.store, model)
    strict = CleanInputs(inputs(home).configs, Path("airflow"), Path("data/jobs"), settings, inputs(home).guard)
    report = clean(strict, RunContext(housekeeping_settings()), apply=True)
    assert kind(report, "models").removed == 2
    left = {model.id for model in home.store.listed() if model.pruned is None}
    assert left == {models[2].id, models[1].id}, "the champion, and the one that a rollback goes back to"


def test_data_sets_of_backfills_and_leftovers_go(home: LoopInputs) -> None:
    old = made(Path("data/training/intervals/20260101T000000/hex8_2p.json"), days=40)
    young = made(Path("data/training/intervals/20260201T000000/hex8_2p.json"), days=3)
    half = made(Path("data/training/.hex8_2p.json.17.partial"), days=2)
    stray = made(Path("data/training/hex8_2p-0123456789abcdef.npz"), days=2)
    log = made(Path("airflow/logs/dag_id=a/run_id=b/attempt=1.log"), days=20)
    report = cleaned(home)
    assert [path.exists() for path in (old, young, half, stray, log)] == [False, True, False, False, False]
    assert not Path("airflow/logs/dag_id=a").exists(), "no empty folders are left"
    assert {one.kind: one.removed for one in report.kinds} == {
        "leftovers": 2,
        "airflow_logs": 1,
        "checkpoints": 0,
        "intervals": 1,
        "raw_games": 0,
        "runs": 0,
        "jobs": 0,
        "answers": 0,
        "models": 0,
    }


def answered(path: Path, run: str, *days: float) -> None:
    """Store games that were played for others, one for each age."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with GamesDatabase(str(path), create=True) as database, database.writing() as connection:
        for number, age in enumerate(days):
            key = {"run": run, "number": number}
            game = {"planned": 9, "config": CONFIG, "kind": "tournament", "players": "[]", "opening": 0, "seed": 1}
            ended = {"plies": 3, "actions_hash": 1, "ended": int(time.time() - age * DAY)}
            connection.execute(evaluation_games.insert().values(**key, **game, **ended))
            moves = {"opening_plies": 0, "max_moves": 9, "actions": bytes(100_000)}
            connection.execute(evaluation_moves.insert().values(**key, **moves))


def test_old_games_that_were_played_for_others_go_run_by_run(home: LoopInputs) -> None:
    path = Path("data/evaluation/answers.db")
    answered(path, "old", 30, 20)
    answered(path, "going on", 30, 0)
    size = path.stat().st_size
    told = kind(cleaned(home, apply=False), "answers")
    assert (told.removed, told.bytes, dict(told.kept)) == (2, 200_000, {"of runs younger than 14 days": 2})
    assert path.stat().st_size == size
    assert kind(cleaned(home), "answers") == told
    assert path.stat().st_size <= size - 200_000, "their room is given back"
    assert kind(cleaned(home), "answers").removed == 0
    path.write_bytes(b"no database")
    assert "answers.db" in " ".join(kind(cleaned(home), "answers").trouble)


def test_shards_stay_where_a_manifest_cannot_be_read(home: LoopInputs) -> None:
    made(Path("data/training/hex8_2p.json"), days=2)
    shard = made(Path("data/training/hex8_2p-0123456789abcdef.npz"), days=2)
    assert dict(kind(cleaned(home), "leftovers").kept) == {"a manifest cannot be read": 1}
    assert shard.exists()
