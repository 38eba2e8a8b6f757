"""The archive: copies, objects, keys, holds, and the register of destructions."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cases.append_only import forbid_changes

revision = "0008"
down_revision = "0007"
MOMENT = sa.DateTime(timezone=True)
OPEN = sa.text("state IN ('proposed', 'approved')")


def upgrade() -> None:
    _create_archives()
    _create_holds()
    _create_destructions()
    for table in ("archive_objects", "archive_keys", "destruction_records"):
        forbid_changes(table)


def _create_archives() -> None:
    op.create_table(
        "archives",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("recording_id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("retention", sa.String(length=32), nullable=False),
        sa.Column("keep_until", MOMENT, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("copies", sa.Integer(), nullable=False),
        sa.Column("next_try_at", MOMENT, nullable=True),
        sa.Column("cause", sa.String(length=32), nullable=True),
        sa.Column("trouble", sa.String(length=500), nullable=True),
        sa.Column("failing_since", MOMENT, nullable=True),
        sa.Column("archived_at", MOMENT, nullable=True),
        sa.Column("object_count", sa.Integer(), nullable=False),
        sa.Column("stored_size", sa.BigInteger(), nullable=False),
        sa.Column("local_removed_at", MOMENT, nullable=True),
        sa.Column("distrusted_at", MOMENT, nullable=True),
        sa.Column("lease_owner", sa.String(length=64), nullable=True),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["recording_id"], ["recordings.id"], name=op.f("fk_archives_recording_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_archives")),
        sa.UniqueConstraint("recording_id", name=op.f("uq_archives_recording_id")),
    )
    op.create_index(op.f("ix_archives_state"), "archives", ["state"], unique=False)
    op.create_table(
        "archive_objects",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("recording_id", sa.String(length=32), nullable=False),
        sa.Column("path", sa.String(length=512), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("parts", sa.Integer(), nullable=False),
        sa.Column("file_size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=512), nullable=False),
        sa.Column("stored_size", sa.Integer(), nullable=False),
        sa.Column("stored_sha256", sa.String(length=64), nullable=False),
        sa.Column("proved_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_archive_objects_recording_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_archive_objects")),
        sa.UniqueConstraint("name", name=op.f("uq_archive_objects_name")),
    )
    op.create_index(
        op.f("ix_archive_objects_recording_id"), "archive_objects", ["recording_id"], unique=False
    )
    op.create_table(
        "archive_keys",
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column("master", sa.String(length=64), nullable=False),
        sa.Column("nonce", sa.String(length=24), nullable=False),
        sa.Column("wrapped", sa.String(length=96), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_archive_keys_session_id")),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_archive_keys")),
    )


def _create_holds() -> None:
    op.create_table(
        "legal_holds",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("recording_id", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=1200), nullable=False),
        sa.Column("placed_at", MOMENT, nullable=False),
        sa.Column("placed_by_id", sa.String(length=32), nullable=True),
        sa.Column("placed_by", sa.String(length=256), nullable=False),
        sa.Column("organisation_ids", sa.String(length=1024), nullable=False),
        sa.Column("lifted_at", MOMENT, nullable=True),
        sa.Column("lifted_by", sa.String(length=256), nullable=True),
        sa.Column("lifted_reason", sa.String(length=1200), nullable=True),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_legal_holds_recording_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_legal_holds")),
    )
    op.create_index(op.f("ix_legal_holds_recording_id"), "legal_holds", ["recording_id"], unique=False)


def _create_destructions() -> None:
    op.create_table(
        "destruction_proposals",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("recording_id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=1200), nullable=False),
        sa.Column("proposed_at", MOMENT, nullable=False),
        sa.Column("proposed_by_id", sa.String(length=32), nullable=True),
        sa.Column("proposed_by", sa.String(length=256), nullable=False),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("decided_by_id", sa.String(length=32), nullable=True),
        sa.Column("decided_by", sa.String(length=256), nullable=True),
        sa.Column("decision", sa.String(length=1200), nullable=True),
        sa.Column("next_try_at", MOMENT, nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("cause", sa.String(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_destruction_proposals_recording_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_destruction_proposals")),
    )
    op.create_index(
        "uq_destruction_proposals_open",
        "destruction_proposals",
        ["recording_id"],
        unique=True,
        sqlite_where=OPEN,
        postgresql_where=OPEN,
    )
    op.create_table(
        "destruction_records",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("proposal_id", sa.String(length=32), nullable=False),
        sa.Column("recording_id", sa.String(length=32), nullable=False),
        sa.Column("organisation_id", sa.String(length=32), nullable=False),
        sa.Column("petition_number", sa.String(length=64), nullable=False),
        sa.Column("chain_number", sa.Integer(), nullable=True),
        sa.Column("manifest_sha256", sa.String(length=64), nullable=True),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("stopped_at", MOMENT, nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("retention", sa.String(length=32), nullable=False),
        sa.Column("keep_until", MOMENT, nullable=True),
        sa.Column("reason", sa.String(length=1200), nullable=False),
        sa.Column("proposed_by", sa.String(length=256), nullable=False),
        sa.Column("proposed_at", MOMENT, nullable=False),
        sa.Column("approved_by", sa.String(length=256), nullable=False),
        sa.Column("approved_at", MOMENT, nullable=False),
        sa.Column("destroyed_at", MOMENT, nullable=False),
        sa.Column("objects", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_destruction_records_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["proposal_id"], ["destruction_proposals.id"], name=op.f("fk_destruction_records_proposal_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_destruction_records")),
        sa.UniqueConstraint("recording_id", name=op.f("uq_destruction_records_recording_id")),
    )
