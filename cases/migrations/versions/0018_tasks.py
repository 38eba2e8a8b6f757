"""Tasks of a case: what a reception decided, and what became of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cases.append_only import forbid_changes

revision = "0018"
down_revision = "0017"


def authored() -> list[sa.Column[object]]:
    return [
        sa.Column("words", sa.String(length=4000), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.String(length=32), nullable=True),
        sa.Column("by", sa.String(length=256), nullable=False),
    ]


def upgrade() -> None:
    op.create_table(
        "petition_tasks",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("petition_id", sa.String(length=32), nullable=False),
        sa.Column("session_id", sa.String(length=32), nullable=True),
        sa.Column("source_id", sa.String(length=32), nullable=True),
        sa.Column("organisation_id", sa.String(length=32), nullable=False),
        sa.Column("person", sa.String(length=256), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        *authored(),
        sa.ForeignKeyConstraint(
            ["petition_id"], ["petitions.id"], name=op.f("fk_petition_tasks_petition_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_petition_tasks_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_petition_tasks")),
    )
    for column in ("petition_id", "session_id"):
        op.create_index(op.f(f"ix_petition_tasks_{column}"), "petition_tasks", [column])
    op.create_table(
        "petition_task_steps",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("task_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        *authored(),
        sa.ForeignKeyConstraint(
            ["task_id"], ["petition_tasks.id"], name=op.f("fk_petition_task_steps_task_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_petition_task_steps")),
    )
    op.create_index(
        "uq_petition_task_steps_number", "petition_task_steps", ["task_id", "number"], unique=True
    )
    for table in ("petition_tasks", "petition_task_steps"):
        forbid_changes(table)
