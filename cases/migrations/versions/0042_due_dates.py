"""Due dates by reach; the register's terms are made anew at the next start, with them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0042"
down_revision = "0041"


def upgrade() -> None:
    op.create_table(
        "due_dates",
        sa.Column("reach", sa.String(length=80), nullable=False),
        sa.Column("rolled_on", sa.Date(), nullable=False),
        sa.Column("clock_id", sa.String(length=32), nullable=False),
        sa.Column("raw_on", sa.Date(), nullable=False),
        sa.Column("petition_id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(["clock_id"], ["petition_clocks.id"], name=op.f("fk_due_dates_clock_id")),
        sa.ForeignKeyConstraint(["petition_id"], ["petitions.id"], name=op.f("fk_due_dates_petition_id")),
        sa.PrimaryKeyConstraint("reach", "rolled_on", "clock_id", name=op.f("pk_due_dates")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_due_dates_petition_id"), "due_dates", ["petition_id"])
    op.execute("DELETE FROM petition_terms")
