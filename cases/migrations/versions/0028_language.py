"""In which language an official reads pages; nothing as long as they chose none."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.add_column("officials", sa.Column("language", sa.String(length=16), nullable=True))
