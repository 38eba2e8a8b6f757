"""The archive's index of terms and passages, and which recordings are owed an entry."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    moment = sa.DateTime(timezone=True)
    op.add_column("recordings", sa.Column("index_wanted_at", moment, nullable=True))
    op.execute("UPDATE recordings SET index_wanted_at = started_at")
    op.create_index(op.f("ix_recordings_index_wanted_at"), "recordings", ["index_wanted_at"], unique=False)
    op.create_index("ix_recordings_started_at_id", "recordings", ["started_at", "id"], unique=False)
    op.create_table(
        "archive_terms",
        sa.Column("term", sa.String(length=80), nullable=False),
        sa.Column("at", moment, nullable=False),
        sa.Column("recording_id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_archive_terms_recording_id")
        ),
        sa.PrimaryKeyConstraint("term", "at", "recording_id", name=op.f("pk_archive_terms")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "archive_passages",
        sa.Column("recording_id", sa.String(length=32), nullable=False),
        sa.Column("place", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("ms", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("who", sa.String(length=256), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_archive_passages_recording_id")
        ),
        sa.PrimaryKeyConstraint("recording_id", "place", name=op.f("pk_archive_passages")),
    )
