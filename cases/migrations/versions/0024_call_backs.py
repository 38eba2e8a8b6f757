"""Calls that officials made when somebody asked for one, and where a citizen can come in person."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cases.append_only import forbid_changes

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    op.create_table(
        "call_steps",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("request_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("result", sa.String(length=32), nullable=True),
        sa.Column("words", sa.String(length=2000), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.String(length=32), nullable=True),
        sa.Column("by", sa.String(length=256), nullable=False),
        sa.ForeignKeyConstraint(
            ["request_id"], ["citizen_requests.id"], name=op.f("fk_call_steps_request_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_steps")),
        sa.UniqueConstraint("request_id", "number", name=op.f("uq_call_steps_request_id_number")),
    )
    forbid_changes("call_steps")
    op.create_table(
        "visiting_places",
        sa.Column("organisation_id", sa.String(length=32), nullable=False),
        sa.Column("address", sa.String(length=800), nullable=False),
        sa.Column("hours", sa.String(length=400), nullable=False),
        sa.Column("phone", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_visiting_places_organisation_id")
        ),
        sa.PrimaryKeyConstraint("organisation_id", name=op.f("pk_visiting_places")),
    )
