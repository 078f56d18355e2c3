"""Integer networks in the model store: their lineage, the verdict of their gate, and the one in use."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "nnue_networks",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("config", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("parent", sa.String(16)),
        sa.Column("training", sa.Text, nullable=False),
        sa.Column("number", sa.BigInteger, nullable=False),
        sa.Column("judged", sa.BigInteger),
        sa.Column("verdict", sa.Text),
    )
    op.create_index("ix_nnue_networks_config_number", "nnue_networks", ["config", "number"])
    in_production = sa.text("status = 'production'")
    op.create_index(
        "uq_nnue_networks_production",
        "nnue_networks",
        ["config"],
        unique=True,
        sqlite_where=in_production,
        postgresql_where=in_production,
    )
