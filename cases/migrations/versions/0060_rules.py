"""Deadlines of regions as versions, and rules that wait for a second administrator."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cases.append_only import forbid_changes

revision = "0060"
down_revision = "0059"

OPEN = sa.text("decided_at IS NULL")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "rule_proposals",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.String(length=32), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("why", sa.String(length=800), nullable=False),
        sa.Column("proposed_at", MOMENT, nullable=False),
        sa.Column("proposed_by_id", sa.String(length=32), nullable=True),
        sa.Column("proposed_by", sa.String(length=256), nullable=False),
        sa.Column("decision", sa.String(length=32), nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("decided_by", sa.String(length=256), nullable=False),
        sa.Column("reason", sa.String(length=800), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_proposals")),
    )
    op.create_index(op.f("ix_rule_proposals_proposed_at"), "rule_proposals", ["proposed_at"])
    op.create_index(
        "ix_rule_proposals_open", "rule_proposals", ["kind", "subject"], unique=True,
        sqlite_where=OPEN, postgresql_where=OPEN,
    )  # fmt: skip
    op.create_table(
        "deadline_versions",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("region_code", sa.String(length=12), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("why", sa.String(length=800), nullable=False),
        sa.Column("made_at", MOMENT, nullable=False),
        sa.Column("proposed_by", sa.String(length=256), nullable=False),
        sa.Column("confirmed_by", sa.String(length=256), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deadline_versions")),
        sa.UniqueConstraint(
            "region_code", "version", name=op.f("uq_deadline_versions_region_code_version")
        ),
    )
    forbid_changes("deadline_versions")
