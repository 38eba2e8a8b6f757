"""Receiving citizens: the outbox, identity, companions, consent per purpose, and what citizens ask for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cases.append_only import forbid_changes

revision = "0016"
down_revision = "0015"


def upgrade() -> None:
    _extend()
    _outbox()
    _codes()
    _requests()
    for table in ("notices", "notice_events"):
        forbid_changes(table)


def _extend() -> None:
    for name, kind in (
        ("identified_at", sa.DateTime(timezone=True)),
        ("identified_how", sa.String(length=32)),
        ("identified_by", sa.String(length=32)),
        ("id_number_checked_at", sa.DateTime(timezone=True)),
        ("companions", sa.JSON()),
        ("consents", sa.JSON()),
    ):
        op.add_column("invitations", sa.Column(name, kind, nullable=True))
    op.add_column(
        "sessions", sa.Column("id_number_needed", sa.Boolean(), nullable=False, server_default=sa.false())
    )


def _outbox() -> None:
    op.create_table(
        "notices",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("recipient", sa.String(length=16), nullable=False),
        sa.Column("template", sa.String(length=32), nullable=False),
        sa.Column("template_version", sa.String(length=32), nullable=False),
        sa.Column("text", sa.String(length=2000), nullable=False),
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column("organisation_id", sa.String(length=32), nullable=False),
        sa.Column("queued_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_notices_session_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_notices_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
    )
    for column in ("recipient", "organisation_id", "queued_at"):
        op.create_index(op.f(f"ix_notices_{column}"), "notices", [column], unique=False)
    op.create_table(
        "notice_events",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("notice_id", sa.String(length=32), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(length=800), nullable=False),
        sa.ForeignKeyConstraint(["notice_id"], ["notices.id"], name=op.f("fk_notice_events_notice_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notice_events")),
        sa.UniqueConstraint("notice_id", "sequence", name=op.f("uq_notice_events_notice_id_sequence")),
    )
    op.create_table(
        "notice_drafts",
        sa.Column("notice_id", sa.String(length=32), nullable=False),
        sa.Column("sealed", sa.String(length=8000), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["notice_id"], ["notices.id"], name=op.f("fk_notice_drafts_notice_id")),
        sa.PrimaryKeyConstraint("notice_id", name=op.f("pk_notice_drafts")),
    )
    op.create_index(op.f("ix_notice_drafts_due_at"), "notice_drafts", ["due_at"], unique=False)


def _codes() -> None:
    op.create_table(
        "identity_codes",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("invitation_id", sa.String(length=32), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["invitation_id"], ["invitations.id"], name=op.f("fk_identity_codes_invitation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identity_codes")),
    )
    op.create_index(
        op.f("ix_identity_codes_invitation_id"), "identity_codes", ["invitation_id"], unique=False
    )


def _requests() -> None:
    op.create_table(
        "citizen_requests",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("invitation_id", sa.String(length=32), nullable=False),
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column("asked", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("answered_by", sa.String(length=256), nullable=True),
        sa.Column("answer", sa.String(length=800), nullable=False),
        sa.ForeignKeyConstraint(
            ["invitation_id"], ["invitations.id"], name=op.f("fk_citizen_requests_invitation_id")
        ),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_citizen_requests_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_citizen_requests")),
    )
    for column in ("invitation_id", "session_id"):
        op.create_index(op.f(f"ix_citizen_requests_{column}"), "citizen_requests", [column], unique=False)
    open_only = sa.text("state = 'open'")
    op.create_index(
        "ix_citizen_requests_one_open",
        "citizen_requests",
        ["invitation_id", "asked"],
        unique=True,
        sqlite_where=open_only,
        postgresql_where=open_only,
    )
