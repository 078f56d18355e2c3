"""A turn of the loop, told by an API server that this file plays."""

from __future__ import annotations

import asyncio
import os
from typing import Any

import pytest

from ringrift.fleet import Job, LocalShell, State, Work, list_jobs, start_job
from ringrift_airflow.job_owner import JobOwner
from ringrift_airflow.local.api_client import NoAnswer
from ringrift_airflow.local.iteration import ANSWERS_MISSED, AirflowIteration, NoIteration
from ringrift_airflow.local.leftover_jobs import end_jobs
from tests.airflow.place import Place

DAG = "ringrift__square8_2p"
TURN = "manual__2026-01-01T00:00:00+00:00"
OTHER = "scheduled__2026-01-02T00:00:00+00:00"


class Api:
    """A paused loop. When it is triggered, a run of the schedule begins beside the turn."""

    def __init__(self, paused: bool = True) -> None:
        self.paused = paused
        self.runs: dict[str, str] = {}
        self.looks = 0

    def get(self, path: str, **query: Any) -> Any:
        if path == f"/dags/{DAG}/tasks":
            return {"tasks": [{"task_id": "selfplay", "downstream_task_ids": []}]}
        if path == f"/dags/{DAG}":
            return {"is_paused": self.paused}
        if path.endswith("/dagRuns"):
            return {"dag_runs": [{"dag_run_id": run} for run, state in self.runs.items() if state == query["state"]]}
        if path.endswith("/taskInstances"):
            return {"task_instances": []}
        return self.look()

    def look(self) -> Any:
        """The state of the turn, which is done at the second look."""
        self.looks += 1
        if self.looks == 2:
            self.runs[TURN] = "success"
        return {"state": self.runs[TURN]}

    def post(self, path: str, content: Any) -> Any:
        self.runs = {TURN: "running", OTHER: "running"}
        return {"dag_run_id": TURN}

    def patch(self, path: str, content: Any) -> None:
        if "is_paused" in content:
            self.paused = content["is_paused"]
        else:
            run = next(run for run in self.runs if path.endswith(run.replace(":", "%3A").replace("+", "%2B")))
            self.runs[run] = content["state"]


class Interrupted(Api):
    """Somebody presses Ctrl-C at the second look."""

    def look(self) -> Any:
        self.looks += 1
        if self.looks == 2:
            raise KeyboardInterrupt
        return {"state": "running"}


class Dying(Api):
    """It answers no more after the first look."""

    def get(self, path: str, **query: Any) -> Any:
        if self.looks:
            self.looks += 1
            raise NoAnswer("Airflow does not answer")
        return super().get(path, **query)

    def look(self) -> Any:
        self.looks = 1
        return {"state": "running"}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringrift_airflow.local.iteration.POLL", 0.0)


def turn(api: Any) -> AirflowIteration:
    return AirflowIteration(api, DAG, "quick", lambda line: None)


def test_what_runs_beside_the_turn_of_a_paused_loop_ends_with_it() -> None:
    api = Api()
    assert (one := turn(api)).run() == 0
    assert api.paused
    assert api.runs == {TURN: "success", OTHER: "failed"}
    assert one.ended == [OTHER]


def test_the_turn_of_a_loop_that_goes_on_ends_nothing() -> None:
    api = Api(paused=False)
    assert (one := turn(api)).run() == 0
    assert not api.paused
    assert api.runs == {TURN: "success", OTHER: "running"}
    assert one.ended == []


def test_an_interrupted_turn_is_ended() -> None:
    api = Interrupted(paused=False)
    one = turn(api)
    with pytest.raises(KeyboardInterrupt):
        one.run()
    assert api.runs == {TURN: "failed", OTHER: "running"}
    assert one.ended == [TURN]


def test_a_turn_whose_airflow_dies_is_given_up_with_one_line() -> None:
    api = Dying()
    with pytest.raises(NoIteration, match=f"Airflow has died in the middle of the iteration; {TURN[:6]}"):
        turn(api).run()
    assert api.looks >= ANSWERS_MISSED


def test_what_the_work_of_a_stage_says_of_itself_is_the_last_line_of_its_newest_log(place: Place) -> None:
    one = turn(Api())
    one.run_id = TURN
    assert one.last_line("selfplay") == ""
    logs = {
        JobOwner(DAG, "selfplay", 0, TURN): "games: 3 of 9\n",
        JobOwner(DAG, "selfplay", 1, TURN): "games: 4 of 9\ngames: 5 of 9, \x1b[1m\ngames: 6",
        JobOwner(DAG, "selfplay", 2, TURN): "",
        JobOwner(DAG, "selfplay", 0, OTHER): "games: 7 of 9\n",
        JobOwner(DAG, "train", -1, TURN): "steps: 8 of 9\n",
    }
    for age, (owner, text) in enumerate(logs.items()):
        log = place.home / "data" / "jobs" / owner.new_job() / "log"
        log.parent.mkdir(parents=True)
        log.write_text(text)
        os.utime(log, (1000 + age, 1000 + age))
    assert one.last_line("selfplay") == "games: 5 of 9, \\u001b[1m"
    assert one.last_line("train") == "steps: 8 of 9"


def test_jobs_of_ended_runs_are_killed_and_no_others(place: Place) -> None:
    root = str(place.home / "data" / "jobs")
    end_jobs(DAG, [TURN])  # where there are none

    async def states() -> dict[str, State]:
        return await list_jobs(LocalShell(), root)

    async def begin() -> None:
        for run in (TURN, OTHER):
            job = Job(f"{DAG}.train.{run.replace(':', '-')}.1a2b3c4d", root)
            await start_job(LocalShell(), job, Work("sleep 600", str(place.home)))

    asyncio.run(begin())
    end_jobs(DAG, [TURN])
    assert {name.split(".")[2]: state for name, state in asyncio.run(states()).items()} == {
        TURN.replace(":", "-"): State.KILLED,
        OTHER.replace(":", "-"): State.RUNNING,
    }
