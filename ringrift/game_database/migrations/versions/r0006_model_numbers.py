"""The order in which models were registered, which no clock and no copy of files can change."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Number the models of today by the time of their creation."""
    op.add_column("models", sa.Column("number", sa.BigInteger, nullable=False, server_default="0"))
    op.execute(
        "UPDATE models SET number = (SELECT count(*) FROM models AS earlier WHERE earlier.created < models.created"
        " OR (earlier.created = models.created AND earlier.id <= models.id))"
    )
