"""Which device held a personal link before another one was let in its place."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    op.add_column("links", sa.Column("former_device_hash", sa.String(length=64), nullable=True))
