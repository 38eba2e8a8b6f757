"""Telephone numbers of messages stand apart from what was sent: they are forgotten, the messages are not."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    op.create_table(
        "notice_addresses",
        sa.Column("notice_id", sa.String(length=32), nullable=False),
        sa.Column("recipient", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["notice_id"], ["notices.id"], name=op.f("fk_notice_addresses_notice_id")),
        sa.PrimaryKeyConstraint("notice_id", name=op.f("pk_notice_addresses")),
    )
    op.create_index(op.f("ix_notice_addresses_recipient"), "notice_addresses", ["recipient"], unique=False)
    op.execute("INSERT INTO notice_addresses (notice_id, recipient) SELECT id, recipient FROM notices")
    op.drop_index(op.f("ix_notices_recipient"), "notices")
    op.drop_column("notices", "recipient")
