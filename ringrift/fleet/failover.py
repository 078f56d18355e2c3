"""Fail-over: one piece of work is carried to its end by jobs on whichever host can do it, over all tries of its task.

The name of a job is remembered before the job starts. So a later try finds it: a job that runs is waited for again, one
that has ended well is not repeated, everything else gets a new job. A host in trouble is left for another one; its job
is killed as soon as it answers.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from functools import partial
from typing import Any, Final, Protocol, TypeVar

from ringrift.errors import RingRiftError
from ringrift.fleet.failures import (
    FullDisk,
    HostTrouble,
    JobLost,
    JobOverdue,
    NoHostLeft,
    OutOfMemory,
    WorkFailed,
    failure_of,
    or_full_disk,
)
from ringrift.fleet.fleet import Fleet
from ringrift.fleet.hosts import LOCAL, Role
from ringrift.fleet.jobs import Job, State, Work, kill_job, read_output, start_job, status_of_job
from ringrift.fleet.placement import ExcludedHosts, Memory, Needs, never_placed
from ringrift.fleet.shell import JobTrouble, Shell, Unreachable
from ringrift.fleet.site import Site, UnknownHost
from ringrift.fleet.ssh import Reaction, reaction_to
from ringrift.fleet.watch import Ending, watch_job

JOB: Final = "job"
"""The key under which a task remembers its job."""
RETOLD: Final = 1 << 16
"""Bytes of the log that a later try tells again."""

POLL: Final = 0.3
"""Seconds between two questions of whoever has nothing else to do."""

T = TypeVar("T")


class Log(Protocol):
    """The line for people."""

    def info(self, message: Any, /, *words: Any) -> Any: ...

    def warning(self, message: Any, /, *words: Any) -> Any: ...


class JobSpec(Protocol):
    """A piece of work, as its task describes it."""

    host: str
    """The host where no host has the role; `local` is this machine."""
    role: Role | None
    needs: Needs
    """The needs of the job, of which its host has to bear all."""
    seconds: float
    """The time from the start of a job until it is killed."""
    success_codes: frozenset[int]

    def new_name(self) -> str:
        """Return a name that no other job ever has."""
        ...

    def requirements(self, site: Site, gpus: Sequence[int]) -> str:
        """Return text of shell that fails, and says why in a line, on another machine that lacks what the job needs."""
        ...

    def prepare(self, site: Site) -> None:
        """Do what has to be done before the job can start."""
        ...

    def command(self, site: Site) -> str:
        """Return the command for `bash -c`; asked for when a job is about to start."""
        ...

    def environment(self) -> Mapping[str, str]:
        """Return the variables of the job's environment."""
        ...


@dataclass(frozen=True)
class RunningJob:
    """A job that is to be waited for."""

    job: Job
    host: str
    deadline: float
    """Seconds since 1970."""
    offset: int = 0
    """The byte of its log to go on from."""


@dataclass(frozen=True)
class Finished:
    """A job that has ended well."""

    output: bytes
    code: int
    last_line: str
    """The last line of its log."""


def trouble(error: RingRiftError) -> dict[str, Any]:
    """Return what is told, in place of an `Ending`, of a job whose host cannot be asked."""
    return {"why": "trouble", "detail": str(error), "reaction": reaction_to(error)}


class Failover:
    """Finds, starts and finishes the jobs of a piece of work; `WorkFailed` where none can come to a good end."""

    def __init__(self, spec: JobSpec, memory: Memory, fleet: Fleet, log: Log) -> None:
        self.spec = spec
        self.fleet = fleet
        self.excluded = ExcludedHosts(memory, float(fleet.settings.health.unfit_minutes))
        self.site = fleet.site(LOCAL)
        """The host of the job, once that is known."""
        self._memory = memory
        self._log = log

    def resume(self) -> RunningJob | None:
        """Find the job of an earlier try; None if a new one is due."""
        running = self.remembered()
        if running is None:
            return None
        job = running.job
        try:
            if self.site.remote and self.fleet.is_abandoned(job.name, self.site.host):
                self._end_abandoned(job)
                return None
            status = self.ask(lambda shell: status_of_job(shell, job))
            if status.state is State.RUNNING or (status.state is State.DONE and status.code in self.spec.success_codes):
                self._log.info("job %s of an earlier try is %s, process %s", job.name, status.state, status.pid)
                return RunningJob(job, running.host, running.deadline, max(0, status.log_size - RETOLD))
            self._log.info("job %s of an earlier try is %s; another one is started", job.name, status.state)
            self.ask(lambda shell: kill_job(shell, job))  # of a lost one there may be processes left
        except Unreachable as error:
            if not self.site.remote:
                raise HostTrouble(str(error)) from None
            self._log.warning("%s; job %s of an earlier try may run there, and is waited for", error, job.name)
            return running
        except RingRiftError as error:
            self.fleet.note(self.site.host, error)
            self.begin_again(str(error), reaction_to(error))
            return None
        self.forget()
        return None

    def remembered(self) -> RunningJob | None:
        """Return the job that is written down, without a question to its host; None if there is none."""
        stored = self._memory.get(JOB)
        if not isinstance(stored, dict) or not {"name", "root", "host", "deadline"} <= set(stored):
            return None
        try:
            self.site = self.fleet.site(stored["host"])
        except UnknownHost as error:
            self._log.warning("%s; job %s is forgotten", error, stored["name"])
            self.forget()
            return None
        # Of a clock that was ahead when it was written down, no more counts than the job may take in all.
        deadline = min(stored["deadline"], time.time() + self.spec.seconds)
        return RunningJob(Job(stored["name"], stored["root"]), stored["host"], deadline)

    def start(self) -> RunningJob:
        """Start a new job on a host that takes it; `NoHost` where there is none now."""
        silent: dict[str, str] = {}
        while True:
            name = self.spec.new_name()
            host, gpus = self._place(name, silent)
            try:
                self.site = self.fleet.site(host)
            except UnknownHost as error:
                raise NoHostLeft(str(error)) from None
            try:
                job = Job(name, self.site.jobs)
                self._remember(job)
                if lack := self._lack(gpus):
                    self.exclude(lack)
                    self.begin_again(lack, Reaction.ELSEWHERE, may_run=False)
                    continue
                self.spec.prepare(self.site)
                if self._place(name, silent) != (host, gpus):  # it took so long that others came
                    self.forget()
                    continue
                deadline = self._remember(job)
                command = self.spec.command(self.site)
                text = or_full_disk(command) if self.site.remote else command
                # This machine's GPUs are whose they are; of another one, a job sees those that it has locked.
                locked = gpus if gpus or self.site.remote else None
                work = Work(text, self.site.home, locked, self.spec.environment())
                self.ask(partial(start_job, job=job, work=work))
            except WorkFailed:
                raise
            except RingRiftError as error:
                self.fleet.note(host, error)
                self.begin_again(str(error), reaction_to(error), may_run=not isinstance(error, JobTrouble))
                silent[host] = str(error)
                if isinstance(error, JobTrouble) and not self.exclude(str(error)):
                    self.excluded.clear()
                    raise HostTrouble(f"no host can start the job: {self.named(str(error))}") from None
            else:
                self._log.info("job %s on %s: %s", job.name, host, command)
                return RunningJob(job, host, deadline)

    def finish(self, job: Job, ending: Ending) -> Finished | None:
        """Take what came of a job; None if the work has to begin again, at once or after a halt."""
        if ending.why == "silent":
            minutes = self.fleet.settings.jobs.patience_minutes
            self.begin_again(f"{ending.detail}; no answer for {minutes:g} minutes", Reaction.LATER)
            return None
        if ending.why == "stopped":
            self._log.warning("%s", ending.detail)
            self.forget()
            return None
        if ending.why == "overdue":
            if ending.state is None:
                self.forget(may_run=True)
                raise HostTrouble(f"{ending.detail}; what became of job {job.name} is not known")
            self.forget()
            raise JobOverdue(
                f"job {job.name} has not ended within {timedelta(seconds=self.spec.seconds)} and was killed"
            )
        if ending.state != State.DONE:
            raise JobLost(f"job {job.name} is {ending.state} on {self.site.host}")
        if ending.code not in self.spec.success_codes:
            self._failed(job, ending)
            return None
        with self.explained():
            output = self.ask(lambda shell: read_output(shell, job))
            if self.site.remote:
                self.fleet.release(job.name)
        return Finished(output, ending.code or 0, ending.last_line)

    @property
    def patience(self) -> float | None:
        """The seconds for which a silent host is asked again; None for this machine, which is never silent for good."""
        return self.fleet.settings.jobs.patience_minutes * 60.0 if self.site.remote else None

    def ends_within(self, job: Job, seconds: float, stop: Callable[[], str | None]) -> bool:
        """Wait a while for the end of a job; return whether it has come."""

        async def look(shell: Shell) -> bool:
            give_up = time.monotonic() + seconds
            while time.monotonic() < give_up and stop() is None:
                if (await status_of_job(shell, job, limit=0)).state is not State.RUNNING:
                    return True
                await asyncio.sleep(POLL)
            return False

        try:
            return self.ask(look)
        except RingRiftError as error:
            self._log.warning("%s; the triggerer, which has more patience, asks again", error)
            return False

    def watch(self, running: RunningJob, stop: Callable[[], str | None]) -> dict[str, Any]:
        """Wait for the end of a job; return an `Ending`, or the trouble with its host, as a dictionary."""

        async def note(error: RingRiftError | None) -> None:
            await asyncio.to_thread(self.fleet.note, running.host, error)

        async def wait(shell: Shell) -> Ending:
            return await watch_job(
                *(shell, running.job),
                deadline=running.deadline,
                poll=POLL,
                tell=self._log.info,
                stop=stop,
                offset=running.offset,
                patience=self.patience,
                note=note,
            )

        try:
            return asdict(self.ask(wait))
        except RingRiftError as error:
            self.fleet.note(running.host, error)
            return trouble(error)

    def done(self) -> None:
        """Forget a job whose result is used."""
        self._memory.delete(JOB)

    def forget(self, *, may_run: bool = False) -> None:
        """Forget the job; one that may still run is killed as soon as its host answers."""
        stored = self._memory.get(JOB)
        if isinstance(stored, dict) and stored.get("host", LOCAL) != LOCAL:
            self.fleet.abandon(stored["name"]) if may_run else self.fleet.release(stored["name"])
        self._memory.delete(JOB)

    def kill(self, job: Job) -> None:
        """End a job with its task: now, or as soon as its host answers."""
        if self.site.remote:
            self.fleet.abandon(job.name)
        with self.explained():
            self.ask(lambda shell: kill_job(shell, job))
        self.forget()

    def begin_again(self, message: str, reaction: Reaction, *, may_run: bool = True) -> None:
        """Leave a job on a host in trouble to itself; `NoHostLeft` if no other host can help.

        Where there is no other host to choose, `HostTrouble`: a later try goes on with the job that is remembered.
        """
        message = self.named(message)
        if reaction is Reaction.NEVER:
            self.forget(may_run=may_run)
            raise NoHostLeft(message)
        if self.spec.role is None or not self.fleet.has(self.spec.role):
            raise HostTrouble(message)
        self._log.warning("%s; another host is taken (%s)", message, reaction)
        self.forget(may_run=may_run)

    def exclude(self, why: str) -> bool:
        """Keep away from the host for a while; return whether there is another one."""
        self.excluded.add(self.site.host, why)
        role = self.spec.role
        return role is not None and never_placed(role, self.spec.needs, self.fleet.hosts, self.excluded.now()) is None

    def ask(self, question: Callable[[Shell], Coroutine[Any, Any, T]]) -> T:
        """Talk to the host of the job."""
        return self.fleet.ask(self.site.host, question)

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Raise what goes wrong with the host inside the block as `HostTrouble`: it may go right in a later try."""
        try:
            yield
        except WorkFailed:
            raise
        except RingRiftError as error:
            raise HostTrouble(self.named(str(error))) from None

    def named(self, message: str) -> str:
        """Return a message with the host in front."""
        return message if message.startswith(f"{self.site.host}: ") else f"{self.site.host}: {message}"

    def _failed(self, job: Job, ending: Ending) -> None:
        """Raise what a job has failed of; where only its host was too small for it, exclude that host."""
        failure = failure_of(job.name, ending.code, ending.last_line)
        too_small = isinstance(failure, FullDisk | OutOfMemory) and self.site.remote
        if too_small and not self.exclude(str(failure)) and isinstance(failure, OutOfMemory):
            self.excluded.clear()  # of hosts that are all too small now, one may have more memory left later
        if isinstance(failure, FullDisk) and self.site.remote:
            self.begin_again(str(failure), Reaction.ELSEWHERE, may_run=False)
            return
        self.forget()
        raise failure

    def _end_abandoned(self, job: Job) -> None:
        """End the job of a task that was cleared while its host was silent, now or when the host answers."""
        self._log.info("job %s of an earlier try was given up; another one is started", job.name)
        may_run = False
        try:
            self.ask(lambda shell: kill_job(shell, job))
        except RingRiftError as error:
            self._log.warning("%s; job %s is killed as soon as the host answers", error, job.name)
            may_run = True
        self.forget(may_run=may_run)

    def _remember(self, job: Job) -> float:
        """Let later tries know of a job that begins now; return its deadline."""
        deadline = time.time() + self.spec.seconds
        self._memory.set(JOB, {"name": job.name, "root": job.root, "host": self.site.host, "deadline": deadline})
        return deadline

    def _lack(self, gpus: Sequence[int]) -> str | None:
        """Return what the host lacks for the job, in a line; None if nothing."""
        script = self.spec.requirements(self.site, gpus).encode() if self.site.remote else b""
        if not script:
            return None
        answer = self.ask(lambda shell: shell.run(script))
        return (answer.err.splitlines() or [f"exit code {answer.code}"])[-1] if answer.code else None

    def _place(self, job: str, silent: Mapping[str, str]) -> tuple[str, tuple[int, ...]]:
        """Return a host for a job and the numbers of its GPUs there; `NoHost` if there is none now."""
        role, needs = self.spec.role, self.spec.needs
        if role is None or not self.fleet.has(role):
            return self.spec.host, () if needs.without_gpu else tuple(range(needs.gpus))
        unfit = self.excluded.now()
        if never := never_placed(role, needs, self.fleet.hosts, unfit):
            self.excluded.clear()
            raise NoHostLeft(never)
        place = self.fleet.place(job, role, needs, {**unfit, **silent})
        return place.host, place.gpus
