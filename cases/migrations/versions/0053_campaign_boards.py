"""Campaigns on pages: who leads a matter by account, how it stands, and by what it was struck off."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cases.append_only import forbid_changes

revision = "0053"
down_revision = "0052"


def upgrade() -> None:
    table = "campaign_matters"
    op.add_column(table, sa.Column("state", sa.String(length=32), nullable=False, server_default="open"))
    op.execute("UPDATE campaign_matters SET state = 'struck_off' WHERE resolved_on IS NOT NULL")
    for name, target in (("leader_id", "officials"), ("organisation_id", "organisations")):
        key = sa.ForeignKey(f"{target}.id", name=op.f(f"fk_{table}_{name}"))
        # SQLite knows no constraint that is added later.
        op.add_column(
            table, sa.Column(name, sa.String(length=32), key, nullable=True), inline_references=True
        )
    own = "SELECT custodian_id FROM petitions WHERE petitions.id = campaign_matters.petition_id"
    op.execute(f"UPDATE campaign_matters SET organisation_id = ({own})")  # noqa: S608 - names of ours.
    op.add_column(table, sa.Column("task_id", sa.String(length=32), nullable=True))
    op.create_index(op.f("ix_campaign_matters_leader_id"), table, ["leader_id"])
    op.create_index("ix_campaign_matters_state_due", table, ["campaign_id", "state", "due_on"])
    table = "campaign_evidence"
    op.create_table(
        table,
        sa.Column("step_id", sa.String(length=32), nullable=False),
        sa.Column("document_id", sa.String(length=32), nullable=True),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("file_type", sa.String(length=64), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["step_id"], ["campaign_steps.id"], name=op.f(f"fk_{table}_step_id")),
        sa.ForeignKeyConstraint(["document_id"], ["documents.id"], name=op.f(f"fk_{table}_document_id")),
        sa.PrimaryKeyConstraint("step_id", name=op.f(f"pk_{table}")),
    )
    forbid_changes(table)
