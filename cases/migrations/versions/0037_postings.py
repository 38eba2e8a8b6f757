"""The archive's index as posting lists: a bit for each recording instead of a row for each of its terms."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"


def upgrade() -> None:
    op.create_table(
        "archive_blocks",
        sa.Column("block", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("block", name=op.f("pk_archive_blocks")),
    )
    op.create_table(
        "archive_places",
        sa.Column("place", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("block", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recording_id", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_archive_places_recording_id")
        ),
        sa.PrimaryKeyConstraint("place", name=op.f("pk_archive_places")),
        sa.UniqueConstraint("recording_id", name=op.f("uq_archive_places_recording_id")),
    )
    op.create_index(
        "ix_archive_places_block_at_recording_id", "archive_places", ["block", "at", "recording_id"]
    )
    op.create_table(
        "archive_postings",
        sa.Column("term", sa.String(length=80), nullable=False),
        sa.Column("block", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("bits", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("term", "block", name=op.f("pk_archive_postings")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_archive_postings_block", "archive_postings", ["block"])
    op.drop_table("archive_terms")
    op.add_column("archive_passages", sa.Column("folded", sa.Text(), nullable=True))
    op.execute("DELETE FROM archive_passages")
    # The recordings worker writes the index anew from what it is made of, the newest recordings last owed.
    op.execute("UPDATE recordings SET index_wanted_at = started_at WHERE state <> 'destroyed'")
