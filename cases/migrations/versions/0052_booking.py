"""Booking: leaders' duties, what upper offices answer to a joint reception, links that reminders bring."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0052"
down_revision = "0051"

ID = sa.String(length=32)


def upgrade() -> None:
    op.add_column("links", sa.Column("reminder_hash", sa.String(length=64), nullable=True))
    op.create_index(op.f("ix_links_reminder_hash"), "links", ["reminder_hash"], unique=True)
    op.add_column(
        "rota_rules", sa.Column("duties", sa.String(length=400), nullable=False, server_default="")
    )
    op.create_table(
        "joint_answers",
        sa.Column("booking_id", ID, nullable=False),
        sa.Column("organisation_id", ID, nullable=False),
        sa.Column("answer", ID, nullable=False),
        sa.Column("reason", sa.String(length=800), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_by", ID, nullable=True),
        sa.ForeignKeyConstraint(["booking_id"], ["bookings.id"], name=op.f("fk_joint_answers_booking_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_joint_answers_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["answered_by"], ["officials.id"], name=op.f("fk_joint_answers_answered_by")
        ),
        sa.PrimaryKeyConstraint("booking_id", "organisation_id", name=op.f("pk_joint_answers")),
    )
