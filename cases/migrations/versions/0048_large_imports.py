"""Imports that the service checks and tells of by itself, and indexes for a hundred thousand rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0048"
down_revision = "0047"


def upgrade() -> None:
    op.add_column("imports", sa.Column("checked_to", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("imports", sa.Column("code", sa.String(length=64), nullable=True))
    op.add_column("imports", sa.Column("reason", sa.String(length=800), nullable=True))
    op.add_column("imports", sa.Column("told_to", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("imports", sa.Column("told", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("imports", sa.Column("told_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_import_rows_fate", "import_rows", ["import_id", "fate", "number"])
    op.create_index("ix_import_rows_name", "import_rows", ["import_id", "external_id"])
