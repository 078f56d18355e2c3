"""The table of the pipeline, in the database of games: `allocations`, the weights of configs, a row for every time.

A change here needs a migration.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Double, Integer, String, Table, Text

from ringrift.game_database.schema import metadata

allocations = Table(
    "allocations",
    metadata,
    Column("config", String(16), primary_key=True),
    Column("decided", BigInteger, primary_key=True, autoincrement=False),  # seconds since 1970, UTC
    Column("weight", Double, nullable=False),
    Column("games", Integer, nullable=False),  # of an interval
    Column("why", Text, nullable=False),
    Column("factors", Text, nullable=False),  # JSON: name, value and reason of each
)
