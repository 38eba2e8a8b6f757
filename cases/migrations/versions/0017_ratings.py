"""Ratings of offices and units."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cases.append_only import forbid_changes

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.create_table(
        "ratings",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("invitation_id", sa.String(length=32), nullable=False),
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column("question", sa.String(length=32), nullable=False),
        sa.Column("organisation_id", sa.String(length=32), nullable=False),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("words", sa.String(length=2000), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["invitation_id"], ["invitations.id"], name=op.f("fk_ratings_invitation_id")),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_ratings_session_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_ratings_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ratings")),
        sa.UniqueConstraint("invitation_id", "question", name=op.f("uq_ratings_invitation_id_question")),
    )
    for column in ("session_id", "organisation_id"):
        op.create_index(op.f(f"ix_ratings_{column}"), "ratings", [column], unique=False)
    forbid_changes("ratings")
