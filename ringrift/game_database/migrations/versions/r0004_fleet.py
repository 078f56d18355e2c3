"""The health of the hosts, and the jobs that hold their places."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the tables of hosts and places."""
    op.create_table(
        "hosts",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("failures", sa.Integer, nullable=False),
        sa.Column("failed", sa.BigInteger),
        sa.Column("why", sa.Text),
        sa.Column("answered", sa.BigInteger),
        sa.Column("retired", sa.BigInteger),
        sa.Column("probes", sa.Integer, nullable=False),
        sa.Column("probe", sa.BigInteger),
    )
    op.create_table(
        "places",
        sa.Column("job", sa.String(201), primary_key=True),
        sa.Column("host", sa.String(64), nullable=False),
        sa.Column("gpus", sa.String(64), nullable=False),
        sa.Column("since", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_places_host", "places", ["host"])
