"""Who is large in a film whose layout makes one person large."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.add_column("recordings", sa.Column("spotlight", sa.String(length=64), nullable=True))
