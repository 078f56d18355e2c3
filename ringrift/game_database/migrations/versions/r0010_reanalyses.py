"""Champions' new searches of decisions of old games, beside the games."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "reanalyses",
        sa.Column("id", KEY, primary_key=True),
        sa.Column("game_id", KEY, sa.ForeignKey("games.id", ondelete="CASCADE"), nullable=False),
        sa.Column("model", sa.String(32), nullable=False),
        sa.Column("budget", sa.Text, nullable=False),
        sa.Column("share", sa.Double, nullable=False),
        sa.Column("made", sa.BigInteger, nullable=False),
        sa.Column("search", sa.LargeBinary, nullable=False),
        sa.UniqueConstraint("game_id", "model", "budget", name="uq_reanalyses_game_id"),
    )
