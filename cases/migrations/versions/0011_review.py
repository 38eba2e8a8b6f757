"""The reviewer's desk, second part: the checklist answered, second review, findings and their remedy."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cases.append_only import forbid_changes

revision = "0011"
down_revision = "0010"


def authored() -> list[sa.Column[object]]:
    """The columns of recordings.authorship.Authored."""
    return [
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.String(length=32), nullable=True),
        sa.Column("by", sa.String(length=256), nullable=False),
        sa.Column("office", sa.String(length=800), nullable=False),
    ]


def upgrade() -> None:
    _create_reviews()
    _create_findings()
    for table in ("review_answers", "review_steps", "review_findings", "review_finding_steps"):
        forbid_changes(table)


def _create_reviews() -> None:
    op.create_table(
        "review_answers",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("recording_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("checklist", sa.Integer(), nullable=False),
        sa.Column("item", sa.String(length=32), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("from_ms", sa.Integer(), nullable=True),
        sa.Column("words", sa.String(length=4000), nullable=False),
        *authored(),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_review_answers_recording_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_answers")),
    )
    op.create_index(op.f("ix_review_answers_recording_id"), "review_answers", ["recording_id"], unique=False)
    op.create_index("uq_review_answers_number", "review_answers", ["recording_id", "number"], unique=True)
    op.create_table(
        "review_steps",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("recording_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("words", sa.String(length=4000), nullable=False),
        *authored(),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_review_steps_recording_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_steps")),
    )
    op.create_index("uq_review_steps_number", "review_steps", ["recording_id", "number"], unique=True)


def _create_findings() -> None:
    op.create_table(
        "review_findings",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("recording_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("from_ms", sa.Integer(), nullable=True),
        sa.Column("to_ms", sa.Integer(), nullable=True),
        sa.Column("words", sa.String(length=4000), nullable=False),
        sa.Column("organisation_id", sa.String(length=32), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        *authored(),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_review_findings_recording_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_review_findings_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_findings")),
    )
    op.create_index(
        op.f("ix_review_findings_recording_id"), "review_findings", ["recording_id"], unique=False
    )
    op.create_table(
        "review_finding_steps",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("finding_id", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("words", sa.String(length=4000), nullable=False),
        *authored(),
        sa.ForeignKeyConstraint(
            ["finding_id"], ["review_findings.id"], name=op.f("fk_review_finding_steps_finding_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_finding_steps")),
    )
    op.create_index(
        "uq_review_finding_steps_number", "review_finding_steps", ["finding_id", "number"], unique=True
    )
