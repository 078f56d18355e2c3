"""The model store."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the tables of models and promotions."""
    op.create_table(
        "models",
        sa.Column("id", sa.String(16), primary_key=True),
        sa.Column("config", sa.String(16), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("sidecar", sa.String(64), nullable=False),
        sa.Column("created", sa.BigInteger, nullable=False),
        sa.Column("pruned", sa.BigInteger),
        sa.Column("parent", sa.String(16)),
        sa.Column("training", sa.Text, nullable=False),
    )
    op.create_index("ix_models_config_created", "models", ["config", "created"])
    in_production = sa.text("status = 'production'")
    op.create_index(
        "uq_models_production",
        "models",
        ["config"],
        unique=True,
        sqlite_where=in_production,
        postgresql_where=in_production,
    )
    op.create_table(
        "promotions",
        sa.Column("id", KEY, primary_key=True),
        sa.Column("config", sa.String(16), nullable=False),
        sa.Column("model", sa.String(16), sa.ForeignKey("models.id"), nullable=False),
        sa.Column("previous", sa.String(16), sa.ForeignKey("models.id")),
        sa.Column("when", sa.BigInteger, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("forced", sa.Boolean, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("placed", sa.BigInteger),
        sa.Column("verdict", sa.Text),
    )
    op.create_index("ix_promotions_config_id", "promotions", ["config", "id"])
    op.create_index("ix_promotions_model", "promotions", ["model"])
