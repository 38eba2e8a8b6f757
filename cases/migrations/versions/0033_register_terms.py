"""The register's index; terms of cases that are there already are made at the next start."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    op.create_table(
        "petition_terms",
        sa.Column("term", sa.String(length=80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("petition_id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["petition_id"], ["petitions.id"], name=op.f("fk_petition_terms_petition_id")
        ),
        sa.PrimaryKeyConstraint("term", "at", "petition_id", name=op.f("pk_petition_terms")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_petition_terms_petition_id"), "petition_terms", ["petition_id"])
