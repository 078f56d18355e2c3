"""Housekeeping on real hosts: runs whose model is here go, and what a training there may still need stays."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import update

from ringrift.fleet.health import Health
from ringrift.fleet.hosts import fleet_settings
from ringrift.game_database import GamesDatabase
from ringrift.models import ModelStore
from ringrift.models.schema import models
from ringrift.pipeline.host_housekeeping import clean_hosts
from ringrift.pipeline.housekeeping_report import HostCleaned
from ringrift.pipeline.housekeeping_settings import DAY, housekeeping_settings
from ringrift.resources.settings import RoomLimit
from ringrift.run_context import RunContext
from tests.cli.processes import RINGRIFT
from tests.fleet.servers import Server, server
from tests.models.making import registered
from tests.pipeline.test_housekeeping import answered

CONFIG = "hex8_2p"
NEVER_FULL = RoomLimit(warn=1.0, stop=1.0, enough_gb=0)
ALWAYS_FULL = RoomLimit(warn=0.0001, stop=1.0, enough_gb=0)


@pytest.fixture(scope="module")
def gpu(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with server(tmp_path_factory.mktemp("clean") / "gpu-1", "gpu-1") as found:
        yield found


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ModelStore]:
    with GamesDatabase(str(tmp_path / "games.db"), create=True) as database:
        yield ModelStore(database, tmp_path / "models")


def made(path: Path, *, days: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(10_000))
    moment = time.time() - days * DAY
    os.utime(path, (moment, moment))
    return path


def run(gpu: Server, name: str, *, days: float, ended: bool = True) -> Path:
    folder = gpu.home / "data" / "runs" / CONFIG / name
    made(folder / "checkpoints" / "regular-1.pt", days=days)
    if ended:
        made(folder / "report.json", days=days)
    return folder


def cleaned(
    gpu: Server, store: ModelStore, *, apply: bool = True, disk: RoomLimit = NEVER_FULL, only_full: bool = False
) -> HostCleaned:
    known = {gpu.name: gpu.host()}
    health = Health(store.database, known, fleet_settings().health)
    context = RunContext(housekeeping_settings())
    (found,) = clean_hosts(known, store, context, health, disk, apply=apply, only_full=only_full)
    return found


def test_what_is_here_goes_there_and_what_may_be_needed_stays(gpu: Server, store: ModelStore) -> None:
    old = registered(store, 1, CONFIG, architecture="small", training={"run": "old", "created": 1})
    registered(store, 2, CONFIG, architecture="small", training={"run": "newest", "created": 2})
    runs = {
        name: run(gpu, name, days=days, ended=ended)
        for name, days, ended in (
            ("old", 10, True),
            ("newest", 10, True),
            ("open", 10, False),
            ("not-here", 10, True),
        )
    }
    model = made(gpu.home / "models" / CONFIG / f"{old.id}.pth", days=10)
    side = made(model.with_suffix(".json"), days=10)
    best = made(gpu.home / "models" / f"ringrift_best_{CONFIG}.pth", days=10)

    told = cleaned(gpu, store, apply=False)
    assert [(kind.kind, kind.removed) for kind in told.kinds] == [
        ("jobs", 0),
        ("runs", 1),
        ("models", 0),
        ("answers", 0),
    ]
    assert all(folder.is_dir() for folder in runs.values()), "only told"

    runs_of = cleaned(gpu, store).kinds[1]
    assert (runs_of.removed, runs_of.bytes >= 20_000) == (1, True)
    assert dict(runs_of.kept) == {
        "the next training starts from it": 1,
        "the training has not ended": 1,
        "its model has not come here": 1,
    }
    assert {name for name, folder in runs.items() if folder.is_dir()} == {"newest", "open", "not-here"}

    with store.database.writing() as connection:
        connection.execute(update(models).where(models.c.id == old.id).values(pruned=int(time.time())))
    assert cleaned(gpu, store).kinds[2].removed == 1, "its files were given up here"
    assert not model.exists()
    assert not side.exists()
    assert best.exists()


def test_a_full_disk_makes_ages_shorter_and_others_can_be_left_alone(gpu: Server, store: ModelStore) -> None:
    for seed, name in ((1, "young"), (2, "newest")):
        registered(store, seed, CONFIG, architecture="small", training={"run": name, "created": seed})
    young = run(gpu, "young", days=1)
    assert cleaned(gpu, store).kinds[1].kept["younger than 2 days"] == 1
    assert cleaned(gpu, store, only_full=True) == HostCleaned(gpu.name), "its disk is not full"
    found = cleaned(gpu, store, disk=ALWAYS_FULL, only_full=True)
    assert (found.full, found.kinds[1].removed) == (True, 1)
    assert not young.exists()


def test_trouble_of_a_host_is_told_and_ends_nothing(gpu: Server, store: ModelStore) -> None:
    found = cleaned(replace(gpu, port=1), store)
    assert "gpu-1" in found.trouble
    assert found.kinds == ()


def test_old_games_of_evaluations_go_by_the_program_of_their_host(gpu: Server, store: ModelStore) -> None:
    path = gpu.home / "data" / "evaluation" / "answers.db"
    answered(path, "old", 20)
    answered(path, "young", 1, 2)
    found = cleaned(gpu, store)
    assert found.trouble == "", "a host without ringrift is cleaned of the rest"
    assert "No such file" in " ".join(found.kinds[3].trouble) or "not found" in " ".join(found.kinds[3].trouble)
    program = gpu.home / "ringrift" / "current" / "bin" / "ringrift"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec {RINGRIFT} "$@"\n')
    program.chmod(0o755)
    told = cleaned(gpu, store, apply=False).kinds[3]
    assert (told.removed, dict(told.kept)) == (1, {"of runs younger than 14 days": 2})
    assert cleaned(gpu, store).kinds[3].removed == 1
    assert cleaned(gpu, store).kinds[3].removed == 0
