"""How well media travelled, by participant and minute."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cases.append_only import forbid_changes

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "quality_minutes",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column("participant_id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("packed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_quality_minutes_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quality_minutes")),
    )
    op.create_index(op.f("ix_quality_minutes_session_id"), "quality_minutes", ["session_id"], unique=False)
    forbid_changes("quality_minutes")
