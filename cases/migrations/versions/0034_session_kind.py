"""What a session is for: reception, mediation or follow-up. Those there were are receptions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    kind = sa.Column("kind", sa.String(length=32), nullable=False, server_default="reception")
    op.add_column("sessions", kind)
