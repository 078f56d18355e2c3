"""The processes of docker-compose.yaml on this machine: a turn of the real loop on Celery, with a worker that dies."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ringrift.game_database import GamesDatabase
from ringrift.models import ModelStore
from tests.airflow.conftest import kill_all_jobs
from tests.airflow.tiny import change_settings, tiny_settings
from tests.processes import alive
from tests.system.compose import Compose, databases, redis_server
from tests.system.standalone import DAG, daily, minutes_ago

CONFIG = "square8_2p"
PASSWORD = "a-password"
SLOW = '#!/bin/sh\n[ "$1" != train ] || sleep 20\nexec "{program}" "$@"\n'
"""The real program, but every training takes a while, so that there is a middle of it."""

pytestmark = pytest.mark.xdist_group("celery")


@pytest.fixture
def celery(tmp_path: Path) -> Iterator[Compose]:
    settings = tiny_settings(tmp_path / "config")
    change_settings(settings / "loop.yaml", {"presets.smoke.every": daily(minutes_ago(10))})
    with databases() as postgres, redis_server(tmp_path, PASSWORD) as redis:
        found = Compose(
            *(tmp_path / "compose", postgres, redis, PASSWORD),
            RINGRIFT_CONFIG_DIR=str(settings),
            # A worker that gives no sign of life is given up after 5 minutes, where nobody waits for it.
            AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_SEC="2",
            AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT="12",
            AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT_DETECTION_INTERVAL="3",
            AIRFLOW__CELERY__WORKER_CONCURRENCY="4",
        )
        program = found.place.home / "ringrift"
        program.write_text(SLOW.format(program=Path(sys.executable).with_name("ringrift")))
        try:
            found.up()
            yield found
        finally:
            found.down()
            kill_all_jobs(found.place.home)


def test_a_turn_on_celery_survives_the_death_of_a_worker(celery: Compose) -> None:
    celery.wait(lambda: celery.api.get("/dags")["total_entries"] >= 5)
    assert celery.api.get("/importErrors")["total_entries"] == 0
    pools = {pool["name"] for pool in celery.api.get("/pools")["pools"]}
    assert pools >= {"ringrift_selfplay", "ringrift_training", "ringrift_evaluation", "ringrift_database"}
    celery.api.patch(f"/dags/{DAG}", {"is_paused": False})
    run = celery.scheduled_run()

    (job,) = celery.reached(run, lambda: celery.jobs(run, "train"))
    pid = int(celery.wait(lambda: (job / "pid").exists() and (job / "pid").read_text()))
    celery.shoot("worker")
    assert alive(pid)
    celery.start("worker")
    celery.finished(run)
    assert celery.jobs(run, "train") == [job], "the training that was under way went on"

    assert celery.unhealthy() == {}
    with GamesDatabase(celery.environment["RINGRIFT_DATABASE"]) as database:
        champion = ModelStore(database, celery.place.home / "models").champion(CONFIG)
    assert champion is not None
    assert (celery.place.home / "models" / f"ringrift_best_{CONFIG}.pth").exists()
    assert not (celery.place.home / "data" / "games").exists(), "there is one games database, and it is not here"
    assert "airflow.scheduler_heartbeat" in celery.metrics()
