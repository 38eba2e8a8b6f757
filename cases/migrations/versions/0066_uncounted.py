"""The cases that are in no figure have an index of their own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0066"
down_revision = "0065"


def upgrade() -> None:
    op.create_index(
        "ix_petitions_uncounted", "petitions", ["id"],
        sqlite_where=sa.text("confidential IS 1 OR accused_organisation_id IS NOT NULL"),
        postgresql_where=sa.text("confidential IS true OR accused_organisation_id IS NOT NULL"),
    )  # fmt: skip
