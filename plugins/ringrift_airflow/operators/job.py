"""`RemoteJobOperator`: a command on a host that outlives worker, scheduler, triggerer and connection."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta
from threading import Event
from typing import Any, ClassVar, Final

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowException

from ringrift.fleet import Ending, JobTrouble
from ringrift.fleet.failover import Failover, RunningJob
from ringrift.fleet.failures import JobLost, WorkFailed
from ringrift.fleet.hosts import LOCAL, Role, fleet_settings
from ringrift.fleet.placement import Needs, NoHost
from ringrift.fleet.site import Site
from ringrift.fleet.ssh import Reaction
from ringrift.pipeline.halt import halted
from ringrift_airflow.hooks.fleet import FleetHook
from ringrift_airflow.job_owner import JobOwner
from ringrift_airflow.operators.haltable import HaltableOperator
from ringrift_airflow.retries import failing_at_once
from ringrift_airflow.triggers.job import RemoteJobTrigger
from ringrift_airflow.triggers.placement import PlacementTrigger
from ringrift_airflow.workspace import home

PATIENCE: Final = 10.0
"""Seconds for which a worker waits itself. A wait in the triggerer lasts as long at least, and two processes more."""


class RemoteJobOperator(HaltableOperator):
    """Run a command for `bash -c` on a host as a job, and wait for it; which host, and what becomes of the job when
    that is in trouble, is up to `ringrift.fleet.failover`.

    A halt kills the job and waits for the resume; to clear or to mark the task kills it, too.

    :param command: for `bash -c`; what it writes to `$RINGRIFT_JOB/output` is the task's result.
    :param host: a host of the settings; `local` is this machine.
    :param role: what a host of the settings must be for; if there is none for it, `host` does it.
    :param deadline: when the job is killed, counted from its start.
    :param gpus: how many GPUs the job locks, and of which type, None for any.
    :param deferrable: what is not done within seconds is waited for in the triggerer, which costs no worker.
    """

    template_fields: Sequence[str] = ("command", "host", "environment")
    ui_color = "#e8f0fe"

    success_codes: ClassVar[frozenset[int]] = frozenset({0})
    without_gpu: ClassVar[bool] = False
    """Whether a host without any GPU does as well where GPUs are to be locked."""
    config: str = ""
    """The config that the job plays or trains, if it is one in particular."""

    def __init__(
        self,
        *,
        command: str,
        host: str = LOCAL,
        role: Role | None = None,
        environment: dict[str, str] | None = None,
        gpus: int = 0,
        gpu: str | None = None,
        deadline: timedelta = timedelta(hours=1),
        poll: timedelta = timedelta(seconds=5),
        deferrable: bool = True,
        retries: int = 2,
        **kwargs: Any,
    ) -> None:
        super().__init__(retries=retries, **kwargs)
        self.command = command
        self.host = host
        self.role = role
        self.environment = environment or {}
        self.gpus = gpus
        self.gpu = gpu
        self.deadline = deadline
        self.poll = poll
        self.deferrable = deferrable
        self.last_line = ""
        self.site = Site(LOCAL, "", "", "")
        """The host of the job, once that is known."""
        self._killed = Event()

    # What a subclass may override.

    def prepare(self, context: Context) -> None:
        """Do what has to be done before the job can start on `site`."""

    def needs(self) -> Needs:
        """Return what the job needs of its host."""
        memory = 0.0 if self.role is None else float(fleet_settings().memory_gb[self.role])
        return Needs(self.gpus, self.without_gpu, self.gpu, self.config or None, memory)

    def requirements(self, gpus: Sequence[int]) -> str:
        """Return shell code that fails, and says why in a line, on another machine that lacks what the job needs."""
        if not gpus:
            return ""
        lack = f"it has $gpus GPUs, and number {max(gpus)} is wanted: is the driver there? see nvidia-smi"
        return (
            "gpus=$(nvidia-smi -L 2>/dev/null | grep -c ^GPU)\n"
            f'[ "$gpus" -gt {max(gpus)} ] || {{ echo "{lack}" >&2; exit 1; }}\n'
        )

    def command_line(self, context: Context) -> str:
        """Return the command; asked for when a job is about to start."""
        return self.command

    def result(self, output: bytes, code: int, context: Context) -> Any:
        """Turn what the command has written into the result of the task."""
        return output.decode(errors="replace").strip() or None

    # What Airflow calls.

    def work(self, context: Context) -> Any:
        """Find the job of an earlier try, or start one; then wait."""
        failover = self.failover(context)
        try:
            with failing_at_once():
                running = failover.resume() or failover.start()
        except NoHost as error:
            self.log.warning("%s; the task waits", error)
            excluded = dict(failover.excluded.entries)
            assert self.role is not None
            self.defer(trigger=PlacementTrigger(self.role, asdict(failover.spec.needs), excluded), method_name="go_on")
        if self.deferrable and not failover.ends_within(running.job, PATIENCE, self._stop):
            if self._killed.is_set():
                failover.kill(running.job)
                raise JobLost(f"job {running.job.name} was killed with its task")
            self.defer(trigger=self._trigger(failover, running), method_name="finish")
        return self.finish(context, failover.watch(running, self._stop))

    def finish(self, context: Context, event: dict[str, Any]) -> Any:
        """Take the result of a job that needs no waiting any more."""
        failover = self.failover(context)
        if (running := failover.remembered()) is None:
            raise JobLost("the task's store has forgotten its job")
        with failing_at_once():
            if event["why"] == "trouble":
                failover.begin_again(event["detail"], Reaction(event["reaction"]))
                return self.execute(context)
            finished = failover.finish(running.job, Ending(**event))
        if finished is None:
            if self._killed.is_set():
                raise JobLost(f"job {running.job.name} was killed with its task")
            return self.execute(context)  # elsewhere, or after the resume
        self.last_line, self.site = finished.last_line, failover.site
        with failover.explained():
            try:
                result = self.result(finished.output, finished.code, context)
            except (AirflowException, WorkFailed, JobTrouble):
                failover.done()  # an answer, and no trouble on the way to it: a retry starts a new job
                raise
        failover.done()
        failover.excluded.clear()
        return result

    def on_kill(self) -> None:
        """Stop the job, too, when the worker has to stop; the thread that watches the job in this process does it."""
        self._killed.set()

    def failover(self, context: Context) -> Failover:
        """Return what carries the work of this task over hosts and tries."""
        return Failover(TaskJob(self, context), context["task_state_store"], FleetHook(), self.log)

    def _stop(self) -> str | None:
        return "killed with its task" if self._killed.is_set() else halted(home())

    def _trigger(self, failover: Failover, running: RunningJob) -> RemoteJobTrigger:
        poll = self.poll.total_seconds()
        job = running.job
        return RemoteJobTrigger(
            running.host,
            job.name,
            job.root,
            str(home()),
            deadline=running.deadline,
            poll=poll,
            offset=running.offset,
            patience=failover.patience,
        )


class TaskJob:
    """A task in a context, as a piece of work for the fleet (`ringrift.fleet.failover.JobSpec`)."""

    def __init__(self, operator: RemoteJobOperator, context: Context) -> None:
        self.host, self.role, self.needs = operator.host, operator.role, operator.needs()
        self.seconds = operator.deadline.total_seconds()
        self.success_codes = operator.success_codes
        self._operator = operator
        self._context = context
        self._owner = JobOwner.of(context["ti"])

    def new_name(self) -> str:
        """Return a unique name, which says where the job belongs."""
        return self._owner.new_job()

    def requirements(self, site: Site, gpus: Sequence[int]) -> str:
        """Return shell code that fails where the job cannot work."""
        self._operator.site = site
        return self._operator.requirements(gpus)

    def prepare(self, site: Site) -> None:
        """Do what has to be done before the job can start."""
        self._operator.site = site
        self._operator.prepare(self._context)

    def command(self, site: Site) -> str:
        """Return the command for `bash -c`."""
        self._operator.site = site
        return self._operator.command_line(self._context)

    def environment(self) -> Mapping[str, str]:
        """Return the variables of the operator, and those that name its task."""
        return self._operator.environment | self._owner.environment
