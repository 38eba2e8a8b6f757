"""Months counted beforehand: figures of a page from a few thousand rows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0044"
down_revision = "0043"
MEASURES = (
    "registered",
    "concluded",
    "supported",
    "explained",
    "not_supported",
    "finished",
    "handling_days",
    "rated",
    "office_rated",
    "office_satisfied",
    "unit_rated",
    "unit_satisfied",
    "route_due",
    "route_kept",
    "notice_due",
    "notice_kept",
    "handle_due",
    "handle_kept",
    "overdue_now",
    "running_now",
    "surveyed",
    "resolved",
)


def upgrade() -> None:
    op.create_table(
        "counted_months",
        sa.Column("month", sa.String(length=8), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("counted_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("month", name=op.f("pk_counted_months")),
    )
    keys = {"month": 8, "office_id": 32, "unit_id": 32, "channel": 32, "class": 32}
    op.create_table(
        "figure_months",
        *(sa.Column(name, sa.String(length=length), nullable=False) for name, length in keys.items()),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in MEASURES),
        sa.Column("topics", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint(*keys, name=op.f("pk_figure_months")),
    )
    op.create_index("ix_figure_months_office_id", "figure_months", ["office_id", "month"])
