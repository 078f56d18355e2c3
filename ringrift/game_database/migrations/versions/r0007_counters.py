"""Counters of events, the load that hosts have reported, and the order of models as an index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

# What earlier versions have written, counted once.
FILL = (
    "SELECT 'games', config, host, count(*), max(ended) FROM games GROUP BY config, host",
    "SELECT 'quarantined', '', reason, count(*), 0 FROM quarantine GROUP BY reason",
    "SELECT 'trainings', config, 'completed', count(*), max(created) FROM models WHERE training <> '{}'"
    " GROUP BY config",
    "SELECT 'promotions', config, kind, count(*), max(\"when\") FROM promotions GROUP BY config, kind",
    "SELECT 'evaluations', config, kind, count(*), max(finished) FROM evaluations GROUP BY config, kind",
    "SELECT 'evaluation_games', config, kind, count(*), max(ended) FROM evaluation_games GROUP BY config, kind",
)


def upgrade() -> None:
    """Make the table and fill it, and add the columns and the index."""
    op.create_table(
        "counters",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("config", sa.String(16), primary_key=True),
        sa.Column("label", sa.Text, primary_key=True),
        sa.Column("count", sa.BigInteger, nullable=False),
        sa.Column("last", sa.BigInteger, nullable=False),
    )
    for query in FILL:
        op.execute(f'INSERT INTO counters (name, config, label, "count", last) {query}')
    op.add_column("hosts", sa.Column("usage", sa.Text))
    op.add_column("hosts", sa.Column("measured", sa.BigInteger))
    op.create_index("ix_models_config_number", "models", ["config", "number"])
