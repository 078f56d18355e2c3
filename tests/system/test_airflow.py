"""A real Airflow, driven over its REST API: what people do in the web UI, and what goes wrong at night."""

from __future__ import annotations

import os
import shutil
import signal
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from PIL import Image
from psutil import Process

from ringrift.pipeline.halt import halt, resume
from tests.airflow.tiny import change_settings
from tests.processes import alive, family, kill_all
from tests.system.browser import browser
from tests.system.standalone import DAG, Standalone, tasks_of

pytestmark = pytest.mark.xdist_group("airflow")  # one Airflow for all of them


@pytest.fixture(scope="module")
def standalone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    found = Standalone(tmp_path_factory.mktemp("standalone"))
    found.up()
    try:
        found.wait(lambda: found.api.get("/dags")["total_entries"] >= 4)
        assert found.api.get("/importErrors")["total_entries"] == 0
        assert found.api.get("/plugins/importErrors")["total_entries"] == 0
        yield found
    finally:
        found.down()
        from tests.airflow.conftest import kill_all_jobs

        kill_all_jobs(found.place.home)


def test_the_api_server_answers_machines_that_watch_the_loop_without_a_login(standalone: Standalone) -> None:
    with urllib.request.urlopen(f"{standalone.deployment.url}/ringrift/metrics", timeout=60) as answer:
        text = answer.read().decode()
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert "# TYPE ringrift_uptime_seconds gauge" in text


@pytest.fixture
def loop(standalone: Standalone) -> Iterator[Standalone]:
    """The loop without its schedule: only what a test triggers runs."""
    standalone.place.answer()
    (standalone.place.home / "calls.jsonl").unlink(missing_ok=True)
    standalone.api.patch(f"/dags/{DAG}", {"is_paused": False})
    standalone.scheduled_run()
    yield standalone
    for run in standalone.api.get(f"/dags/{DAG}/dagRuns", state="running")["dag_runs"]:
        standalone.api.patch(standalone.path(run["dag_run_id"]), {"state": "failed"})


def assert_it_works(loop: Standalone) -> None:
    """Assert that games are played: scheduler, worker and triggerer take part in that."""
    run = loop.trigger()
    loop.reached(run, lambda: loop.tasks(run)["selfplay"] == "success")


def test_a_job_survives_the_death_of_all_of_airflow(loop: Standalone) -> None:
    loop.place.answer(train={"seconds": 300})
    run = loop.trigger()
    pid = loop.process_of("train", 1)
    loop.watched(run, "train")
    first = loop.deployment.running()
    assert first is not None
    processes = family(first)
    kill_all(processes)
    loop.wait(lambda: not any(map(alive, processes)))
    assert alive(pid)
    loop.up()
    assert alive(pid)
    loop.place.answer()
    loop.finished(run)
    assert [call["pid"] for call in loop.place.calls("train")] == [pid]
    assert "train: step" in loop.log(run, "train")


def test_an_airflow_without_its_first_process_is_ended_before_another_one_starts(loop: Standalone) -> None:
    first = loop.deployment.running()
    assert first is not None
    left = family(first)[1:]
    os.kill(first, signal.SIGKILL)
    loop.wait(lambda: not alive(first))
    assert any(map(alive, left))
    assert loop.deployment.running() == first
    loop.up()
    assert not any(map(alive, left))
    assert loop.deployment.running() != first
    assert_it_works(loop)


def test_a_component_that_is_shot_is_started_anew(loop: Standalone) -> None:
    first = loop.deployment.running()
    assert first is not None
    (scheduler,) = [child.pid for child in Process(first).children() if "scheduler" in " ".join(child.cmdline())]
    os.kill(scheduler, signal.SIGKILL)
    loop.wait(lambda: "scheduler has ended with code -9; it is started anew" in loop.deployment.log.read_text())
    loop.up()
    assert loop.deployment.running() == first
    assert_it_works(loop)


def test_it_listens_to_this_machine_alone(loop: Standalone) -> None:
    first = loop.deployment.running()
    assert first is not None
    processes = [Process(pid) for pid in family(first)]
    listening = [one for each in processes for one in each.net_connections("inet") if one.status == "LISTEN"]
    assert {one.laddr.port for one in listening} >= {loop.port}
    assert {one.laddr.ip for one in listening} == {"127.0.0.1"}


def test_its_files_are_for_their_owner_alone_and_no_log_has_the_password(loop: Standalone) -> None:
    folder = loop.deployment.folder
    for path in [*folder.glob("airflow.db*"), folder / "airflow.cfg", folder / "passwords.json", loop.log_file]:
        assert path.stat().st_mode & 0o077 == 0, path
    assert loop.deployment.password() not in loop.log_file.read_text()


def test_a_task_that_is_marked_or_cleared_takes_its_process_along(loop: Standalone) -> None:
    loop.place.answer(train={"seconds": 300})
    run = loop.trigger()
    first = loop.process_of("train", 1)
    loop.watched(run, "train")
    loop.clear(run, "train")
    loop.wait(lambda: not alive(first))
    second = loop.process_of("train", 2)
    loop.wait(lambda: loop.tasks(run)["train"] == "running")  # in the worker, which waits for its first seconds
    loop.mark(run, "train", "failed")
    loop.wait(lambda: not alive(second))
    loop.finished(run, "failed")
    loop.place.answer()
    loop.clear(run, "train")
    loop.finished(run)


def test_a_worker_that_is_shot_loses_nothing(loop: Standalone) -> None:
    loop.place.answer(**{"games_ingest": {"seconds": 300}})
    run = loop.trigger()
    (job,) = loop.wait(lambda: loop.jobs(run, "ingest"))
    pid = int(loop.wait(lambda: (job / "pid").exists() and (job / "pid").read_text()))
    first = loop.deployment.running()
    assert first is not None
    workers = tasks_of(first)
    assert workers
    kill_all(workers)
    loop.wait(lambda: "is running, process" in loop.log(run, "ingest", 2))
    assert alive(pid)
    loop.place.answer()
    loop.finished(run)
    assert loop.jobs(run, "ingest") == [job]


def test_a_halt_ends_jobs_and_the_resume_lets_them_go_on(loop: Standalone) -> None:
    loop.place.answer(train={"seconds": 300})
    run = loop.trigger()
    pid = loop.process_of("train", 1)
    halt("no power", loop.place.home)
    try:
        loop.wait(lambda: not alive(pid))
        loop.wait(lambda: "no power" in loop.log(run, "train"))
        assert loop.state(run) == "running"
        loop.place.answer()
    finally:
        resume(loop.place.home)
    loop.finished(run)
    assert len(loop.place.calls("train")) == 2


def test_a_backfill_makes_the_games_of_its_intervals_and_does_not_train(loop: Standalone) -> None:
    content = {
        "dag_id": DAG,
        "from_date": "2026-03-01T00:00:00Z",
        "to_date": "2026-03-02T23:59:00Z",
        "max_active_runs": 2,
        "dag_run_conf": {},
        "reprocess_behavior": "completed",
    }
    loop.api.post("/backfills", content)

    def runs() -> list[Any]:
        found = loop.api.get(f"/dags/{DAG}/dagRuns", run_type="backfill")["dag_runs"]
        return found if len(found) == 2 and all(run["state"] in ("success", "failed") for run in found) else []

    for run in loop.wait(runs):
        assert run["state"] == "success"
        assert loop.tasks(run["dag_run_id"])["export"] == "success"
        assert loop.tasks(run["dag_run_id"])["train"] == "skipped"
    played = {call["words"][3] for call in loop.place.calls("selfplay")}
    time_of_day = f"{loop.day_ends:%H%M}00"
    assert {f"square8_2p-2026030{day}T{time_of_day}-{shard}" for day in (1, 2) for shard in (0, 1)} <= played
    assert loop.place.calls("train") == []


def test_a_pool_that_is_missing_is_made_anew_when_a_run_begins(loop: Standalone) -> None:
    loop.api._ask("DELETE", "/pools/ringrift_selfplay")
    run = loop.trigger()
    loop.wait(lambda: loop.tasks(run)["selfplay"] == "success")
    pool = loop.api.get("/pools/ringrift_selfplay")
    assert (pool["slots"], pool["include_deferred"]) == (2, True)
    assert "pool ringrift_selfplay was missing; it is made anew from pools.json" in loop.deployment.log.read_text()


def test_a_connection_that_is_missing_is_told_at_the_start(loop: Standalone) -> None:
    def said(channel: str | None) -> list[str]:
        change_settings(loop.settings, {"alerts.slack_channel": channel})
        return list(loop.within(loop.deployment.absent_connections))

    assert said(None) == []
    try:
        (line,) = said("#training")
        assert line.startswith("connection 'slack_default' is missing, which alerts.slack_channel of loop.yaml needs")
        loop.api.post("/connections", {"connection_id": "slack_default", "conn_type": "slack"})
        assert said("#training") == []
    finally:
        said(None)


def test_a_wrong_parameter_is_refused_with_a_reason(loop: Standalone) -> None:
    from ringrift_airflow.local.api_client import Refused

    with pytest.raises(Refused, match="games"):
        loop.trigger(games=0)


def test_an_iteration_is_told_and_summed_up_and_the_web_ui_shows_it(loop: Standalone, tmp_path: Path) -> None:
    from ringrift_airflow.local.iteration import AirflowIteration

    told: list[str] = []
    turn = AirflowIteration(loop.api, DAG, "smoke", told.append)
    assert turn.run() == 0
    run = turn.run_id
    assert any(line.startswith("gate        passed (") for line in told)
    rows = [line for line in turn.summary().splitlines() if line.startswith("  ")]
    stages = [line.split()[0] for line in rows]
    assert stages[:8] == ["selfplay", "sync", "ingest", "threshold", "export", "check", "train", "gauntlet"]
    said = dict(zip(stages, rows, strict=True))
    assert said["ingest"].endswith(" s  3 new games in the database")
    assert said["rate"].endswith("no rating: rated_as of the preset in loop.yaml is empty")
    assert said["gate"].endswith(" s  passed")
    assert said["promote"].endswith(" s  promoted")
    token = loop.api.token()
    with browser() as page:
        page.open(f"{loop.deployment.url}/dags/{DAG}/runs/{quote(run, safe='')}", token, "distribute")
        page.picture(tmp_path / "airflow-run.png")
        page.open(f"{loop.deployment.url}/dags/{DAG}", token, "Trigger")
        page.click("Trigger")
        page.wait_for("Train in a backfill")
        page.picture(tmp_path / "airflow-trigger.png")
    for path in sorted(tmp_path.glob("*.png")):
        with Image.open(path) as picture:
            assert picture.size == (1440, 900) or picture.width >= 1200
            assert len(picture.convert("RGB").getcolors(1 << 24) or ()) > 100  # more than a blank page
        if folder := os.environ.get("RINGRIFT_SCREENSHOTS"):
            shutil.copy(path, folder)


@pytest.fixture
def approval(loop: Standalone) -> Iterator[Standalone]:
    """The loop with a person who has a say."""
    loop.ask_people(True)
    yield loop
    loop.ask_people(False)


def test_a_person_says_yes_or_no_to_a_promotion(approval: Standalone) -> None:
    run = approval.trigger()
    approval.wait(lambda: approval.tasks(run)["approve"] == "awaiting_input")
    (asked,) = approval.api.get(f"{approval.path(run)}/hitlDetails")["hitl_details"]
    assert asked["subject"] == "Make the new model the champion of square8_2p?"
    assert "| random | won | 95 % | 90 % | passed |" in asked["body"]
    best = approval.place.home / "models" / "ringrift_best_square8_2p.pth"
    before = best.stat().st_mtime_ns if best.exists() else 0
    assert approval.state(run) == "running"
    approval.answer(run, "approve", "Approve")
    approval.finished(run)
    assert approval.tasks(run)["promote"] == "success"
    assert best.stat().st_mtime_ns > before

    approval.clear(run, "approve")
    approval.wait(lambda: approval.tasks(run)["approve"] == "awaiting_input")
    approval.answer(run, "approve", "Reject", 2)
    approval.finished(run)
    assert {approval.tasks(run)[task] for task in ("promote", "distribute")} == {"skipped"}
    assert "Skipping downstream tasks" in approval.log(run, "approve", 2)
    promotions = [call for call in approval.place.calls("promote") if "--check" not in call["words"]]
    assert len(promotions) == 1
