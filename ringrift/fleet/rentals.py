"""The rented hosts that the database keeps: those that are hosts of the fleet now, and what became of the others."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from sqlalchemy import Connection, delete, insert, select, update

from ringrift.fleet.hosts import Host, hosts
from ringrift.fleet.schema import host_rows, places, rentals
from ringrift.game_database import GamesDatabase

RentalState = Literal["ordered", "starting", "ready", "leaving", "ended"]
HOSTS: Final = ("ready", "leaving")
"""The states in which a rental is a host of the fleet."""


@dataclass(frozen=True)
class Rental:
    """A host that is rented, or was."""

    name: str
    machine: str | None
    """The provider's name of it; None until the provider has answered."""
    state: RentalState
    ordered: int
    """The moment of its order, in seconds since 1970, as all moments here."""
    changed: int
    """The beginning of its state."""
    price: float
    """$ an hour when it was ordered."""
    host_key: str
    entry: str | None
    """A `Host` as JSON, once its address is known."""
    why: str
    """The last decision about it."""

    @property
    def host(self) -> Host | None:
        """The entry that hosts.yaml would have; None before its address is known."""
        return None if self.entry is None else Host.model_validate_json(self.entry)


class Rentals:
    """The table of rentals."""

    def __init__(self, database: GamesDatabase, clock: Callable[[], float] = time.time) -> None:
        """Keep the rentals of a database."""
        self.database = database
        self.clock = clock

    def open(self) -> list[Rental]:
        """Return all rentals that have not ended, the oldest first."""
        with self.database.reading() as connection:
            return _rows(connection, rentals.c.state != "ended")

    def add(self, rental: Rental) -> None:
        """Write down a rental before it is ordered, so that no machine is ever unknown."""
        with self.database.writing() as connection:
            connection.execute(insert(rentals).values(**asdict(rental)))

    def change(self, name: str, **fields: Any) -> None:
        """Change a rental; a new state begins now."""
        if "state" in fields:
            fields["changed"] = int(self.clock())
        with self.database.writing() as connection:
            connection.execute(update(rentals).where(rentals.c.name == name).values(**fields))
            if fields.get("state") == "ended":  # its jobs are lost with it, and its health is of no use any more
                connection.execute(delete(places).where(places.c.host == name))
                connection.execute(delete(host_rows).where(host_rows.c.name == name))


def all_hosts(database: GamesDatabase) -> dict[str, Host]:
    """Return the hosts of hosts.yaml and those that are rented now, by name."""
    with database.reading() as connection:
        rented = _rows(connection, rentals.c.state.in_(HOSTS))
    return hosts() | {one.name: host for one in rented if (host := one.host) is not None}


def leaving_hosts(connection: Connection) -> dict[str, str]:
    """Return the rented hosts that get no new job, and why."""
    return {one.name: f"it is given back: {one.why}" for one in _rows(connection, rentals.c.state == "leaving")}


def _rows(connection: Connection, condition: Any) -> list[Rental]:
    rows = connection.execute(select(rentals).where(condition).order_by(rentals.c.ordered, rentals.c.name))
    return [Rental(**row._mapping) for row in rows]
