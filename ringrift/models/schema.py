"""The tables of the model store, beside those of the games.

- `models`: a row a model; it stays when the files are pruned, so that the lineage of later models stays known;
- `promotions`: what the gate has decided and which model became champion: the history of every config;
- `nnue_networks`: a row an integer network, with the result of its match for promotion.

The champion of a config is the model with status `production`. A unique index allows one per config, and it changes by
compare-and-swap (`promotion.py`). Lists and reports are short texts of JSON. A change here needs a migration
(`ringrift/game_database/migrations/`).
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, String, Table, Text

from ringrift.game_database.schema import KEY, metadata

models = Table(
    "models",
    metadata,
    Column("id", String(16), primary_key=True),  # the first digits of `sha256`
    Column("config", String(16), nullable=False),
    Column("status", String(16), nullable=False),  # one of `STATUSES`
    Column("path", Text, nullable=False),  # of the `.pth` file, in the folder of models
    Column("sha256", String(64), nullable=False),  # of the `.pth` file
    Column("sidecar", String(64), nullable=False),  # the SHA-256 of the `.json` file
    Column("created", BigInteger, nullable=False),  # seconds since 1970, UTC, as the next
    Column("pruned", BigInteger),  # when its files were given up; None while they are kept
    Column("parent", String(16)),  # the model that its training began with; it need not be in the store
    Column("training", Text, nullable=False),  # the facts that its training has recorded
    Column("number", BigInteger, nullable=False, server_default="0"),  # in the order of registration, from 1
    Index(None, "config", "created"),
    Index(None, "config", "number"),
)
_in_production = models.c.status == "production"
Index(
    "uq_models_production", models.c.config, unique=True, sqlite_where=_in_production, postgresql_where=_in_production
)

nnue_networks = Table(
    "nnue_networks",
    metadata,
    Column("id", String(16), primary_key=True),  # the first digits of the checksum that the file carries
    Column("config", String(16), nullable=False),
    Column("status", String(16), nullable=False),  # one of `STATUSES`; who passes the gate is promoted, so none waits
    Column("path", Text, nullable=False),  # of the `.nnue` file, in the folder of models; empty once it is pruned
    Column("created", BigInteger, nullable=False),  # seconds since 1970, UTC, as `judged`
    Column("parent", String(16)),  # the model whose values it learned; it need not be in the store
    Column("training", Text, nullable=False),  # the facts that its training has recorded
    Column("number", BigInteger, nullable=False),  # in the order of registration, from 1
    Column("judged", BigInteger),  # when it played for its promotion last; None if it has not
    Column("verdict", Text),  # the result of that (`NnueGateReport`)
    Index(None, "config", "number"),
)
_nnue_in_production = nnue_networks.c.status == "production"
Index(
    "uq_nnue_networks_production",
    nnue_networks.c.config,
    unique=True,
    sqlite_where=_nnue_in_production,
    postgresql_where=_nnue_in_production,
)

promotions = Table(
    "promotions",
    metadata,
    Column("id", KEY, primary_key=True),
    Column("config", String(16), nullable=False),
    Column("model", String(16), ForeignKey("models.id"), nullable=False),
    Column("previous", String(16), ForeignKey("models.id")),  # the champion then
    Column("when", BigInteger, nullable=False),
    Column("kind", String(16), nullable=False),  # one of `KINDS`
    Column("forced", Boolean, nullable=False),
    Column("why", Text, nullable=False),
    Column(
        "placed", BigInteger
    ),  # when the champion's files had followed; None where it did not change, or if it was killed before
    Column("verdict", Text),  # the report of the gate (`GateReport`); None where it was not asked
    Index(None, "config", "id"),
    Index(None, "model"),
)
