from __future__ import annotations

import io
import shutil
import sqlite3
from collections import namedtuple
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import torch
from rich.console import Console

from ringrift.cli.render import rendered
from ringrift.datasets import export
from ringrift.datasets.settings import dataset_settings
from ringrift.datasets.validate import CHECKS
from ringrift.game import UnknownConfig
from ringrift.game_database import GamesDatabase
from ringrift.networks import NetworkConfig, build_network, save_model
from ringrift.run_context import Progress, RunContext, no_progress
from ringrift.training.checkpoints import Checkpoint, save_checkpoint
from ringrift.training.preflight import PlannedTraining, PreflightReport, preflight
from ringrift.training.thresholds import AtLeast, PreflightSettings, training_thresholds
from tests.contexts import export_context, record
from tests.datasets.games import fill, searched_records, settings

GIB = 1 << 30
Usage = namedtuple("Usage", "total used free")


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a database of 30 games and its data sets."""
    folder = tmp_path_factory.mktemp("preflight")
    with fill(folder / "games.db", searched_records(count=30, seed=9)) as database:
        assert len(export(database, "square8_2p", export_context(settings()), folder=folder)) == 2
    return folder


@pytest.fixture
def planned(exported: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PlannedTraining:
    """A training that everything is there for, on a machine with much room and no GPU."""
    shutil.copytree(exported, tmp_path, dirs_exist_ok=True)
    room(monkeypatch)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    return PlannedTraining(
        config="square8_2p",
        architecture="small",
        features="v2",
        batch=64,
        dataset=tmp_path / "square8_2p",
        runs=tmp_path / "runs",
        run=tmp_path / "runs" / "one",
        database=str(tmp_path / "games.db"),
    )


def room(monkeypatch: pytest.MonkeyPatch, *, disk: float = 0.5, memory: float = 0.5) -> None:
    """A disk of 100 GiB and a memory of 64 GiB that are in use to these shares."""
    usage = Usage(100 * GIB, int(disk * 100 * GIB), int((1 - disk) * 100 * GIB))
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    left = SimpleNamespace(total=64 * GIB, available=int((1 - memory) * 64 * GIB))
    monkeypatch.setattr(psutil, "virtual_memory", lambda: left)


ROOM = ("disk", "memory", "gpu_memory")


def limits(**changes: object) -> PreflightSettings:
    """The project's limits but for the volume of data, which is small here; however much is free, shares decide."""
    project = training_thresholds().preflight
    strict = {name: getattr(project, name).model_copy(update={"enough_gb": 0}) for name in ROOM}
    small = {"games": AtLeast(fail=1, warn=5), "samples": AtLeast(fail=1, warn=50)}
    small["holdout_games"] = AtLeast(fail=0, warn=1)
    return project.model_copy(update=strict | small | changes)


def checked(
    planned: PlannedTraining, settings: PreflightSettings, *, verify: bool = False, progress: Progress = no_progress
) -> PreflightReport:
    return preflight(planned, RunContext(settings, progress), verify=verify)


def verdicts(report: PreflightReport) -> dict[str, str]:
    return {check.name: check.verdict for check in report.checks}


def said(report: PreflightReport, name: str) -> tuple[str, str]:
    """The verdict of a check, and what it has measured."""
    (found,) = [check for check in report.checks if check.name == name]
    assert "\n" not in found.measured
    return found.verdict, found.measured


def test_a_training_that_may_begin(planned: PlannedTraining) -> None:
    report = checked(planned, limits(), verify=True)
    assert verdicts(report) == {
        "games database": "ok",
        "games for training": "ok",
        "samples": "ok",
        "games held out": "ok",
        "features": "ok",
        "features held out": "ok",
        "checksums": "ok",
        "disk": "ok",
        "memory": "ok",
        "GPU": "note",
        "checkpoint": "note",
        "parent model": "note",
    }
    assert report.ready
    assert report.to_json()["ready"] is True
    assert said(report, "games database")[1].startswith("sound; ")
    assert said(report, "checksums")[1] == "2 files as they were written"


def test_it_prints_as_a_table(planned: PlannedTraining) -> None:
    console = Console(width=170, record=True, file=io.StringIO())
    console.print(rendered(checked(replace(planned, dataset=planned.dataset.with_name("[none]")), limits())))
    text = console.export_text()
    assert "│ disk" in text and "≤ 65%, at most 70%" in text
    assert "[none].json: there is no such data set" in text
    assert "square8_2p: NOT READY to train: data set" in text


def test_no_database_and_a_damaged_one(planned: PlannedTraining) -> None:
    path = Path(planned.database)
    with sqlite3.connect(path) as connection:
        page, root = (
            connection.execute(query).fetchone()[0]
            for query in ("PRAGMA page_size", "SELECT rootpage FROM sqlite_master WHERE name = 'moves'")
        )
        connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    content = bytearray(path.read_bytes())
    content[(root - 1) * page : (root - 1) * page + 64] = bytes(64)
    path.write_bytes(content)
    found, measured = said(checked(planned, limits()), "games database")
    assert found == "failed" and "error code 11; `ringrift games check` tells more" in measured
    path.write_bytes(b"no database at all" * 100)
    assert "is not a database" in said(checked(planned, limits()), "games database")[1]
    path.unlink()
    report = checked(planned, limits())
    assert "there is no games database" in said(report, "games database")[1]
    assert not report.ready


def test_too_little_data(planned: PlannedTraining) -> None:
    report = checked(planned, limits(games=AtLeast(fail=30, warn=300), samples=AtLeast(fail=50, warn=10**6)))
    assert said(report, "games for training")[0] == "failed"
    assert said(report, "samples")[0] == "warning"
    for path in planned.dataset.parent.glob("square8_2p.holdout*"):
        path.unlink()
    assert said(checked(planned, limits()), "games held out") == ("warning", "0")
    assert said(checked(planned, limits(holdout_games=AtLeast(fail=1, warn=1))), "games held out")[0] == "failed"


def test_features_that_the_network_does_not_read(planned: PlannedTraining) -> None:
    report = checked(replace(planned, features="v1"), limits())
    assert said(report, "features") == ("failed", "square8_2p as v2, training")
    report = checked(replace(planned, config="square8_3p"), limits())
    assert said(report, "features")[0] == said(report, "features held out")[0] == "failed"


def test_nobody_learns_from_games_that_are_held_out(planned: PlannedTraining) -> None:
    report = checked(replace(planned, dataset=planned.dataset.with_name("square8_2p.holdout")), limits())
    assert said(report, "features") == ("failed", "square8_2p as v2, holdout")


def test_a_data_set_with_a_changed_byte_is_found_by_reading_it_all(planned: PlannedTraining) -> None:
    (path,) = planned.dataset.parent.glob("square8_2p.holdout-*.npz")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert checked(planned, limits()).ready
    report = checked(planned, limits(), verify=True)
    assert f"{path.name}: the checksum differs" in said(report, "checksums")[1]
    path.write_bytes(content[:1000])
    assert said(checked(planned, limits()), "data set")[0] == "failed"


@pytest.mark.parametrize(("share", "verdict"), [(0.5, "ok"), (0.66, "warning"), (0.71, "failed")])
def test_disk_that_is_nearly_full(planned, monkeypatch, share: float, verdict: str) -> None:
    room(monkeypatch, disk=share)
    found, measured = said(checked(planned, limits()), "disk")
    assert found == verdict
    assert "for 8 checkpoints of" in measured and f"then {share:.0%}" in measured
    assert not planned.run.exists()


def test_disk_for_many_large_checkpoints(planned: PlannedTraining) -> None:
    report = checked(replace(planned, architecture="large"), limits(checkpoints=100))
    assert said(report, "disk") == ("failed", "31.2 GB for 100 checkpoints of 53.7 GB free; then 79%")


@pytest.mark.parametrize(("share", "verdict"), [(0.5, "ok"), (0.72, "warning"), (0.8, "failed")])
def test_memory_that_is_nearly_full(planned, monkeypatch, share: float, verdict: str) -> None:
    room(monkeypatch, memory=share)
    assert said(checked(planned, limits()), "memory")[0] == verdict


def test_a_batch_that_no_memory_holds(planned: PlannedTraining, monkeypatch: pytest.MonkeyPatch) -> None:
    huge = replace(planned, architecture="v3", batch=10_000)
    assert said(checked(huge, limits()), "memory")[0] == "failed"
    gpu(monkeypatch, 0.1)  # which takes the steps
    assert said(checked(huge, limits()), "memory")[0] == "ok"


def gpu(monkeypatch: pytest.MonkeyPatch, share: float) -> None:
    """A GPU that others use to that share."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda: (int((1 - share) * 80 * GIB), 80 * GIB))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "H100")


def test_a_gpu(planned: PlannedTraining, monkeypatch: pytest.MonkeyPatch) -> None:
    assert said(checked(replace(planned, needs_gpu=True), limits()), "GPU") == ("failed", "none that torch can use")
    for share, verdict in ((0.1, "ok"), (0.75, "warning"), (0.85, "failed")):
        gpu(monkeypatch, share)
        found, measured = said(checked(planned, limits()), "GPU")
        assert found == verdict
        assert measured.startswith("H100") and f"{share:.0%} in use" in measured


def test_the_newest_checkpoint(planned: PlannedTraining) -> None:
    def check() -> tuple[str, str]:
        return said(checked(planned, limits()), "checkpoint")

    run = planned.run
    assert run is not None
    older, newer = (save_checkpoint(run / "checkpoints", "regular", step, Checkpoint({}, {})) for step in (6, 7))
    assert check() == ("ok", f"{newer.name} is whole")
    newer.write_bytes(b"cut")
    found, measured = check()
    assert found == "warning"
    assert measured.startswith(f"{newer}: is damaged") and measured.endswith(f"goes on from {older.name}")
    older.write_bytes(b"cut")
    assert check()[0] == "failed"
    assert "checkpoint" not in verdicts(checked(replace(planned, run=None), limits()))


def test_the_parent_model(planned: PlannedTraining, tmp_path: Path) -> None:
    def parent(architecture: str, board: str, players: int) -> tuple[str, str]:
        path = tmp_path / "parent.pth"
        save_model(path, build_network(NetworkConfig.of(architecture, board, players)))
        return said(checked(replace(planned, config="square8_3p", parent=path), limits()), "parent model")

    assert parent("small", "square8", 3)[0] == parent("small", "square8", 2)[0] == "ok"
    assert parent("small", "square8", 4)[0] == parent("v2", "square8", 3)[0] == "failed"
    assert parent("small", "hex8", 3)[0] == parent("small", "square19", 3)[0] == "failed"
    assert parent("small", "square19", 3)[1].startswith("small, square19, 3 players")
    report = checked(replace(planned, parent=tmp_path / "none.pth"), limits())
    assert said(report, "parent model") == ("failed", f"{tmp_path / 'none.pth'}: no such model")


def test_it_tells_what_it_is_doing(planned: PlannedTraining) -> None:
    told: list[Any] = []
    checked(planned, limits(), verify=True, progress=record(told))
    checks = ("games database", "data set", "checksums")
    assert told[:3] == [(f"checking {name}", number, 9, "") for number, name in enumerate(checks)]
    assert ("checking files", 1, 1, "") in told


def test_a_network_that_does_not_exist(planned: PlannedTraining) -> None:
    with pytest.raises(UnknownConfig, match="unknown architecture 'v9'"):
        checked(replace(planned, architecture="v9"), limits())


def test_a_newer_schema_is_named(planned: PlannedTraining) -> None:
    with GamesDatabase(planned.database) as database, database.writing() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = 'r9999'")
    assert "written by a newer RingRift" in said(checked(planned, limits()), "games database")[1]


def test_where_enough_is_left_no_share_is_too_large(planned: PlannedTraining, monkeypatch: pytest.MonkeyPatch) -> None:
    room(monkeypatch, disk=0.75, memory=0.9)
    project = training_thresholds().preflight
    generous = {name: getattr(project, name).model_copy(update={"enough_gb": 5}) for name in ROOM}
    report = checked(planned, limits(**generous))
    assert (said(report, "disk")[0], said(report, "memory")[0]) == ("ok", "ok")


def test_the_data_set_is_asked_everything_that_makes_one_unfit(planned: PlannedTraining) -> None:
    asked = preflight(planned, RunContext(limits()), quality=dataset_settings().quality)
    names = [check.name for check in asked.checks]
    assert {name.replace("_", " ") for name in CHECKS} <= set(names)
    assert names.count("quality") == 1
    assert asked.ready == (asked.why == "")
