"""Seats."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "seats",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column("invitation_id", sa.String(length=32), nullable=False),
        sa.Column("place", sa.String(length=16), nullable=False),
        sa.Column("queue_organisation_id", sa.String(length=32), nullable=True),
        sa.Column("queue_day", sa.Date(), nullable=True),
        sa.Column("queue_number", sa.Integer(), nullable=True),
        sa.Column("created_at", moment, nullable=False),
        sa.Column("queued_at", moment, nullable=True),
        sa.Column("admitted_at", moment, nullable=True),
        sa.Column("left_at", moment, nullable=True),
        sa.Column("absent_since", moment, nullable=True),
        sa.Column("hand_raised_at", moment, nullable=True),
        sa.Column("removed_at", moment, nullable=True),
        sa.Column("removed_reason", sa.String(length=200), nullable=True),
        sa.Column("ready", sa.Boolean(), nullable=False),
        sa.Column("device", sa.JSON(), nullable=True),
        sa.Column("sources", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_seats_session_id")),
        sa.ForeignKeyConstraint(["invitation_id"], ["invitations.id"], name=op.f("fk_seats_invitation_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seats")),
        sa.UniqueConstraint("invitation_id", name=op.f("uq_seats_invitation_id")),
    )
    op.create_index(op.f("ix_seats_session_id"), "seats", ["session_id"], unique=False)
    op.create_index(
        op.f("uq_seats_queue_number"),
        "seats",
        ["queue_organisation_id", "queue_day", "queue_number"],
        unique=True,
    )
