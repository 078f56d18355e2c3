"""The whole loop by the commands that people type, with the real `ringrift` and as little work as makes a champion."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from ringrift.fleet import Job, LocalShell, State, Work, kill_job, list_jobs, start_job
from ringrift.game_database import GamesDatabase
from ringrift.game_database.schema import games
from ringrift.models import ModelStore, StoredModel, history
from ringrift_airflow.job_owner import JobOwner
from ringrift_airflow.listeners import stages as listeners
from tests.airflow.place import Place
from tests.airflow.tiny import tiny_settings

CONFIG = "square8_2p"
DAG = f"ringrift__{CONFIG}"
ALONE = ("sync", "ingest", "threshold", "export", "check", "train", "gauntlet", "rate", "gate", "promote", "distribute")
"""All tasks but the mapped one."""

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("whole loop")]


class Workplace:
    """A place with the real `ringrift`, and what the loop has left there."""

    def __init__(self, folder: Path) -> None:
        self.place = Place.make(folder)
        self.environment = {
            "RINGRIFT_CONFIG_DIR": str(tiny_settings(folder / "config")),
            "RINGRIFT_PROGRAM": str(Path(sys.executable).with_name("ringrift")),
        }

    def airflow(self, *words: str) -> str:
        """What a command of Airflow says."""
        done = self.place.airflow(*words, **self.environment)
        said = done.stdout + done.stderr
        assert done.returncode == 0, said[-5000:]
        return said

    def stages(self) -> list[tuple[str, str]]:
        """The stages that have ended, and how."""
        lines = (self.place.home / listeners.FILE).read_text().splitlines()
        return [(line["task"], line["state"]) for line in map(json.loads, lines)]

    def open(self) -> GamesDatabase:
        return GamesDatabase(str(self.place.home / "data" / "games" / "ringrift.db"))

    def store(self, database: GamesDatabase) -> ModelStore:
        return ModelStore(database, self.place.home / "models")

    @contextmanager
    def airflow_database(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.place.airflow_home / "airflow.db")) as connection:
            yield connection

    def models(self) -> list[StoredModel]:
        """The newest first."""
        with self.open() as database:
            return self.store(database).listed(CONFIG)


@pytest.fixture(scope="module")
def workplace(tmp_path_factory: pytest.TempPathFactory) -> Workplace:
    """With a turn behind it."""
    found = Workplace(tmp_path_factory.mktemp("loop"))
    found.airflow("db", "migrate")
    found.airflow("dags", "test", DAG, "2026-01-01", "--conf", '{"train_now": true}')
    return found


def test_the_whole_dag_leads_from_no_game_to_a_champion(workplace: Workplace) -> None:
    asked = {stage: state for stage, state in workplace.stages() if stage.endswith("_ask")}
    assert asked == {"gauntlet_ask": "success", "rate_ask": "success"}, "and, without hosts, nothing was to be played"
    beside = [("selfplay", "success"), ("rate", "success"), *asked.items()]
    stages = [stage for stage in workplace.stages() if stage not in beside]
    assert stages[:10] == [(task, "success") for task in ALONE if task != "rate"]
    assert ("rate", "success") in workplace.stages()
    with workplace.open() as database:
        store = workplace.store(database)
        champion = store.champion(CONFIG)
        assert champion is not None
        entries = history(store, config=CONFIG)[::-1]
        assert [(entry.kind, entry.model, entry.forced) for entry in entries[:2]] == [
            ("passed", champion.id, False),
            ("promoted", champion.id, False),
        ]
        with database.reading() as connection:
            assert len(connection.execute(select(games.c.id)).all()) == 24
    best = workplace.place.home / "models" / f"ringrift_best_{CONFIG}.pth"
    assert best.read_bytes() == (workplace.place.home / "models" / champion.path).read_bytes()


def test_every_stage_works_alone(workplace: Workplace) -> None:
    """`airflow tasks test`, one after the other, for another interval: each finds what the one before has left."""
    models = {model.id for model in workplace.models()}
    before = len(workplace.stages())
    script = str(Path(__file__).with_name("run_tasks.py"))
    words = (sys.executable, "-W", "ignore", script, DAG, "2026-01-02", "selfplay:0", "selfplay:1", *ALONE)
    done = workplace.place.run(*words, **workplace.environment)
    said = done.stdout + done.stderr
    assert done.returncode == 0, said[-5000:]
    told = dict(workplace.stages()[before:])
    assert set(told) == {"selfplay", *ALONE}
    (model,) = [model for model in workplace.models() if model.id not in models]
    verdict = last_verdict(workplace, model)
    expected = {"gate": "success", "promote": "success"} if verdict.kind == "promoted" else {}
    skipped = dict.fromkeys(("gate", "promote"), "skipped")  # whether it beats the other one is a matter of luck
    assert told == dict.fromkeys(told, "success") | (expected or skipped)
    assert f"{model.id}, champion " in said  # the table of the gate, in the log


def test_the_jobs_of_stages_that_have_ended_or_are_gone_are_ended(workplace: Workplace) -> None:
    root, shell = str(workplace.place.home / "data" / "jobs"), LocalShell()
    with workplace.airflow_database() as connection:
        ((run,),) = connection.execute("SELECT run_id FROM dag_run WHERE dag_id = ? LIMIT 1", (DAG,)).fetchall()
    owners = {
        "ended": JobOwner(DAG, "train", -1, run),
        "of-a-shard": JobOwner(DAG, "selfplay", 1, run),
        "gone": JobOwner(DAG, "train", -1, "scheduled__2026-03-01T00:00:00+00:00"),
        "alone": JobOwner(DAG, "train", -1, "__airflow_temporary_run_2026-03-01T00:00:00+00:00__"),
    }

    async def states() -> dict[str, State]:
        return {name: state for name, state in (await list_jobs(shell, root)).items() if name in owners}

    for name, owner in owners.items():
        work = Work("sleep 300", str(workplace.place.home), environment=owner.environment)
        asyncio.run(start_job(shell, Job(name, root), work))
    try:
        workplace.airflow("dags", "test", "ringrift__fleet", "2026-01-01")
        assert asyncio.run(states()) == dict.fromkeys(owners, State.KILLED) | {"alone": State.RUNNING}
    finally:
        for name in owners:
            asyncio.run(kill_job(shell, Job(name, root), grace=0))


def test_why_a_stage_was_skipped_is_the_note_of_its_task_and_of_the_run(workplace: Workplace) -> None:
    workplace.airflow("dags", "test", "ringrift__fleet", "2026-01-03")
    with workplace.airflow_database() as connection:
        (run,) = connection.execute(
            "SELECT content FROM dag_run_note JOIN dag_run ON dag_run.id = dag_run_id WHERE dag_id = 'ringrift__fleet' "
            "AND logical_date LIKE '2026-01-03%'"
        ).fetchone()
        tasks = connection.execute(
            "SELECT task_id, content FROM task_instance_note JOIN task_instance ON task_instance.id = ti_id "
            "JOIN dag_run USING (dag_id, run_id) WHERE dag_id = 'ringrift__fleet' AND logical_date LIKE '2026-01-03%'"
        ).fetchall()
    why = "hosts.yaml: there are no hosts in it"
    assert dict(tasks) == dict.fromkeys(("probe_hosts", "clean_full_hosts"), why)
    assert sorted(run.splitlines()) == [f"clean_full_hosts: {why}", f"probe_hosts: {why}"]


def last_verdict(workplace: Workplace, model: StoredModel) -> Any:
    with workplace.open() as database:
        return history(workplace.store(database), model=model.id)[0]
