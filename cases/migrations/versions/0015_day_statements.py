"""What each night found in an office's chain, and the signed statement of each day beside its file."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cases.append_only import forbid_changes

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "office_checks",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("organisation_id", sa.String(length=32), nullable=False),
        sa.Column("night", sa.Date(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("links", sa.Integer(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("found", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_office_checks_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_office_checks")),
        sa.UniqueConstraint("organisation_id", "night", name=op.f("uq_office_checks_organisation_id_night")),
    )
    op.create_table(
        "day_statements",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("organisation_id", sa.String(length=32), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("signature", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_day_statements_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_day_statements")),
        sa.UniqueConstraint("organisation_id", "day", name=op.f("uq_day_statements_organisation_id_day")),
    )
    for table in ("office_checks", "day_statements"):
        forbid_changes(table)
    for table in ("recording_accesses", "view_purposes", "played_ranges"):  # Auditors read them by time.
        op.create_index(op.f(f"ix_{table}_at"), table, ["at"], unique=False)
