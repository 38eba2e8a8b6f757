"""Histories that were joined, and joinings that were undone."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cases.append_only import forbid_changes

revision = "0041"
down_revision = "0040"

ID = sa.String(length=32)


def upgrade() -> None:
    op.create_table(
        "petition_joins",
        sa.Column("id", ID, nullable=False),
        sa.Column("petition_id", ID, nullable=False),
        sa.Column("other_id", ID, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("joined", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.String(length=800), nullable=False),
        sa.Column("official_id", ID, nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["petition_id"], ["petitions.id"], name=op.f("fk_petition_joins_petition_id")
        ),
        sa.ForeignKeyConstraint(["other_id"], ["petitions.id"], name=op.f("fk_petition_joins_other_id")),
        sa.ForeignKeyConstraint(
            ["official_id"], ["officials.id"], name=op.f("fk_petition_joins_official_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_petition_joins")),
        sa.UniqueConstraint(
            "petition_id",
            "other_id",
            "sequence",
            name=op.f("uq_petition_joins_petition_id_other_id_sequence"),
        ),
    )
    op.create_index(op.f("ix_petition_joins_other_id"), "petition_joins", ["other_id"])
    forbid_changes("petition_joins")
