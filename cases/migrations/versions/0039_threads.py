"""Messages by SMS and WeChat: threads, nonces that were used, and answers on their way."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cases.append_only import forbid_changes

revision = "0039"
down_revision = "0038"

ID = sa.String(length=32)
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "message_threads",
        sa.Column("id", ID, nullable=False),
        sa.Column("channel", ID, nullable=False),
        sa.Column("sender", sa.String(length=64), nullable=False),
        sa.Column("organisation_id", ID, nullable=False),
        sa.Column("state", ID, nullable=False),
        sa.Column("petition_id", ID, nullable=True),
        sa.Column("reason", sa.String(length=800), nullable=True),
        sa.Column("message_count", sa.Integer(), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("last_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_message_threads_organisation_id")
        ),
        sa.ForeignKeyConstraint(
            ["petition_id"], ["petitions.id"], name=op.f("fk_message_threads_petition_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_threads")),
    )
    is_open = sa.text("state = 'open'")
    op.create_index(
        "ix_message_threads_open", "message_threads", ["channel", "sender"], unique=True,
        sqlite_where=is_open, postgresql_where=is_open,
    )  # fmt: skip
    op.create_index("ix_message_threads_office", "message_threads", ["organisation_id", "state", "last_at"])
    op.create_table(
        "thread_messages",
        sa.Column("id", ID, nullable=False),
        sa.Column("thread_id", ID, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("channel", ID, nullable=False),
        sa.Column("external_id", sa.String(length=128), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["thread_id"], ["message_threads.id"], name=op.f("fk_thread_messages_thread_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_thread_messages")),
        sa.UniqueConstraint("channel", "external_id", name=op.f("uq_thread_messages_channel_external_id")),
        sa.UniqueConstraint("thread_id", "sequence", name=op.f("uq_thread_messages_thread_id_sequence")),
    )
    forbid_changes("thread_messages")
    op.create_table(
        "inbound_marks",
        sa.Column("channel", ID, nullable=False),
        sa.Column("mark", sa.String(length=160), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("channel", "mark", name=op.f("pk_inbound_marks")),
    )
    op.create_index(op.f("ix_inbound_marks_at"), "inbound_marks", ["at"])
    op.create_table(
        "replies",
        sa.Column("id", ID, nullable=False),
        sa.Column("channel", ID, nullable=False),
        sa.Column("recipient", sa.String(length=64), nullable=True),
        sa.Column("organisation_id", ID, nullable=False),
        sa.Column("sealed", sa.String(length=8000), nullable=True),
        sa.Column("state", ID, nullable=False),
        sa.Column("reason", sa.String(length=800), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("queued_at", MOMENT, nullable=False),
        sa.Column("due_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_replies_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_replies")),
    )
    op.create_index(op.f("ix_replies_organisation_id"), "replies", ["organisation_id"])
    op.create_index(op.f("ix_replies_due_at"), "replies", ["due_at"])
