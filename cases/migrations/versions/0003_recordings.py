"""Recordings and who opened them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cases.append_only import forbid_changes

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "recordings",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column("petition_id", sa.String(length=32), nullable=False),
        sa.Column("organisation_id", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("directory", sa.String(length=1024), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("active_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stop_reason", sa.String(length=200), nullable=True),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("manifest_sha256", sa.String(length=64), nullable=True),
        sa.Column("previous_manifest_sha256", sa.String(length=64), nullable=True),
        sa.Column("chain_number", sa.Integer(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("track_count", sa.Integer(), nullable=False),
        sa.Column("gap_count", sa.Integer(), nullable=False),
        sa.Column("composition", sa.String(length=32), nullable=False),
        sa.Column("progress", sa.Integer(), nullable=False),
        sa.Column("composed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("composed_sha256", sa.String(length=64), nullable=True),
        sa.Column("composed_size", sa.BigInteger(), nullable=True),
        sa.Column("composed_ms", sa.Integer(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=True),
        sa.Column("lease_owner", sa.String(length=64), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_recordings_organisation_id")
        ),
        sa.ForeignKeyConstraint(["petition_id"], ["petitions.id"], name=op.f("fk_recordings_petition_id")),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_recordings_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recordings")),
        sa.UniqueConstraint(
            "organisation_id", "chain_number", name=op.f("uq_recordings_organisation_id_chain_number")
        ),
    )
    op.create_index(op.f("ix_recordings_petition_id"), "recordings", ["petition_id"], unique=False)
    op.create_index(op.f("ix_recordings_session_id"), "recordings", ["session_id"], unique=False)
    op.create_index(op.f("ix_recordings_state"), "recordings", ["state"], unique=False)
    op.create_index(
        "uq_recordings_live_session",
        "recordings",
        ["session_id"],
        unique=True,
        sqlite_where=sa.text("state IN ('initiated', 'active')"),
        postgresql_where=sa.text("state IN ('initiated', 'active')"),
    )
    op.create_table(
        "recording_accesses",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("recording_id", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("actor_kind", sa.String(length=16), nullable=False),
        sa.Column("official_id", sa.String(length=32), nullable=True),
        sa.Column("actor_name", sa.String(length=256), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=True),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.id"], name=op.f("fk_recording_accesses_recording_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recording_accesses")),
    )
    op.create_index(
        op.f("ix_recording_accesses_official_id"), "recording_accesses", ["official_id"], unique=False
    )
    op.create_index(
        op.f("ix_recording_accesses_recording_id"), "recording_accesses", ["recording_id"], unique=False
    )
    forbid_changes("recording_accesses")
