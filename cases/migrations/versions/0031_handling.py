"""Handling of a case: responsible unit, way, conclusion, and the clocks of its duties."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    for name in ("way", "conclusion"):
        op.add_column("petitions", sa.Column(name, sa.String(length=32), nullable=True))
    for name in ("accepted_on", "concluded_on"):
        op.add_column("petitions", sa.Column(name, sa.Date(), nullable=True))
    for name in ("handler_id", "reviewer_id"):
        key = sa.ForeignKey("organisations.id", name=op.f(f"fk_petitions_{name}"))
        # SQLite knows no constraint that is added later.
        op.add_column("petitions", sa.Column(name, sa.String(length=32), key), inline_references=True)
    op.create_index(op.f("ix_petitions_handler_id"), "petitions", ["handler_id"])
    op.create_table(
        "petition_clocks",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("petition_id", sa.String(length=32), nullable=False),
        sa.Column("duty", sa.String(length=32), nullable=False),
        sa.Column("profile", sa.String(length=32), nullable=False),
        sa.Column("organisation_id", sa.String(length=32), nullable=True),
        sa.Column("start_on", sa.Date(), nullable=False),
        sa.Column("set_days", sa.Integer(), nullable=False),
        sa.Column("extension", sa.Integer(), nullable=False),
        sa.Column("raw_on", sa.Date(), nullable=True),
        sa.Column("rolled_on", sa.Date(), nullable=True),
        sa.Column("pauses", sa.JSON(), nullable=False),
        sa.Column("met_on", sa.Date(), nullable=True),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["petition_id"], ["petitions.id"], name=op.f("fk_petition_clocks_petition_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_petition_clocks_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_petition_clocks")),
    )
    op.create_index(op.f("ix_petition_clocks_petition_id"), "petition_clocks", ["petition_id"])
    op.create_index("ix_petition_clocks_open", "petition_clocks", ["met_on", "rolled_on"])
