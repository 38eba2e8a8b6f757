"""Indexes by which the readings of an office's recordings are counted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    columns = ["organisation_id", "verified_at", "sealed_at", "state", "size", "chain_number"]
    op.create_index("ix_recordings_readings", "recordings", columns)
    op.create_index(
        "ix_verifications_damaged",
        "verifications",
        ["recording_id", "at"],
        sqlite_where=sa.text("intact IS 0"),
        postgresql_where=sa.text("intact IS false"),
    )
