"""Verdicts on recordings, and which recordings are owed one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cases.append_only import forbid_changes

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.add_column("recordings", sa.Column("verification_wanted_at", moment, nullable=True))
    op.execute("UPDATE recordings SET verification_wanted_at = sealed_at WHERE sealed_at IS NOT NULL")
    op.create_table(
        "verifications",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("recording_id", sa.String(length=32), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("took_ms", sa.Integer(), nullable=False),
        sa.Column("intact", sa.Boolean(), nullable=False),
        sa.Column("exit_code", sa.Integer(), nullable=False),
        sa.Column("manifest_sha256", sa.String(length=64), nullable=True),
        sa.Column("fingerprint", sa.String(length=128), nullable=True),
        sa.Column("segments", sa.Integer(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("finding_count", sa.Integer(), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_verifications_recording_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verifications")),
    )
    op.create_index(op.f("ix_verifications_recording_id"), "verifications", ["recording_id"], unique=False)
    forbid_changes("verifications")
