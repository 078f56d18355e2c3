"""The weights of configs: the games of self-play that each of them gets, with reasons."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "allocations",
        sa.Column("config", sa.String(16), primary_key=True),
        sa.Column("decided", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("weight", sa.Double, nullable=False),
        sa.Column("games", sa.Integer, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("factors", sa.Text, nullable=False),
    )
