"""Intake: how a case came in and for how many, representatives and proxies, the same person known again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    op.add_column("people", sa.Column("id_mark", sa.String(length=64), nullable=True))
    op.create_index(op.f("ix_people_id_mark"), "people", ["id_mark"])
    op.create_table(
        "petition_intakes",
        sa.Column("petition_id", sa.String(length=32), nullable=False),
        sa.Column("headcount", sa.Integer(), nullable=False),
        sa.Column("addressed_to", sa.String(length=256), nullable=True),
        sa.Column("reply_by", sa.String(length=32), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=True),
        sa.Column("external_id", sa.String(length=128), nullable=True),
        sa.Column("came_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["petition_id"], ["petitions.id"], name=op.f("fk_petition_intakes_petition_id")
        ),
        sa.PrimaryKeyConstraint("petition_id", name=op.f("pk_petition_intakes")),
        sa.UniqueConstraint("source", "external_id", name=op.f("uq_petition_intakes_source_external_id")),
    )
    op.create_table(
        "petition_parties",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("petition_id", sa.String(length=32), nullable=False),
        sa.Column("person_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("mandate", sa.String(length=800), nullable=True),
        sa.ForeignKeyConstraint(
            ["petition_id"], ["petitions.id"], name=op.f("fk_petition_parties_petition_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_petition_parties_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_petition_parties")),
    )
    op.create_index(op.f("ix_petition_parties_petition_id"), "petition_parties", ["petition_id"])
    op.create_index(op.f("ix_petition_parties_person_id"), "petition_parties", ["person_id"])
