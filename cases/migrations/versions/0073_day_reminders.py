"""Who receives, who attends and who prepares is reminded of a reception day ahead of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0073"
down_revision = "0071"


def upgrade() -> None:
    op.create_table(
        "official_phones",
        sa.Column("official_id", sa.String(length=32), nullable=False),
        sa.Column("phone", sa.String(length=16), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["official_id"], ["officials.id"], name=op.f("fk_official_phones_official_id")
        ),
        sa.PrimaryKeyConstraint("official_id", name=op.f("pk_official_phones")),
    )
    op.create_table(
        "day_reminders",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("reception_day_id", sa.String(length=32), nullable=False),
        sa.Column("falls_on", sa.Date(), nullable=False),
        sa.Column("ahead", sa.Integer(), nullable=False),
        sa.Column("part", sa.String(length=32), nullable=False),
        sa.Column("recipient_id", sa.String(length=32), nullable=False),
        sa.Column("notice_id", sa.String(length=32), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["reception_day_id"], ["reception_days.id"], name=op.f("fk_day_reminders_reception_day_id")
        ),
        sa.ForeignKeyConstraint(["notice_id"], ["notices.id"], name=op.f("fk_day_reminders_notice_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_day_reminders")),
        sa.UniqueConstraint(
            "reception_day_id", "falls_on", "ahead", "part", "recipient_id",
            name=op.f("uq_day_reminders_once"),
        ),
    )  # fmt: skip
