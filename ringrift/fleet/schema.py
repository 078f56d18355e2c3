"""The tables of the fleet, beside those of the games.

- `hosts`: a row a host that has ever answered or failed: how healthy it is;
- `places`: a row a job that has a place on a host: what of its slots and GPUs is taken;
- `rentals`: a row a host that is or was rented, and what was decided about it last.

A change here needs a migration (`ringrift/game_database/migrations/`).
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Index, Integer, String, Table, Text

from ringrift.game_database.schema import metadata

host_rows = Table(
    "hosts",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("failures", Integer, nullable=False),  # in a row
    Column("failed", BigInteger),  # when it failed last, in seconds since 1970, as all moments here
    Column("why", Text),  # what was wrong then
    Column("answered", BigInteger),  # when it did so last
    Column("retired", BigInteger),  # since when it gets no jobs; None for a host in service
    Column("probes", Integer, nullable=False),  # how often it was tried since, in vain
    Column("probe", BigInteger),  # when it is tried next
    Column("usage", Text),  # its last answer about its processors, memory, disk and GPUs (`HostUsage`), as JSON
    Column("measured", BigInteger),  # when that was
)

places = Table(
    "places",
    metadata,
    Column("job", String(201), primary_key=True),
    Column("host", String(64), nullable=False),
    Column("gpus", String(64), nullable=False),  # their numbers, with spaces between
    Column("since", BigInteger, nullable=False),
    Column("abandoned", BigInteger),  # when it was given up: it may be running on a host that did not answer
    Index(None, "host"),
)

rentals = Table(
    "rentals",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("machine", String(128)),  # the provider's name of it; None until the provider names it
    Column("state", String(16), nullable=False),  # ordered, starting, ready, leaving, ended
    Column("ordered", BigInteger, nullable=False),
    Column("changed", BigInteger, nullable=False),  # since when it has this state
    Column("price", Double, nullable=False),  # $ an hour when it was ordered
    Column("host_key", Text, nullable=False),  # its public key, which was made here
    Column("entry", Text),  # a `Host` as JSON, once its address is known
    Column("why", Text, nullable=False),  # the last decision, in words
)
