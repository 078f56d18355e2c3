"""Places of jobs that no task waits for any more, on hosts that did not answer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Add the moment at which a job was given up."""
    op.add_column("places", sa.Column("abandoned", sa.BigInteger))
