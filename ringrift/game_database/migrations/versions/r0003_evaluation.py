"""The tables of evaluation: its results, the games that were played for it, and the history of Elo."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make them."""
    op.create_table(
        "evaluations",
        sa.Column("id", KEY, primary_key=True),
        sa.Column("config", sa.String(16), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("candidate", sa.Text),
        sa.Column("passed", sa.Boolean),
        sa.Column("finished", sa.BigInteger, nullable=False),
        sa.Column("report", sa.Text, nullable=False),
    )
    op.create_index("ix_evaluations_config_kind", "evaluations", ["config", "kind"])
    op.create_table(
        "evaluation_games",
        sa.Column("run", sa.String(16), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("planned", sa.Integer, nullable=False),
        sa.Column("config", sa.String(16), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("players", sa.Text, nullable=False),
        sa.Column("opening", sa.Integer, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("ranks", sa.String(16)),
        sa.Column("reason", sa.String(32)),
        sa.Column("plies", sa.Integer, nullable=False),
        sa.Column("actions_hash", sa.BigInteger, nullable=False),
        sa.Column("ended", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_evaluation_games_config_kind", "evaluation_games", ["config", "kind"])
    op.create_table(
        "elo",
        sa.Column("config", sa.String(16), primary_key=True),
        sa.Column("fit", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("player", sa.String(255), primary_key=True),
        sa.Column("elo", sa.Double, nullable=False),
        sa.Column("low", sa.Double, nullable=False),
        sa.Column("high", sa.Double, nullable=False),
        sa.Column("games", sa.Integer, nullable=False),
        sa.Column("fitted", sa.BigInteger, nullable=False),
    )
