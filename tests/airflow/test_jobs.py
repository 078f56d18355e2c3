"""The operator of jobs: what survives, what is started anew, what dies."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from ringrift.fleet import Job, LocalShell, State, Work, kill_job, start_job, status_of_job
from ringrift.fleet.failures import HostTrouble, JobFailed, JobLost, JobOverdue, OutOfMemory, Postponed, WrongUse
from ringrift.pipeline.halt import halt, resume
from ringrift_airflow.job_owner import JobOwner
from ringrift_airflow.operators.fleet import EndOrphanedJobsOperator
from ringrift_airflow.operators.job import RemoteJobOperator
from ringrift_airflow.retries import RETRY_POLICY
from ringrift_airflow.triggers.job import RemoteJobTrigger
from ringrift_airflow.triggers.resume import ResumeTrigger
from tests.airflow.conftest import Tries
from tests.airflow.place import Place
from tests.processes import alive

pytestmark = pytest.mark.slow


def operator(command: str, **keywords: Any) -> RemoteJobOperator:
    return RemoteJobOperator(task_id="task", command=command, **({"deferrable": False} | keywords))


def job_of(tries: Tries) -> Job:
    stored = tries.store["job"]
    return Job(stored["name"], stored["root"])


def pid_of(tries: Tries) -> int:
    while (pid := asyncio.run(status_of_job(LocalShell(), job_of(tries))).pid) is None:
        pass
    return pid


def defer(task: RemoteJobOperator, tries: Tries) -> TaskDeferred:
    with pytest.raises(TaskDeferred) as deferred:
        task.execute(tries.context())
    return deferred.value


def fire(trigger: Any) -> dict[str, Any]:
    """Run a trigger as the triggerer does: made anew from what was kept of it."""
    _, keywords = trigger.serialize()

    async def first() -> Any:
        async for event in type(trigger)(**keywords).run():
            return event.payload
        raise AssertionError("no event")

    found: dict[str, Any] = asyncio.run(first())
    return found


def ran(place: Place) -> list[str]:
    path = place.home / "ran"
    return path.read_text().split() if path.exists() else []


def wait_for(condition: Callable[[], Any]) -> None:
    give_up = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.02)


def test_a_command_runs_in_the_workspace_and_its_output_is_the_result(place: Place, tries: Tries) -> None:
    task = operator('pwd; echo $COLOUR >"$RINGRIFT_JOB/output"', environment={"COLOUR": "blue"})
    assert task.execute(tries.context()) == "blue"
    assert tries.store == {}
    assert [path.name[:11] for path in (place.home / "data" / "jobs").iterdir()] == ["loop.task.s"]


def test_a_job_sees_nothing_of_airflows_settings(place: Place, tries: Tries, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_SECRET", "password")
    assert operator('env | grep -c AIRFLOW >"$RINGRIFT_JOB/output"; true').execute(tries.context()) == "0"


def test_waiting_in_the_triggerer_gives_the_same(place: Place, tries: Tries) -> None:
    task = operator('echo 3 >"$RINGRIFT_JOB/output"', deferrable=True)
    deferred = defer(task, tries)
    assert deferred.method_name == "finish"
    assert operator("", deferrable=True).finish(tries.context(), fire(deferred.trigger)) == "3"
    assert tries.store == {}


def test_a_short_job_is_waited_for_in_the_worker(place: Place, tries: Tries, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ringrift_airflow.operators.job.PATIENCE", 20.0)
    task = operator('echo 3 >"$RINGRIFT_JOB/output"', deferrable=True)
    assert task.execute(tries.context()) == "3"
    monkeypatch.setattr("ringrift_airflow.operators.job.PATIENCE", 0.5)
    defer(operator("sleep 30", deferrable=True), tries)


def test_a_later_try_waits_for_the_job_of_the_first_and_starts_none(place: Place, tries: Tries) -> None:
    task = operator("echo ran >>ran; sleep 1", deferrable=True)
    defer(task, tries)
    pid = pid_of(tries)
    deferred = defer(task, tries)  # the worker died, and another one took over
    assert pid_of(tries) == pid
    task.finish(tries.context(), fire(deferred.trigger))
    assert ran(place) == ["ran"]


def test_a_job_that_ended_while_nobody_looked_is_not_repeated(place: Place, tries: Tries) -> None:
    task = operator('echo ran >>ran; echo 5 >"$RINGRIFT_JOB/output"')
    defer(operator(task.command, deferrable=True), tries)
    wait_for(lambda: asyncio.run(status_of_job(LocalShell(), job_of(tries))).state is State.DONE)
    assert task.execute(tries.context()) == "5"
    assert ran(place) == ["ran"]


def test_a_start_that_was_written_down_and_never_happened_is_made_up_for(place: Place, tries: Tries) -> None:
    root = str(place.home / "data" / "jobs")
    tries.store.set("job", {"name": "planned", "root": root, "host": "local", "deadline": time.time() + 60})
    operator("echo ran >>ran").execute(tries.context())
    assert ran(place) == ["ran"]


@pytest.mark.parametrize("loss", ["killed", "lost"])
def test_a_job_that_was_killed_or_lost_is_started_anew_and_nothing_is_left_of_it(
    loss: str, place: Place, tries: Tries
) -> None:
    task = operator("echo ran >>ran; echo $$ >>left; sleep 60", deferrable=True)
    defer(task, tries)
    wait_for(lambda: (place.home / "left").exists() and (place.home / "left").read_text())
    if loss == "killed":
        asyncio.run(kill_job(LocalShell(), job_of(tries)))
    else:
        os.kill(pid_of(tries), signal.SIGKILL)
    operator("echo ran >>ran").execute(tries.context())
    assert ran(place) == ["ran", "ran"]
    assert not alive(int((place.home / "left").read_text()))


def test_a_lost_job_is_told_and_tried_again(place: Place, tries: Tries) -> None:
    task = operator("sleep 60", deferrable=True)
    deferred = defer(task, tries)
    os.kill(pid_of(tries), signal.SIGKILL)
    with pytest.raises(JobLost, match="is lost on local"):
        task.finish(tries.context(), fire(deferred.trigger))
    assert "job" in tries.store  # so that the next try clears up


@pytest.mark.parametrize(
    ("command", "failure", "words"),
    [
        ("echo working; echo 'error: no such config' >&2; exit 2", WrongUse, "^error: no such config$"),
        ("echo a; exit 1", JobFailed, "^exit code 1: a$"),
        ("echo a; kill -9 $$", OutOfMemory, "was shot, as happens when memory runs out; the last line of its log: "),
        ("echo 'error: busy' >&2; exit 75", Postponed, "^error: busy$"),
        ("exit 5", JobFailed, "an empty log"),
    ],
)
def test_a_failure_says_the_last_line_and_the_next_try_starts_anew(
    command: str, failure: type[Exception], words: str, place: Place, tries: Tries
) -> None:
    with pytest.raises(failure, match=words) as raised:
        operator(command).execute(tries.context())
    assert type(raised.value) is failure
    assert tries.store == {}


def test_wrong_use_is_not_tried_again_and_trouble_with_hosts_is(place: Place) -> None:
    decisions = {kind: RETRY_POLICY.evaluate(kind("x"), 1, 3) for kind in (WrongUse, OutOfMemory, HostTrouble, JobLost)}
    assert [decision.action.value for decision in decisions.values()] == ["fail", "retry", "retry", "retry"]
    assert RETRY_POLICY.evaluate(JobFailed("x"), 1, 3).action.value == "default"
    assert operator("true").retries == 2


def test_a_job_is_killed_at_its_deadline(place: Place, tries: Tries) -> None:
    task = operator("echo ran >>ran; sleep 60", deadline=timedelta(seconds=1))
    with pytest.raises(JobOverdue, match="has not ended within 0:00:01 and was killed"):
        task.execute(tries.context())
    assert tries.store == {}


def test_a_task_that_is_killed_kills_its_job(place: Place, tries: Tries) -> None:
    task = operator("echo ran >>ran; sleep 60")
    killer = threading.Thread(target=lambda: (wait_for(lambda: ran(place)), task.on_kill()))
    killer.start()
    with pytest.raises(JobLost, match="was killed with its task"):
        task.execute(tries.context())
    killer.join()


def test_a_deferred_task_that_is_cleared_or_marked_kills_its_job(place: Place, tries: Tries) -> None:
    deferred = defer(operator("sleep 60", deferrable=True), tries)
    trigger = deferred.trigger
    assert isinstance(trigger, RemoteJobTrigger)
    asyncio.run(trigger.on_kill())
    assert asyncio.run(status_of_job(LocalShell(), job_of(tries))).state is State.KILLED


@pytest.mark.parametrize("state", ["failed", "success", "skipped", "gone"])
def test_a_job_that_no_task_waits_for_is_ended(state: str, place: Place, tries: Tries) -> None:
    """As after a task that waits for its next try is marked: nobody watches its job."""
    run, tender = tries.context()["run_id"], EndOrphanedJobsOperator(task_id="end_orphans")
    defer(operator("sleep 60", deferrable=True), tries)
    job, pid = job_of(tries), pid_of(tries)
    for waiting in ("up_for_retry", "deferred", None):
        tries.states = {(run, "task"): waiting}
        assert tender.execute(tries.context()) == {"ended": {"local": []}}
    assert alive(pid)
    tries.states = {} if state == "gone" else {(run, "task"): state}
    assert tender.execute(tries.context()) == {"ended": {"local": [job.name]}}
    assert asyncio.run(status_of_job(LocalShell(), job)).state is State.KILLED
    assert not alive(pid)
    assert tender.execute(tries.context()) == {"ended": {"local": []}}


def test_of_jobs_that_nobody_has_put_down_to_a_task_none_is_ended(place: Place, tries: Tries) -> None:
    job = Job("by-hand", str(place.home / "data" / "jobs"))
    asyncio.run(start_job(LocalShell(), job, Work("sleep 60", str(place.home))))
    assert EndOrphanedJobsOperator(task_id="end_orphans").execute(tries.context()) == {"ended": {"local": []}}
    assert asyncio.run(status_of_job(LocalShell(), job)).state is State.RUNNING


def test_owners_are_told_apart_by_their_shard_and_temporary_runs_are_left_alone() -> None:
    asked = SimpleNamespace(get_task_states=lambda **_: {"r": {"selfplay_0": "failed", "selfplay_1": "running"}})
    assert [JobOwner("loop", "selfplay", shard, "r").waits(asked) for shard in (0, 1, 2)] == [False, True, False]
    assert JobOwner("loop", "selfplay", 0, "__airflow_temporary_run_2026").waits(asked)


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_halt_kills_the_job_and_waits_and_the_resume_starts_it_anew(
    deferrable: bool, place: Place, tries: Tries
) -> None:
    task = operator("echo ran >>ran; [ -e resumed ] || sleep 60", deferrable=deferrable)
    if deferrable:
        watched = defer(task, tries)
        wait_for(lambda: ran(place))
        halt("no power", place.home)
        event = fire(watched.trigger)
        with pytest.raises(TaskDeferred) as waits:
            task.finish(tries.context(), event)
    else:
        halter = threading.Thread(target=lambda: (wait_for(lambda: ran(place)), halt("no power", place.home)))
        halter.start()
        with pytest.raises(TaskDeferred) as waits:
            task.execute(tries.context())
        halter.join()
    assert isinstance(waits.value.trigger, ResumeTrigger)
    assert tries.store == {}
    (place.home / "resumed").touch()
    resume(place.home)
    assert fire(waits.value.trigger) == {"why": "resumed"}
    operator(task.command).go_on(tries.context(), {"why": "resumed"})
    assert ran(place) == ["ran", "ran"]


def test_nothing_starts_while_the_loop_is_halted(place: Place, tries: Tries) -> None:
    halt("no power", place.home)
    deferred = defer(operator("echo ran >>ran"), tries)
    assert isinstance(deferred.trigger, ResumeTrigger)
    assert ran(place) == []


def test_what_a_host_cannot_do_is_one_line_in_the_log(place: Place, tries: Tries) -> None:
    (place.home / "data").mkdir()
    (place.home / "data" / "jobs").write_text("no folder")
    with pytest.raises(HostTrouble, match=r"^local: .*data/jobs: cannot be made$"):
        operator("true").execute(tries.context())
    with pytest.raises(AirflowFailException, match=r"^host 'gpu-1': unknown; known are local$"):
        operator("true", host="gpu-1").execute(Tries().context())
