"""Units that must attend a reception day are told at their duty telephone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0071"
down_revision = "0070"


def upgrade() -> None:
    op.create_table(
        "duty_phones",
        sa.Column("organisation_id", sa.String(length=32), nullable=False),
        sa.Column("phone", sa.String(length=16), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_duty_phones_organisation_id")
        ),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_duty_phones")),
    )
    op.create_table(
        "attendance_notices",
        sa.Column("notice_id", sa.String(length=32), nullable=False),
        sa.Column("reception_day_id", sa.String(length=32), nullable=False),
        sa.Column("organisation_id", sa.String(length=32), nullable=False),
        *(
            sa.ForeignKeyConstraint([column], [f"{table}.id"], name=op.f(f"fk_attendance_notices_{column}"))
            for column, table in (
                ("notice_id", "notices"),
                ("reception_day_id", "reception_days"),
                ("organisation_id", "organisations"),
            )
        ),
        sa.PrimaryKeyConstraint("notice_id", name=op.f("pk_attendance_notices")),
    )
    op.create_index(
        op.f("ix_attendance_notices_reception_day_id"), "attendance_notices", ["reception_day_id"]
    )
