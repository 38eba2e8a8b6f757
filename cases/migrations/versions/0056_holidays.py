"""Yearly arrangements of holidays that administrators enter, and in which region a clock runs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cases.append_only import forbid_changes

revision = "0056"
down_revision = "0055"


def upgrade() -> None:
    op.create_table(
        "holiday_editions",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("region_code", sa.String(length=12), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(length=400), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("official_name", sa.String(length=256), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_holiday_editions")),
        sa.UniqueConstraint(
            "year", "region_code", "version", name=op.f("uq_holiday_editions_year_region_code_version")
        ),
    )
    forbid_changes("holiday_editions")
    op.add_column("petition_clocks", sa.Column("region_code", sa.String(length=12), nullable=True))
