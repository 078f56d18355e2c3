"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

KEY = sa.BigInteger().with_variant(sa.Integer, "sqlite")
DIGEST = sa.LargeBinary(16)


def upgrade() -> None:
    """Make all tables."""
    op.create_table(
        "sources",
        sa.Column("id", KEY, primary_key=True),
        sa.Column("path", sa.Text, nullable=False, unique=True),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("lines", sa.BigInteger, nullable=False),
        sa.Column("head", DIGEST),
        sa.Column("tail", DIGEST),
        sa.Column("trailer", sa.LargeBinary),
        sa.Column("note", sa.Text),
    )
    op.create_index("ix_sources_head", "sources", ["head"])
    op.create_table(
        "games",
        sa.Column("id", KEY, primary_key=True),
        sa.Column("identity", DIGEST, nullable=False, unique=True),
        sa.Column("lot", sa.Integer, nullable=False),
        sa.Column("origin", sa.String(16), nullable=False),
        sa.Column("source_id", KEY, sa.ForeignKey("sources.id"), nullable=False),
        sa.Column("line", sa.BigInteger, nullable=False),
        sa.Column("config", sa.String(16), nullable=False),
        sa.Column("run", sa.Text, nullable=False),
        sa.Column("game", sa.BigInteger, nullable=False),
        sa.Column("seed", sa.BigInteger, nullable=False),
        sa.Column("engines", sa.Text, nullable=False),
        sa.Column("models", sa.Text, nullable=False),
        sa.Column("opening", sa.Integer, nullable=False),
        sa.Column("max_moves", sa.Integer, nullable=False),
        sa.Column("resigned_seat", sa.SmallInteger),
        sa.Column("resigned_at", sa.Integer),
        sa.Column("host", sa.Text, nullable=False),
        sa.Column("worker", sa.Text, nullable=False),
        sa.Column("ended", sa.BigInteger, nullable=False),
        sa.Column("winner", sa.SmallInteger),
        sa.Column("reason", sa.String(32)),
        sa.Column("ranks", sa.String(16)),
        sa.Column("actions", sa.Integer, nullable=False),
        sa.Column("plies", sa.Integer, nullable=False),
        sa.Column("choices", sa.Integer, nullable=False),
        sa.Column("placements", sa.Integer, nullable=False),
        sa.Column("movements", sa.Integer, nullable=False),
        sa.Column("lines", sa.Integer, nullable=False),
        sa.Column("regions", sa.Integer, nullable=False),
        sa.Column("recoveries", sa.Integer, nullable=False),
        sa.Column("forced_eliminations", sa.Integer, nullable=False),
        sa.Column("opening_hash", sa.BigInteger, nullable=False),
        sa.Column("actions_hash", sa.BigInteger, nullable=False),
    )
    op.create_index("ix_games_config_id", "games", ["config", "id"])
    op.create_table(
        "moves",
        sa.Column("game_id", KEY, sa.ForeignKey("games.id", ondelete="CASCADE"), primary_key=True, autoincrement=False),
        sa.Column("actions", sa.LargeBinary, nullable=False),
        sa.Column("search", sa.LargeBinary),
        sa.Column("extra", sa.LargeBinary),
    )
    op.create_table(
        "quarantine",
        sa.Column("id", KEY, primary_key=True),
        sa.Column("digest", DIGEST, nullable=False, unique=True),
        sa.Column("source_id", KEY, sa.ForeignKey("sources.id"), nullable=False),
        sa.Column("line", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.String(32), nullable=False),
        sa.Column("detail", sa.Text, nullable=False),
        sa.Column("raw", sa.LargeBinary, nullable=False),
    )
