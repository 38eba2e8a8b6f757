"""The layout of a recording's film, and since when it is being made."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("recordings", sa.Column("layout", sa.String(length=16), nullable=True))
    op.add_column("recordings", sa.Column("composing_at", sa.DateTime(timezone=True), nullable=True))
