"""The care of the hosts: hosts that answer again are in service again, and jobs that no task waits for are ended."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from functools import partial
from typing import Any

from airflow.sdk import Context

from ringrift.errors import RingRiftError
from ringrift.fleet import Job, Shell, State, kill_job, list_jobs
from ringrift.fleet.failures import HostTrouble
from ringrift.fleet.hosts import LOCAL
from ringrift_airflow.hooks.fleet import FleetHook
from ringrift_airflow.job_owner import JobOwner, job_owners
from ringrift_airflow.notifications.messages import tell
from ringrift_airflow.operators.distribute import bring_champion
from ringrift_airflow.operators.haltable import HaltableOperator
from ringrift_airflow.retries import failing_for_good_unless_busy, skip
from ringrift_airflow.workspace import home


class TendFleetOperator(HaltableOperator):
    """Try retired hosts whose time has come, end what was left on hosts that are back, and bring them the champions.

    Where there are no hosts, there is nothing to do.
    """

    def __init__(self, *, configs: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.configs = list(configs)

    def work(self, context: Context) -> Any:
        """Probe the hosts, and return the state of each; trouble with a host does not fail the task."""
        fleet = FleetHook()
        with failing_for_good_unless_busy():
            hosts = fleet.hosts
        if not hosts:
            skip(context, "hosts.yaml: there are no hosts in it")
        from ringrift.fleet.tending import tend_fleet  # late: it takes a second

        with failing_for_good_unless_busy(), fleet.health() as health:
            states = tend_fleet(hosts, fleet.settings, health, fleet.connect)
        for state in states:
            (self.log.warning if state.trouble else self.log.info)("%s", state)
            if state.trouble or state.back:
                tell(context, f"host {state.host} {'lost' if state.trouble else 'back'}", str(state))
        players = [state.host for state in states if not state.trouble and "selfplay" in hosts[state.host].roles]
        for config in self.configs:
            if players and (home() / "models" / f"ringrift_best_{config}.pth").exists():
                with contextlib.suppress(HostTrouble):
                    bring_champion(fleet, config, self.log, players)
        return {state.host: state.trouble or "in service" for state in states}


class CleanHostsOperator(HaltableOperator):
    """Remove obsolete files from all hosts, as `ringrift clean` does, also from those that name an Airflow connection.

    :param only_full: whether hosts whose disk is not nearly full are left alone.
    """

    def __init__(self, *, only_full: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.only_full = only_full

    def work(self, context: Context) -> Any:
        """Clean the hosts, and return what was removed; a host that does not answer is cleaned another time."""
        fleet = FleetHook()
        with failing_for_good_unless_busy():
            hosts = fleet.hosts
        if not hosts:
            skip(context, "hosts.yaml: there are no hosts in it")
        from ringrift.models import ModelStore  # late, as what follows: it takes a second
        from ringrift.pipeline.host_housekeeping import clean_hosts
        from ringrift.pipeline.housekeeping_settings import housekeeping_settings
        from ringrift.resources import guard_settings
        from ringrift.run_context import RunContext

        with failing_for_good_unless_busy(), fleet.health() as health:
            reports = clean_hosts(
                hosts,
                ModelStore(health.database, home() / "models"),
                RunContext(housekeeping_settings()),
                health,
                guard_settings().disk,
                apply=True,
                only_full=self.only_full,
                connect=fleet.connect,
            )
        removed = {}
        for host in reports:
            if host.trouble:
                self.log.warning("%s (%s)", host.trouble, host.reaction)
                continue
            removed[host.host] = {kind.kind: kind.removed for kind in host.kinds}
            for kind in host.kinds:
                self.log.info("%s: %d %s, %.1f MB, are removed", host.host, kind.removed, kind.kind, kind.bytes / 1e6)
        return {"removed": removed}


class EndOrphanedJobsOperator(HaltableOperator):
    """End the jobs of this machine and of all hosts that no task waits for any more.

    The worker or trigger that waits for a job ends it when its task is cleared or marked, and at its deadline. Between
    two tries, and where a run is deleted, nothing waits for it.
    """

    def work(self, context: Context) -> Any:
        """End the jobs, and return their names by host; a host that does not answer is tried another time."""
        fleet = FleetHook()
        ended: dict[str, list[str]] = {}
        with failing_for_good_unless_busy():
            awake = self._awake(fleet) if fleet.hosts else []
        for name in (LOCAL, *awake):
            try:
                ended[name] = self._end(fleet, name, context["ti"])
            except RingRiftError as error:
                self.log.warning("%s", error)
        return {"ended": ended}

    def _awake(self, fleet: FleetHook) -> list[str]:
        """Return all hosts but the retired ones whose next trial has not come."""
        with fleet.health() as health:
            resting = health.resting()
        return [name for name in fleet.hosts if name not in resting]

    def _end(self, fleet: FleetHook, name: str, ti: Any) -> list[str]:
        """End the jobs of a host that no task waits for; return their names."""
        root, ended = fleet.site(name).jobs, []

        async def look(shell: Shell) -> tuple[dict[str, JobOwner], dict[str, State]]:
            return await job_owners(shell, root), await list_jobs(shell, root)

        owners, states = fleet.ask(name, look)
        for job, state in states.items():
            if state is not State.RUNNING or job not in owners or owners[job].waits(ti):
                continue
            fleet.ask(name, partial(kill_job, job=Job(job, root)))
            if name != LOCAL:
                fleet.release(job)
            self.log.warning("%s: no task waits for job %s any more; it is killed", name, job)
            ended.append(job)
        return ended
