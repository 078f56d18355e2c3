"""What is done with all hosts together: games come from them, models go to them, and they are kept in order."""

from __future__ import annotations

import contextlib
import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowException, AirflowFailException

from ringrift.fleet import Job, Shell, State, kill_job, list_jobs, sweep_jobs
from ringrift.fleet.hosts import LOCAL, chosen_hosts, fleet_settings, hosts
from ringrift.game.errors import RingRiftError
from ringrift_airflow.exceptions import HostTrouble, skip
from ringrift_airflow.hooks.placement import open_health, release
from ringrift_airflow.job_owner import Owner, owners
from ringrift_airflow.operators.haltable import HaltableOperator
from ringrift_airflow.workspace import ask, have, home, site


class SyncGamesOperator(HaltableOperator):
    """Fetch the finished games of all hosts of self-play. Where there are none, the games are here already.

    A host that does not answer fails nothing: the games of the others count, and its own come another time.
    """

    def __init__(self, *, config: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config = config

    def work(self, context: Context) -> Any:
        """Fetch them, and say what came from where."""
        folder = home() / "data" / "selfplay"
        if not have("selfplay"):
            self.log.info("local: the games are in %s; nothing has to be fetched", folder / self.config)
            return {"games": 0, "hosts": [LOCAL], "trouble": {}}
        from ringrift.fleet.sync import sync_games  # late: it takes a second

        with _in_one_line(), open_health() as health:
            chosen = chosen_hosts(hosts(), (), "selfplay")
            report = sync_games(chosen, fleet_settings(), root=folder, health=health)
        for host in report.hosts:
            if host.trouble:
                self.log.warning("%s (%s)", host.trouble, host.reaction)
            else:
                self.log.info("%s: %d new games in %d files", host.host, host.games, host.files)
        trouble = {host.host: host.trouble for host in report.failed}
        return {"games": report.games, "hosts": [host.host for host in report.hosts], "trouble": trouble}


class DistributeModelOperator(HaltableOperator):
    """Bring the champion to all hosts of self-play, where workers play with it from their next game on.

    Where there are none, this makes sure that it is whole. A host that cannot be reached gets it another time; if none
    can be, the task fails.
    """

    def __init__(self, *, config: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.config = config

    def work(self, context: Context) -> Any:
        """Compare the champion's file with its checksum, and bring it to the hosts."""
        path = home() / "models" / f"ringrift_best_{self.config}.pth"
        try:
            digest = hashlib.sha256(path.read_bytes()).hexdigest()
            expected = json.loads(path.with_suffix(".json").read_bytes())["sha256"]
        except (OSError, ValueError, KeyError) as error:
            raise AirflowFailException(f"{path}: cannot be read with its .json ({error})") from None
        if digest != expected:
            raise AirflowFailException(f"{path}: its checksum is not that of its .json")
        self.log.info("local: %s is there, sha256 %s", path, digest)
        found = {"model": digest[:16], "sha256": digest, "hosts": [LOCAL]}
        return found | (bring_champion(self.config, self.log) if have("selfplay") else {})


class TendFleetOperator(HaltableOperator):
    """Try retired hosts whose time has come, end what was left on hosts that are back, and bring them the champions.

    Where there are no hosts, there is nothing to do.
    """

    def __init__(self, *, configs: Sequence[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.configs = list(configs)

    def work(self, context: Context) -> Any:
        """Do it, and say how each host is. What is wrong with a host fails nothing."""
        with _in_one_line():
            known = hosts()
        if not known:
            skip(context, "hosts.yaml: there are no hosts in it")
        from ringrift.fleet.tending import tend_fleet  # late: it takes a second

        with _in_one_line(), open_health() as health:
            found = tend_fleet(known, fleet_settings(), health)
        for one in found:
            (self.log.warning if one.trouble else self.log.info)("%s", one)
        players = [one.host for one in found if not one.trouble and "selfplay" in known[one.host].roles]
        for config in self.configs:
            if players and (home() / "models" / f"ringrift_best_{config}.pth").exists():
                with contextlib.suppress(HostTrouble):
                    bring_champion(config, self.log, players)
        return {one.host: one.trouble or "in service" for one in found}


class SweepJobsOperator(HaltableOperator):
    """Remove the jobs of this machine and of all hosts that ended long ago.

    :param keep: for how long they are kept.
    """

    def __init__(self, *, keep: timedelta, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.keep = keep

    def work(self, context: Context) -> Any:
        """Remove them, and say how many; a host that does not answer is swept another time."""
        removed = {}
        with _in_one_line():
            names = (LOCAL, *hosts())
        for name in names:
            try:
                old = partial(sweep_jobs, root=site(name).jobs, older_than=int(self.keep.total_seconds()))
                removed[name] = len(ask(name, old))
                self.log.info("%s: %d jobs older than %s are removed", name, removed[name], self.keep)
            except RingRiftError as error:
                self.log.warning("%s", error)
        return {"removed": removed}


class EndOrphansOperator(HaltableOperator):
    """End the jobs of this machine and of all hosts that no task waits for any more.

    Whoever waits for a job ends it when its task is cleared or marked, and at its deadline. Between two tries, and
    where a run is deleted, nobody does.
    """

    def work(self, context: Context) -> Any:
        """End them, and name them; a host that does not answer is asked another time."""
        ended: dict[str, list[str]] = {}
        with _in_one_line():
            awake = self._awake() if hosts() else []
        for name in (LOCAL, *awake):
            try:
                ended[name] = self._end(name, context["ti"])
            except RingRiftError as error:
                self.log.warning("%s", error)
        return {"ended": ended}

    def _awake(self) -> list[str]:
        """All hosts but the retired ones whose next trial has not come."""
        with open_health() as health:
            resting = health.resting()
        return [name for name in hosts() if name not in resting]

    def _end(self, name: str, ti: Any) -> list[str]:
        """End those of a host."""
        root, ended = site(name).jobs, []

        async def look(shell: Shell) -> tuple[dict[str, Owner], dict[str, State]]:
            return await owners(shell, root), await list_jobs(shell, root)

        found, states = ask(name, look)
        for job, state in states.items():
            if state is not State.RUNNING or job not in found or found[job].waits(ti):
                continue
            ask(name, partial(kill_job, job=Job(job, root)))
            if name != LOCAL:
                release(job)
            self.log.warning("%s: nobody waits for job %s any more; it is killed", name, job)
            ended.append(job)
        return ended


def bring_champion(config: str, log: Any, names: Sequence[str] = ()) -> dict[str, Any]:
    """Bring the champion of a config to hosts that lack it, by default to all of self-play.

    `HostTrouble` if none of them has it.
    """
    from ringrift.fleet.distribution import distribute  # late: it takes a second
    from ringrift.models import ModelStore

    with _in_one_line(), open_health() as health:
        store = ModelStore(health.database, home() / "models")
        chosen = chosen_hosts(hosts(), names, "selfplay")
        report = distribute(store, config, chosen, fleet_settings(), health=health)
    for one in report.hosts:
        if one.trouble:
            log.warning("%s (%s)", one.trouble, one.reaction)
        else:
            log.info("%s: champion %s of %s: %s", one.host, report.model, config, one.outcome)
    trouble = {one.host: one.trouble for one in report.hosts if one.trouble}
    if len(trouble) == len(report.hosts):
        raise HostTrouble(f"no host of self-play has taken {report.model}: {'; '.join(trouble.values())}")
    return {"hosts": [one.host for one in report.hosts if not one.trouble], "trouble": trouble}


@contextlib.contextmanager
def _in_one_line() -> Iterator[None]:
    """What is wrong with settings, files or the database here, without the way on which it was found."""
    try:
        yield
    except RingRiftError as error:
        raise AirflowException(str(error)) from None
