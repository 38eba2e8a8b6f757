"""What each person did when asked to sign the minutes, and the signed statement of the final text."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cases.append_only import forbid_changes

revision = "0019"
down_revision = "0018"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "minutes_signatures",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("minutes_id", sa.String(length=32), nullable=False),
        sa.Column("signer_id", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("act", sa.String(length=32), nullable=False),
        sa.Column("text_digest", sa.String(length=64), nullable=False),
        sa.Column("strokes", sa.Text(), nullable=True),
        sa.Column("picture", sa.LargeBinary(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("noted_by", sa.String(length=256), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["minutes_id"], ["minutes.id"], name=op.f("fk_minutes_signatures_minutes_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_minutes_signatures")),
        sa.UniqueConstraint(
            "minutes_id", "signer_id", name=op.f("uq_minutes_signatures_minutes_id_signer_id")
        ),
    )
    op.create_index(op.f("ix_minutes_signatures_minutes_id"), "minutes_signatures", ["minutes_id"])
    op.create_table(
        "signed_minutes",
        sa.Column("minutes_id", sa.String(length=32), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["minutes_id"], ["minutes.id"], name=op.f("fk_signed_minutes_minutes_id")),
        sa.PrimaryKeyConstraint("minutes_id", name=op.f("pk_signed_minutes")),
    )
    for table in ("minutes_signatures", "signed_minutes"):
        forbid_changes(table)
