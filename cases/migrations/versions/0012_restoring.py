"""When somebody asked for an original that aged out, and when it was back."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.add_column("archives", sa.Column("restore_wanted_at", moment, nullable=True))
    op.add_column("archives", sa.Column("restored_at", moment, nullable=True))
