"""`RemoteJobOperator`: a command on a host that outlives worker, scheduler, triggerer and connection."""

from __future__ import annotations

import asyncio
import contextlib
import re
import secrets
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import asdict
from datetime import timedelta
from threading import Event
from typing import Any, ClassVar, Final, TypeVar

from airflow.sdk import BaseOperator, Context

from ringrift.fleet import (
    Ending,
    Job,
    Shell,
    State,
    Unreachable,
    Work,
    kill_job,
    read_output,
    start_job,
    status_of_job,
    watch_job,
)
from ringrift.game.errors import RingRiftError
from ringrift.pipeline.halt import halted
from ringrift_airflow.failures import RETRY_POLICY, HostTrouble, JobFailed, JobLost, JobOverdue, OutOfMemory, WrongUse
from ringrift_airflow.triggers import RemoteJobTrigger, ResumeTrigger
from ringrift_airflow.workspace import JOBS, LOCAL, home, open_shell

STORED: Final = "job"
"""The key of the task's own store under which the job stands."""
RETOLD: Final = 1 << 16
"""Bytes of the log that a later try tells again."""
PATIENCE: Final = 10.0
"""Seconds for which a worker waits itself. A wait in the triggerer lasts as long at least, and two processes more."""
POLL: Final = 0.3
WRONG_USE, SHOT = 2, 137

T = TypeVar("T")


class RemoteJobOperator(BaseOperator):
    """Run a command for `bash -c` on a host as a job, and wait for it.

    Before the job starts, its name is written into the task's store. So a later try finds it: a job that runs is waited
    for again, one that has ended well is not repeated, everything else gets a new job. A halt kills the job and waits
    for the resume; to clear or to mark the task kills it, too.

    :param command: for `bash -c`; what it writes to `$RINGRIFT_JOB/output` is the task's result.
    :param host: a host of the settings; `local` is this machine.
    :param deadline: when the job is killed, counted from its start.
    :param gpus: numbers of the GPUs that the job locks.
    :param deferrable: what is not done within seconds is waited for in the triggerer, which costs no worker.
    """

    template_fields: Sequence[str] = ("command", "host", "environment")
    ui_color = "#e8f0fe"

    success_codes: ClassVar[frozenset[int]] = frozenset({0})

    def __init__(
        self,
        *,
        command: str,
        host: str = LOCAL,
        environment: dict[str, str] | None = None,
        gpus: Sequence[int] = (),
        deadline: timedelta = timedelta(hours=1),
        poll: timedelta = timedelta(seconds=5),
        deferrable: bool = True,
        retries: int = 2,
        **kwargs: Any,
    ) -> None:
        super().__init__(**({"retry_policy": RETRY_POLICY} | kwargs), retries=retries)
        self.command = command
        self.host = host
        self.environment = environment or {}
        self.gpus = tuple(gpus)
        self.deadline = deadline
        self.poll = poll
        self.deferrable = deferrable
        self.last_line = ""
        self._killed = Event()

    # What a subclass may say.

    def command_line(self, context: Context) -> str:
        """The command; asked for when a job is about to start."""
        return self.command

    def result(self, output: bytes, code: int, context: Context) -> Any:
        """What the task returns."""
        return output.decode(errors="replace").strip() or None

    # What Airflow calls.

    def execute(self, context: Context) -> Any:
        """Find the job of an earlier try, or start one; then wait."""
        reason = halted(home())
        if reason is not None:
            self.log.warning("%s", reason)
            self.defer(trigger=ResumeTrigger(str(home()), 2.0), method_name="go_on")
        job, deadline, offset = self._ask(lambda shell: self._found_or_started(shell, context))
        if self.deferrable and not self._ask(lambda shell: self._ends_soon(shell, job)):
            if self._killed.is_set():
                self._ask(lambda shell: kill_job(shell, job))
                raise JobLost(f"job {job.name} was killed with its task")
            poll = self.poll.total_seconds()
            trigger = RemoteJobTrigger(self.host, job.name, job.root, str(home()), deadline, poll, offset)
            self.defer(trigger=trigger, method_name="finish")
        stop = lambda: "killed with its task" if self._killed.is_set() else halted(home())  # noqa: E731
        ending = self._ask(
            lambda shell: watch_job(
                *(shell, job), deadline=deadline, poll=POLL, tell=self.log.info, stop=stop, offset=offset
            )
        )
        return self.finish(context, asdict(ending))

    def go_on(self, context: Context, event: dict[str, Any] | None = None) -> Any:
        """The halt is over."""
        return self.execute(context)

    def finish(self, context: Context, event: dict[str, Any]) -> Any:
        """The job needs no waiting any more: say what became of it."""
        if event["why"] == "trouble":
            raise HostTrouble(f"{self.host}: {event['detail']}")
        store = context["task_state_store"]
        stored = _stored(store.get(STORED))
        ending = Ending(**event)
        if stored is None:
            raise JobLost("the task's store has forgotten its job")
        job = Job(stored["name"], stored["root"])
        if ending.why == "stopped":
            self.log.warning("%s", ending.detail)
            store.delete(STORED)
            if self._killed.is_set():
                raise JobLost(f"job {job.name} was killed with its task")
            return self.execute(context)  # waits for the resume
        if ending.why == "overdue":
            if ending.state is None:
                raise HostTrouble(f"{self.host}: {ending.detail}; nobody knows what became of job {job.name}")
            store.delete(STORED)
            raise JobOverdue(f"job {job.name} has not ended within {self.deadline} and was killed")
        if ending.state != State.DONE:
            raise JobLost(f"job {job.name} is {ending.state} on {self.host}")
        if ending.code not in self.success_codes:
            store.delete(STORED)
            raise _failure(ending, job)
        self.last_line = ending.last_line
        output = self._ask(lambda shell: read_output(shell, job))
        result = self.result(output, ending.code or 0, context)
        store.delete(STORED)
        return result

    def on_kill(self) -> None:
        """The worker is told to stop: so is the job, by whoever watches it in this process."""
        self._killed.set()

    # What it is made of.

    async def _found_or_started(self, shell: Shell, context: Context) -> tuple[Job, float, int]:
        """The job to wait for, its deadline, and the byte of its log to go on from."""
        store = context["task_state_store"]
        stored = _stored(store.get(STORED))
        if stored is not None and stored["host"] == self.host:
            job = Job(stored["name"], stored["root"])
            status = await status_of_job(shell, job)
            waits = status.state is State.RUNNING or (status.state is State.DONE and status.code in self.success_codes)
            if waits:
                self.log.info("job %s of an earlier try is %s, process %s", job.name, status.state, status.pid)
                return job, stored["deadline"], max(0, status.log_size - RETOLD)
            self.log.info("job %s of an earlier try is %s; another one is started", job.name, status.state)
            await kill_job(shell, job)  # of a lost one there may be processes left
        job = Job(_job_name(context), str(home() / JOBS))
        deadline = time.time() + self.deadline.total_seconds()
        store.set(STORED, {"name": job.name, "root": job.root, "host": self.host, "deadline": deadline})
        command = self.command_line(context)
        await start_job(shell, job, Work(command, str(home()), self.gpus, self.environment))
        self.log.info("job %s on %s: %s", job.name, self.host, command)
        return job, deadline, 0

    async def _ends_soon(self, shell: Shell, job: Job) -> bool:
        """Wait for the end of a job for as long as a worker waits."""
        give_up = time.monotonic() + PATIENCE
        with contextlib.suppress(Unreachable):  # the triggerer has more patience
            while time.monotonic() < give_up and not self._killed.is_set() and halted(home()) is None:
                if (await status_of_job(shell, job, limit=0)).state is not State.RUNNING:
                    return True
                await asyncio.sleep(POLL)
        return False

    def _ask(self, question: Callable[[Shell], Coroutine[Any, Any, T]]) -> T:
        """Talk to the host from a task's process."""

        async def ask() -> T:
            shell = open_shell(self.host)
            try:
                return await question(shell)
            finally:
                await shell.close()

        try:
            return asyncio.run(ask())
        except Unreachable as error:
            raise HostTrouble(str(error)) from None
        except RingRiftError as error:
            raise HostTrouble(f"{self.host}: {error}") from None


def _stored(value: Any) -> dict[str, Any] | None:
    """What an earlier try has written down."""
    return value if isinstance(value, dict) and {"name", "root", "host", "deadline"} <= set(value) else None


def _job_name(context: Context) -> str:
    """A name that tells where the job belongs, and that no other job ever has."""
    ti = context["ti"]
    mapped = "" if (ti.map_index is None or ti.map_index < 0) else f"-{ti.map_index}"
    words = f"{ti.dag_id}.{ti.task_id}{mapped}.{ti.run_id}"
    return f"{re.sub(r'[^A-Za-z0-9._+-]', '-', words)[:180]}.{secrets.token_hex(4)}"


def _failure(ending: Ending, job: Job) -> JobFailed:
    """What an exit code means."""
    said = ending.last_line or f"job {job.name} ended with exit code {ending.code} and has said nothing"
    if ending.code == WRONG_USE:
        return WrongUse(said)
    if ending.code == SHOT:
        return OutOfMemory(f"job {job.name} was shot, as happens when memory runs out; its last words: {said}")
    return JobFailed(f"exit code {ending.code}: {said}")
