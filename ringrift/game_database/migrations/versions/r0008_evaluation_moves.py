"""The moves of the games that were played for evaluations; those of before are lost."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Make the table of moves."""
    op.create_table(
        "evaluation_moves",
        sa.Column("run", sa.String(16), primary_key=True),
        sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("opening_plies", sa.Integer, nullable=False),
        sa.Column("max_moves", sa.Integer, nullable=False),
        sa.Column("actions", sa.LargeBinary, nullable=False),
        sa.ForeignKeyConstraint(
            ["run", "number"],
            ["evaluation_games.run", "evaluation_games.number"],
            name="fk_evaluation_moves_run_evaluation_games",
            ondelete="CASCADE",
        ),
    )
