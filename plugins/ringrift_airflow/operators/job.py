"""`RemoteJobOperator`: a command on a host that outlives worker, scheduler, triggerer and connection."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from functools import partial
from threading import Event
from typing import Any, ClassVar, Final, TypeVar

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from ringrift.fleet import (
    Ending,
    Job,
    JobTrouble,
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
from ringrift.fleet.hosts import LOCAL, Role, fleet_settings
from ringrift.fleet.ssh import Reaction, reaction_to
from ringrift.game.errors import RingRiftError
from ringrift.pipeline.halt import halted
from ringrift_airflow.avoided import Avoided, avoided_now
from ringrift_airflow.exceptions import (
    NO_ROOM,
    RETRY_POLICY,
    FullDisk,
    HostTrouble,
    JobLost,
    JobOverdue,
    OutOfMemory,
    failure_of,
)
from ringrift_airflow.hooks.placement import abandon, is_abandoned, no_host_for, note, noted, release, take_place
from ringrift_airflow.job_owner import Owner
from ringrift_airflow.operators.haltable import HaltableOperator
from ringrift_airflow.triggers.job import PlaceTrigger, RemoteJobTrigger
from ringrift_airflow.workspace import Site, UnknownHost, ask, have, home, site

STORED: Final = "job"
"""The key of the task's own store under which the job stands."""
RETOLD: Final = 1 << 16
"""Bytes of the log that a later try tells again."""
PATIENCE: Final = 10.0
"""Seconds for which a worker waits itself. A wait in the triggerer lasts as long at least, and two processes more."""
POLL: Final = 0.3
ROOM: Final = 1 << 20
"""Bytes that must be free on another machine for a failure there to be the job's own fault."""

T = TypeVar("T")


class RemoteJobOperator(HaltableOperator):
    """Run a command for `bash -c` on a host as a job, and wait for it.

    Before the job starts, its name is written into the task's store. So a later try finds it: a job that runs is waited
    for again, one that has ended well is not repeated, everything else gets a new job. A halt kills the job and waits
    for the resume; to clear or to mark the task kills it, too.

    With a role, the host is chosen when the job is about to start, and another one when that falls silent or turns out
    to be unfit; while no host is free, the task waits.

    :param command: for `bash -c`; what it writes to `$RINGRIFT_JOB/output` is the task's result.
    :param host: a host of the settings; `local` is this machine.
    :param role: what a host of the settings must be for; if there is none for it, `host` does it.
    :param deadline: when the job is killed, counted from its start.
    :param gpus: how many GPUs the job locks.
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
        role: Role | None = None,
        environment: dict[str, str] | None = None,
        gpus: int = 0,
        deadline: timedelta = timedelta(hours=1),
        poll: timedelta = timedelta(seconds=5),
        deferrable: bool = True,
        retries: int = 2,
        **kwargs: Any,
    ) -> None:
        super().__init__(**({"retry_policy": RETRY_POLICY} | kwargs), retries=retries)
        self.command = command
        self.host = host
        self.role = role
        self.environment = environment or {}
        self.gpus = gpus
        self.deadline = deadline
        self.poll = poll
        self.deferrable = deferrable
        self.last_line = ""
        self.site = Site(LOCAL, "", "", "")
        """Of the host, once that is known."""
        self._killed = Event()

    # What a subclass may say.

    def prepare(self, context: Context) -> None:
        """What has to be done before the job can start on `site`."""

    def fitness(self, gpus: Sequence[int]) -> str:
        """Text of shell that fails, and says why in a line, on another machine that lacks what the job needs."""
        if not gpus:
            return ""
        said = f"it has $gpus GPUs, and number {max(gpus)} is wanted: is the driver there? see nvidia-smi"
        return (
            "gpus=$(nvidia-smi -L 2>/dev/null | grep -c ^GPU)\n"
            f'[ "$gpus" -gt {max(gpus)} ] || {{ echo "{said}" >&2; exit 1; }}\n'
        )

    def command_line(self, context: Context) -> str:
        """The command; asked for when a job is about to start."""
        return self.command

    def result(self, output: bytes, code: int, context: Context) -> Any:
        """What the task returns."""
        return output.decode(errors="replace").strip() or None

    # What Airflow calls.

    def work(self, context: Context) -> Any:
        """Find the job of an earlier try, or start one; then wait."""
        job, deadline, offset = self._found(context) or self._started(context)
        patience = fleet_settings().jobs.patience_minutes * 60.0 if self.site.remote else None
        if self.deferrable and not self._ask(lambda shell: self._ends_soon(shell, job)):
            if self._killed.is_set():
                if self.site.remote:
                    abandon(job.name)  # unless it answers now, it is killed as soon as it does
                with self._explained():
                    self._ask(lambda shell: kill_job(shell, job))
                self._forget(context)
                raise JobLost(f"job {job.name} was killed with its task")
            poll = self.poll.total_seconds()
            trigger = RemoteJobTrigger(
                self.site.host, job.name, job.root, str(home()), deadline, poll, offset, patience
            )
            self.defer(trigger=trigger, method_name="finish")
        stop = lambda: "killed with its task" if self._killed.is_set() else halted(home())  # noqa: E731
        try:
            ending = self._ask(
                lambda shell: watch_job(
                    *(shell, job),
                    deadline=deadline,
                    poll=POLL,
                    tell=self.log.info,
                    stop=stop,
                    offset=offset,
                    patience=patience,
                    note=partial(noted, self.site.host),
                )
            )
        except RingRiftError as error:
            note(self.site.host, error)
            return self._elsewhere(context, str(error), reaction_to(error))
        return self.finish(context, asdict(ending))

    def finish(self, context: Context, event: dict[str, Any]) -> Any:
        """The job needs no waiting any more: say what became of it."""
        store = context["task_state_store"]
        stored = _stored(store.get(STORED))
        if stored is None:
            raise JobLost("the task's store has forgotten its job")
        job = Job(stored["name"], stored["root"])
        with self._explained():
            self.site = site(stored["host"])
        if event["why"] == "trouble":
            return self._elsewhere(context, event["detail"], Reaction(event["reaction"]))
        ending = Ending(**event)
        if ending.why == "silent":
            minutes = fleet_settings().jobs.patience_minutes
            return self._elsewhere(context, f"{ending.detail}; no answer for {minutes:g} minutes", Reaction.LATER)
        if ending.why == "stopped":
            self.log.warning("%s", ending.detail)
            self._forget(context)
            if self._killed.is_set():
                raise JobLost(f"job {job.name} was killed with its task")
            return self.execute(context)  # waits for the resume
        if ending.why == "overdue":
            if ending.state is None:
                self._forget(context, may_run=True)
                raise HostTrouble(f"{ending.detail}; nobody knows what became of job {job.name}")
            self._forget(context)
            raise JobOverdue(f"job {job.name} has not ended within {self.deadline} and was killed")
        if ending.state != State.DONE:
            raise JobLost(f"job {job.name} is {ending.state} on {self.site.host}")
        if ending.code not in self.success_codes:
            failure = failure_of(job.name, ending.code, ending.last_line)
            too_small = isinstance(failure, FullDisk | OutOfMemory) and self.site.remote
            if too_small and not self._avoid(context, ending.last_line) and isinstance(failure, OutOfMemory):
                Avoided(store).clear()  # of hosts that are all too small now, one may have more memory left later
            if isinstance(failure, FullDisk) and self.site.remote:
                return self._elsewhere(context, str(failure), Reaction.ELSEWHERE, may_run=False)
            self._forget(context)
            raise failure
        self.last_line = ending.last_line
        with self._explained():
            output = self._ask(lambda shell: read_output(shell, job))
            if self.site.remote:
                release(job.name)
            try:
                result = self.result(output, ending.code or 0, context)
            except (AirflowException, JobTrouble):
                # An answer, and no trouble on the way to it: who asks again, asks anew.
                store.delete(STORED)
                raise
        store.delete(STORED)
        Avoided(store).clear()
        return result

    def on_kill(self) -> None:
        """The worker is told to stop: so is the job, by whoever watches it in this process."""
        self._killed.set()

    # What it is made of.

    def _found(self, context: Context) -> tuple[Job, float, int] | None:
        """The job of an earlier try, its deadline, and the byte of its log to go on from; None if a new one is due."""
        stored = _stored(context["task_state_store"].get(STORED))
        if stored is None:
            return None
        job = Job(stored["name"], stored["root"])
        try:
            self.site = site(stored["host"])
            if self.site.remote and is_abandoned(job.name, self.site.host):
                self._end_abandoned(context, job)
                return None
            status = self._ask(lambda shell: status_of_job(shell, job))
            waits = status.state is State.RUNNING or (status.state is State.DONE and status.code in self.success_codes)
            if waits:
                self.log.info("job %s of an earlier try is %s, process %s", job.name, status.state, status.pid)
                return job, stored["deadline"], max(0, status.log_size - RETOLD)
            self.log.info("job %s of an earlier try is %s; another one is started", job.name, status.state)
            self._ask(lambda shell: kill_job(shell, job))  # of a lost one there may be processes left
        except UnknownHost as error:
            self.log.warning("%s; job %s is forgotten", error, job.name)
        except Unreachable as error:
            if not self.site.remote:
                raise HostTrouble(str(error)) from None
            self.log.warning("%s; job %s of an earlier try may be running there, and is waited for", error, job.name)
            return job, stored["deadline"], 0
        except RingRiftError as error:
            note(self.site.host, error)
            self._give_up(context, str(error), reaction_to(error))
            return None
        self._forget(context)
        return None

    def _end_abandoned(self, context: Context, job: Job) -> None:
        """The task was cleared while the host of its job was silent: that job ends, now or when the host answers."""
        self.log.info("job %s of an earlier try was given up; another one is started", job.name)
        may_run = False
        try:
            self._ask(lambda shell: kill_job(shell, job))
        except RingRiftError as error:
            self.log.warning("%s; job %s is killed as soon as the host answers", error, job.name)
            may_run = True
        self._forget(context, may_run=may_run)

    def _started(self, context: Context) -> tuple[Job, float, int]:
        """A new job on a host that takes it, written down before it starts."""
        store = context["task_state_store"]
        silent: dict[str, str] = {}
        while True:
            name = Owner.of(context["ti"]).new_job()
            host, gpus = self._place(name, context, silent)
            try:
                self.site = site(host)
            except UnknownHost as error:
                raise AirflowFailException(str(error)) from None
            try:
                job = Job(name, self.site.jobs)
                deadline = self._write_down(context, job)
                if lack := self._lack(gpus):
                    self._avoid(context, lack)
                    self._give_up(context, lack, Reaction.ELSEWHERE, may_run=False)
                    continue
                self.prepare(context)
                if self._place(name, context, silent) != (host, gpus):  # it took so long that others came
                    self._forget(context)
                    continue
                deadline = self._write_down(context, job)
                command = self.command_line(context)
                text = _or_full_disk(command) if self.site.remote else command
                work = Work(text, self.site.home, gpus, self.environment | Owner.of(context["ti"]).environment)
                self._ask(partial(start_job, job=job, work=work))
            except RingRiftError as error:
                note(host, error)
                self._give_up(context, str(error), reaction_to(error), may_run=not isinstance(error, JobTrouble))
                silent[host] = str(error)
                if isinstance(error, JobTrouble) and not self._avoid(context, str(error)):
                    Avoided(store).clear()
                    raise HostTrouble(f"no host can start the job: {self._named(str(error))}") from None
            else:
                self.log.info("job %s on %s: %s", job.name, host, command)
                return job, deadline, 0

    def _write_down(self, context: Context, job: Job) -> float:
        """Let later tries know of a job that begins now; its deadline."""
        deadline = time.time() + self.deadline.total_seconds()
        context["task_state_store"].set(
            STORED, {"name": job.name, "root": job.root, "host": self.site.host, "deadline": deadline}
        )
        return deadline

    def _lack(self, gpus: Sequence[int]) -> str | None:
        """What the host lacks for the job, in a line."""
        script = self.fitness(gpus).encode() if self.site.remote else b""
        if not script:
            return None
        answer = self._ask(lambda shell: shell.run(script))
        return (answer.err.splitlines() or [f"exit code {answer.code}"])[-1] if answer.code else None

    def _place(self, job: str, context: Context, silent: dict[str, str]) -> tuple[str, tuple[int, ...]]:
        """A host for a job and the numbers of its GPUs there; where there is none now, the task waits for one."""
        if self.role is None or not have(self.role):
            return self.host, tuple(range(self.gpus))
        from ringrift.fleet.health import NoHost  # late: it takes a second

        avoided = Avoided(context["task_state_store"])
        unfit = avoided_now(avoided.noted)
        if never := no_host_for(self.role, self.gpus, unfit):
            avoided.clear()
            raise AirflowFailException(never)
        try:
            place = take_place(job, self.role, self.gpus, unfit | silent)
        except NoHost as error:
            self.log.warning("%s; the task waits", error)
            self.defer(trigger=PlaceTrigger(self.role, self.gpus, avoided.noted), method_name="go_on")
        return place.host, place.gpus

    def _avoid(self, context: Context, why: str) -> bool:
        """Choose other hosts for a while; whether there is another one."""
        avoided = Avoided(context["task_state_store"])
        avoided.add(self.site.host, why)
        return self.role is not None and no_host_for(self.role, self.gpus, avoided_now(avoided.noted)) is None

    def _elsewhere(self, context: Context, said: str, reaction: Reaction, *, may_run: bool = True) -> Any:
        """The host cannot be relied on: begin again on another one."""
        self._give_up(context, said, reaction, may_run=may_run)
        return self.execute(context)

    def _give_up(self, context: Context, said: str, reaction: Reaction, *, may_run: bool = True) -> None:
        """Leave a job on a host in trouble to itself; `AirflowFailException` if no other host can help.

        Where there is no other host to choose, `HostTrouble`: a later try goes on with the job that is written down.
        """
        said = self._named(said)
        if reaction is Reaction.NEVER:
            self._forget(context, may_run=may_run)
            raise AirflowFailException(said)
        if self.role is None or not have(self.role):
            raise HostTrouble(said)
        self.log.warning("%s; another host is taken (%s)", said, reaction)
        self._forget(context, may_run=may_run)

    def _forget(self, context: Context, *, may_run: bool = False) -> None:
        """The task has no job any more; one that may still run is killed as soon as its host answers."""
        store = context["task_state_store"]
        stored = _stored(store.get(STORED))
        if stored is not None and stored["host"] != LOCAL:
            abandon(stored["name"]) if may_run else release(stored["name"])
        store.delete(STORED)

    async def _ends_soon(self, shell: Shell, job: Job) -> bool:
        """Wait for the end of a job for as long as a worker waits."""
        give_up = time.monotonic() + PATIENCE
        try:
            while time.monotonic() < give_up and not self._killed.is_set() and halted(home()) is None:
                if (await status_of_job(shell, job, limit=0)).state is not State.RUNNING:
                    return True
                await asyncio.sleep(POLL)
        except RingRiftError as error:
            self.log.warning("%s; the triggerer, which has more patience, asks again", error)
        return False

    def _ask(self, question: Callable[[Shell], Coroutine[Any, Any, T]]) -> T:
        """Talk to the host from a task's process."""
        return ask(self.site.host, question)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """What goes wrong with the host inside the block may go right in a later try."""
        try:
            yield
        except RingRiftError as error:
            raise HostTrouble(self._named(str(error))) from None

    def _named(self, said: str) -> str:
        """What went wrong, with the host in front."""
        return said if said.startswith(f"{self.site.host}: ") else f"{self.site.host}: {said}"


def _stored(value: Any) -> dict[str, Any] | None:
    """What an earlier try has written down."""
    return value if isinstance(value, dict) and {"name", "root", "host", "deadline"} <= set(value) else None


def _or_full_disk(command: str) -> str:
    """A command that ends with `NO_ROOM`, and a line, if it fails where the disk is full: others may have room."""
    return (
        f"( {command}\n) && exit\ncode=$?\n"
        f'head -c {ROOM} /dev/zero >"$RINGRIFT_JOB/room" || {{ echo "its disk is full" >&2; code={NO_ROOM}; }}\n'
        'rm -f "$RINGRIFT_JOB/room"\nexit "$code"\n'
    )
