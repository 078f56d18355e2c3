"""The index that counts the games held out of every config, without reading games."""

from __future__ import annotations

from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Make the index."""
    op.create_index("ix_games_config_lot", "games", ["config", "lot"])
