"""The hosts that are rented, and those that were."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "rentals",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("machine", sa.String(128)),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("ordered", sa.BigInteger, nullable=False),
        sa.Column("changed", sa.BigInteger, nullable=False),
        sa.Column("price", sa.Double, nullable=False),
        sa.Column("host_key", sa.Text, nullable=False),
        sa.Column("entry", sa.Text),
        sa.Column("why", sa.Text, nullable=False),
    )
