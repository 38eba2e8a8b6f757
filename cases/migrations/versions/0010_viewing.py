"""The reviewer's desk, first part: why a recording is played, what was played, and timed notes."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cases.append_only import forbid_changes

revision = "0010"
down_revision = "0009"


def authored() -> list[sa.Column[object]]:
    """The columns of recordings.authorship.Authored."""
    return [
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.String(length=32), nullable=True),
        sa.Column("by", sa.String(length=256), nullable=False),
        sa.Column("office", sa.String(length=800), nullable=False),
    ]


def upgrade() -> None:
    op.add_column("recording_accesses", sa.Column("reason", sa.String(length=1200), nullable=True))
    op.create_table(
        "view_purposes",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("recording_id", sa.String(length=32), nullable=False),
        sa.Column("sign_in_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("words", sa.String(length=800), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=True),
        *authored(),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_view_purposes_recording_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_view_purposes")),
    )
    op.create_index("uq_view_purposes_sign_in", "view_purposes", ["recording_id", "sign_in_id"], unique=True)
    op.create_table(
        "played_ranges",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("recording_id", sa.String(length=32), nullable=False),
        sa.Column("purpose_id", sa.String(length=32), nullable=False),
        sa.Column("from_ms", sa.Integer(), nullable=False),
        sa.Column("to_ms", sa.Integer(), nullable=False),
        *authored(),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_played_ranges_recording_id")
        ),
        sa.ForeignKeyConstraint(
            ["purpose_id"], ["view_purposes.id"], name=op.f("fk_played_ranges_purpose_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_played_ranges")),
    )
    for column in ("recording_id", "purpose_id"):
        op.create_index(op.f(f"ix_played_ranges_{column}"), "played_ranges", [column], unique=False)
    op.create_table(
        "review_notes",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("recording_id", sa.String(length=32), nullable=False),
        sa.Column("note_id", sa.String(length=32), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("from_ms", sa.Integer(), nullable=True),
        sa.Column("to_ms", sa.Integer(), nullable=True),
        sa.Column("words", sa.String(length=4000), nullable=False),
        sa.Column("withdrawn", sa.Boolean(), nullable=False),
        *authored(),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_review_notes_recording_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_notes")),
    )
    op.create_index(op.f("ix_review_notes_recording_id"), "review_notes", ["recording_id"], unique=False)
    op.create_index("uq_review_notes_revision", "review_notes", ["note_id", "revision"], unique=True)
    for table in ("view_purposes", "played_ranges", "review_notes"):
        forbid_changes(table)
