"""Years of retention classes that administrators changed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cases.append_only import forbid_changes

revision = "0057"
down_revision = "0056"


def upgrade() -> None:
    op.create_table(
        "retention_changes",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("years", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=800), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("official_name", sa.String(length=256), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_retention_changes")),
        sa.UniqueConstraint("code", "version", name=op.f("uq_retention_changes_code_version")),
    )
    forbid_changes("retention_changes")
