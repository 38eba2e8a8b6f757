"""Other slots that offices answer a booking with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0065"
down_revision = "0064"
LIVE = "state IN ('open', 'asked_anew')"


def upgrade() -> None:
    op.create_table(
        "slot_proposals",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("booking_id", sa.String(length=32), nullable=False),
        sa.Column("organisation_id", sa.String(length=32), nullable=False),
        sa.Column("slot_id", sa.String(length=32), nullable=False),
        sa.Column("was_slot_id", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=800), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proposed_by", sa.String(length=256), nullable=False),
        sa.Column("proposed_by_id", sa.String(length=32), nullable=True),
        sa.Column("answer", sa.String(length=800), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.String(length=256), nullable=False),
        *(
            sa.ForeignKeyConstraint([column], [f"{table}.id"], name=op.f(f"fk_slot_proposals_{column}"))
            for column, table in (
                ("booking_id", "bookings"),
                ("organisation_id", "organisations"),
                ("slot_id", "slots"),
                ("was_slot_id", "slots"),
                ("proposed_by_id", "officials"),
            )
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_slot_proposals")),
    )
    op.create_index(op.f("ix_slot_proposals_booking_id"), "slot_proposals", ["booking_id"])
    op.create_index(
        "ix_slot_proposals_one_live",
        "slot_proposals",
        ["booking_id", "organisation_id", "was_slot_id"],
        unique=True,
        sqlite_where=sa.text(LIVE),
        postgresql_where=sa.text(LIVE),
    )
