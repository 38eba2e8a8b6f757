"""Representatives of a joint petition stand in the order in which they were named."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0075"
down_revision = "0074"


def upgrade() -> None:
    op.add_column("petition_parties", sa.Column("position", sa.Integer(), nullable=False, server_default="0"))
