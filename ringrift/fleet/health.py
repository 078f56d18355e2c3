"""Which host gets a job, and which hosts are fit for any: kept in the database, so that all processes agree.

A host that fails several times in a row, or shows a wrong key, is retired: it gets no jobs. It is tried again with
growing pauses, and is back in service as soon as it answers. Failures of long ago do not count.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any, Literal

from sqlalchemy import Connection, Row, delete, or_, select, update

from ringrift.fleet.answers import HostUsage
from ringrift.fleet.hosts import HealthSettings, Host, Role
from ringrift.fleet.placement import NO_NEEDS, NONE, Condition, Needs, NoHost, Place, best_place
from ringrift.fleet.rentals import leaving_hosts
from ringrift.fleet.schema import host_rows, places
from ringrift.fleet.ssh import Unusable
from ringrift.game_database import GamesDatabase
from ringrift.game_database.counters import count


class Health:
    """The condition of all hosts, and their places. Safe to use from many processes at once."""

    def __init__(
        self,
        database: GamesDatabase,
        hosts: Mapping[str, Host],
        settings: HealthSettings,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Keep the health of these hosts; what the database says of others stays."""
        self.database = database
        self._hosts = hosts
        self._settings = settings
        self._clock = clock

    def conditions(self) -> dict[str, Condition]:
        """Return the health of every host."""
        with self.database.reading() as connection:
            return self._conditions(connection)

    def resting(self) -> dict[str, str]:
        """The retired hosts whose next trial has not come, and what is wrong with them."""
        now = self._clock()
        return {
            name: f"retired, tried again in {max(1, round(left))} s: {one.why}"
            for name, one in self.conditions().items()
            if (left := self._rest(one, now))
        }

    def answered(self, name: str) -> bool:
        """Note that a host has done what was asked; whether it is back in service by that."""
        with self.database.writing() as connection:
            before = self._condition(connection, name)
            fresh = {"failures": 0, "retired": None, "probes": 0, "probe": None, "answered": int(self._clock())}
            self._write(connection, name, fresh)
        return before.retired is not None

    def failed(self, name: str, error: BaseException) -> Condition:
        """Note that a host was in trouble; how it is now.

        All who watch jobs there tell of the same trouble: of a retired host, only a trial that was due counts as one.
        """
        now, settings = self._clock(), self._settings
        with self.database.writing() as connection:
            before = self._condition(connection, name)
            together = before.failed is not None and 0 <= now - before.failed < float(settings.together_seconds)
            failures = before.failures if before.failures and together else before.failures + 1
            change: dict[str, Any] = {"failures": failures, "why": str(error)}
            if failures > before.failures:
                change["failed"] = int(now)
            if before.retired is not None:
                if not self._rest(before, now):
                    change["probes"] = before.probes + 1
            elif failures >= settings.failures or isinstance(error, Unusable):
                change |= {"retired": int(now), "probes": 0}
            if "probes" in change:
                pause = float(settings.first_pause_seconds) * 2.0 ** min(change["probes"], 40)
                change["probe"] = int(now + min(pause, float(settings.longest_pause_minutes) * 60))
            self._write(connection, name, change)
            return self._condition(connection, name)

    def count_sync(self, name: str, outcome: Literal["ok", "failed"]) -> None:
        """Count a round of sync with a host."""
        with self.database.writing() as connection:
            count(connection, "syncs", "", f"{name} {outcome}")

    def measured(self, name: str, usage: HostUsage) -> None:
        """Note how busy a host says it is."""
        with self.database.writing() as connection:
            self._write(connection, name, {"usage": usage.model_dump_json(), "measured": int(self._clock())})

    def choose(self, job: str, role: Role, *, needs: Needs = NO_NEEDS, excluded: Mapping[str, str] = NONE) -> Place:
        """Give a job a place, the one it has if it has one; `NoHost` if there is none.

        It is the `best_place` of all hosts; those that are excluded come with the reason.
        """
        with self.database.writing() as connection:
            given = connection.execute(select(places).where(places.c.job == job)).one_or_none()
            if given is not None and given.host in self._hosts and given.host not in excluded:
                return _place(given.job, given.host, given.gpus)
            best = self._best(connection, job, role, needs, excluded)
            connection.execute(delete(places).where(places.c.job == job))
            row = {"job": job, "host": best.host, "gpus": " ".join(map(str, best.gpus)), "since": int(self._clock())}
            connection.execute(places.insert().values(**row))
        return best

    def lacks(self, role: Role, *, needs: Needs = NO_NEEDS, excluded: Mapping[str, str] = NONE) -> str | None:
        """Why no job can get a place now, in a line; None if one can."""
        try:
            with self.database.reading() as connection:
                self._best(connection, "a job", role, needs, excluded)
        except NoHost as error:
            return str(error)
        return None

    def abandon(self, job: str) -> None:
        """Give up a job whose host does not answer: it keeps its place there, and is killed as soon as that can be."""
        with self.database.writing() as connection:
            connection.execute(update(places).where(places.c.job == job).values(abandoned=int(self._clock())))

    def abandoned(self, name: str) -> list[str]:
        """The jobs of a host that were given up."""
        with self.database.reading() as connection:
            given_up = (places.c.host == name, places.c.abandoned.is_not(None))
            return list(connection.execute(select(places.c.job).where(*given_up).order_by(places.c.job)).scalars())

    def release(self, job: str) -> None:
        """Give back the place of a job, if it has one."""
        with self.database.writing() as connection:
            connection.execute(delete(places).where(places.c.job == job))

    def taken(self) -> list[Place]:
        """All places that jobs have."""
        with self.database.reading() as connection:
            return self._taken(connection)

    def reconcile(self, name: str, running: Collection[str]) -> list[str]:
        """Give back the places of jobs that do not run on a host, once they have had time to begin; their names."""
        since = int(self._clock() - float(self._settings.unstarted_minutes) * 60)
        stale = (places.c.host == name, places.c.since <= since, places.c.job.not_in(list(running)))
        with self.database.writing() as connection:
            gone = [row.job for row in connection.execute(select(places.c.job).where(*stale))]
            connection.execute(delete(places).where(*stale))
        return gone

    def _rest(self, one: Condition, now: float) -> float:
        """The seconds until a retired host is tried again; 0 if it is to be tried now, or in service."""
        if one.retired is None or one.probe is None:
            return 0.0
        left = one.probe - now
        longest = float(self._settings.longest_pause_minutes) * 60  # more, and the clock was set back since
        return left if 0 < left <= longest else 0.0

    def _best(self, connection: Connection, job: str, role: Role, needs: Needs, excluded: Mapping[str, str]) -> Place:
        """Return the place that a job would get; `NoHost` if there is none."""
        ailing = select(host_rows).where(or_(host_rows.c.failures > 0, host_rows.c.retired.is_not(None)))
        conditions = {row.name: self._condition_in(row) for row in connection.execute(ailing)}
        taken = self._taken(connection)
        excluded = {**leaving_hosts(connection), **excluded}
        return best_place(
            job, role, needs=needs, hosts=self._hosts, conditions=conditions, taken=taken, excluded=excluded
        )

    def _conditions(self, connection: Connection) -> dict[str, Condition]:
        """Return the condition of every host, by one query for all."""
        rows = {row.name: row for row in connection.execute(select(host_rows))}
        return {name: self._condition_in(rows.get(name)) for name in self._hosts}

    def _condition(self, connection: Connection, name: str) -> Condition:
        row = connection.execute(select(host_rows).where(host_rows.c.name == name)).one_or_none()
        return self._condition_in(row)

    def _condition_in(self, row: Row[Any] | None) -> Condition:
        """Read a condition from its row, which hosts that were never heard of do not have."""
        if row is None:
            return Condition()
        fields = {key: value for key, value in row._mapping.items() if key in Condition.__dataclass_fields__}
        long_ago = self._clock() - float(self._settings.forget_minutes) * 60
        if row.retired is None and row.failed is not None and row.failed < long_ago:
            fields["failures"] = 0
        return Condition(**fields)

    def _write(self, connection: Connection, name: str, change: Mapping[str, Any]) -> None:
        connection.execute(self.database.insert(host_rows).values(name=name, failures=0, probes=0))
        connection.execute(update(host_rows).where(host_rows.c.name == name).values(**change))

    @staticmethod
    def _taken(connection: Connection) -> list[Place]:
        columns = select(places.c.job, places.c.host, places.c.gpus).order_by(places.c.host, places.c.job)
        return [_place(row.job, row.host, row.gpus) for row in connection.execute(columns)]


def _place(job: str, host: str, gpus: str) -> Place:
    """Return a place as its row has it."""
    return Place(job, host, tuple(map(int, gpus.split())) if gpus else ())
