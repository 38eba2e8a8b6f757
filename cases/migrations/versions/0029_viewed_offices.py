"""Of which office the recording is that somebody looked at, so that its viewings are read by an index."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cases.append_only import forbid_changes, permit_changes

revision = "0029"
down_revision = "0028"

VIEWINGS = ("recording_accesses", "view_purposes", "played_ranges")


def upgrade() -> None:
    for table in VIEWINGS:
        column = sa.Column("organisation_id", sa.String(length=32), nullable=False, server_default="")
        op.add_column(table, column)
        permit_changes(table)
        own = f"SELECT organisation_id FROM recordings WHERE recordings.id = {table}.recording_id"
        op.execute(f"UPDATE {table} SET organisation_id = ({own})")  # noqa: S608 - three names of ours.
        forbid_changes(table)
        op.create_index(f"ix_{table}_organisation_id_at", table, ["organisation_id", "at", "id"])
