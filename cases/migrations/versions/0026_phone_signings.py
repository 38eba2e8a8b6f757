"""Links by which somebody signs the minutes on their own phone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "phone_signings",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("minutes_id", sa.String(length=32), nullable=False),
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column("invitation_id", sa.String(length=32), nullable=False),
        sa.Column("text_digest", sa.String(length=64), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("device_hash", sa.String(length=64), nullable=True),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("issued_at", MOMENT, nullable=False),
        sa.Column("valid_until", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["minutes_id"], ["minutes.id"], name=op.f("fk_phone_signings_minutes_id")),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_phone_signings_session_id")),
        sa.ForeignKeyConstraint(
            ["invitation_id"], ["invitations.id"], name=op.f("fk_phone_signings_invitation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phone_signings")),
    )
    op.create_index(op.f("ix_phone_signings_minutes_id"), "phone_signings", ["minutes_id"])
