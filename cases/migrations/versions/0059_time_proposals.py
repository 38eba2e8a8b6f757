"""Other times that offices propose which are asked to a joint reception."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0059"
down_revision = "0058"


def upgrade() -> None:
    op.create_table(
        "time_proposals",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column("organisation_id", sa.String(length=32), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(length=800), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("proposed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("proposed_by", sa.String(length=256), nullable=False),
        sa.Column("answer", sa.String(length=800), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.String(length=256), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_time_proposals_session_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_time_proposals_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_time_proposals")),
    )
    op.create_index(op.f("ix_time_proposals_session_id"), "time_proposals", ["session_id"])
    op.create_index(
        "ix_time_proposals_one_open",
        "time_proposals",
        ["session_id", "organisation_id", "revision"],
        unique=True,
        sqlite_where=sa.text("state IN ('open', 'asked_anew')"),
        postgresql_where=sa.text("state IN ('open', 'asked_anew')"),
    )
