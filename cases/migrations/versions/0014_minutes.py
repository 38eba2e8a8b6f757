"""The minutes of a session: sheet, writers, paragraphs with every wording, objections and their answers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cases.append_only import forbid_changes

revision = "0014"
down_revision = "0013"

MOMENT = sa.DateTime(timezone=True)


def key(name: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=32), nullable=nullable)


def name(column: str) -> sa.Column[str]:
    return sa.Column(column, sa.String(length=256), nullable=False)


def upgrade() -> None:
    _create_sheet()
    _create_paragraphs()
    _create_objections()
    for table in ("minutes_revisions", "minutes_objections", "minutes_objection_answers"):
        forbid_changes(table)


def _create_sheet() -> None:
    op.create_table(
        "minutes",
        key("id"),
        key("session_id"),
        sa.Column("template", sa.String(length=32), nullable=False),
        sa.Column("template_version", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("signature_count", sa.Integer(), nullable=False),
        sa.Column("shown_live", sa.Boolean(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_minutes_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_minutes")),
        sa.UniqueConstraint("session_id", name=op.f("uq_minutes_session_id")),
    )
    op.create_table(
        "minutes_writers",
        key("minutes_id"),
        key("invitation_id"),
        sa.Column("given_at", MOMENT, nullable=False),
        name("given_by"),
        sa.Column("taken_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["minutes_id"], ["minutes.id"], name=op.f("fk_minutes_writers_minutes_id")),
        sa.ForeignKeyConstraint(
            ["invitation_id"], ["invitations.id"], name=op.f("fk_minutes_writers_invitation_id")
        ),
        sa.PrimaryKeyConstraint("minutes_id", "invitation_id", name=op.f("pk_minutes_writers")),
    )


def _create_paragraphs() -> None:
    op.create_table(
        "minutes_paragraphs",
        key("id"),
        key("minutes_id"),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        key("speaker_id", nullable=True),
        name("speaker_name"),
        name("speaker_office"),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("removed", sa.Boolean(), nullable=False),
        sa.Column("said_at", MOMENT, nullable=True),
        sa.Column("monotonic_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["minutes_id"], ["minutes.id"], name=op.f("fk_minutes_paragraphs_minutes_id")
        ),
        sa.ForeignKeyConstraint(
            ["speaker_id"], ["invitations.id"], name=op.f("fk_minutes_paragraphs_speaker_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_minutes_paragraphs")),
    )
    op.create_index(op.f("ix_minutes_paragraphs_minutes_id"), "minutes_paragraphs", ["minutes_id"])
    op.create_table(
        "minutes_revisions",
        key("id"),
        key("minutes_id"),
        key("paragraph_id"),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        key("edit_id"),
        sa.Column("act", sa.String(length=32), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        key("by_id", nullable=True),
        name("by"),
        sa.Column("kind", sa.String(length=32), nullable=False),
        name("speaker_name"),
        name("speaker_office"),
        sa.Column("text", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["minutes_id"], ["minutes.id"], name=op.f("fk_minutes_revisions_minutes_id")),
        sa.ForeignKeyConstraint(
            ["paragraph_id"], ["minutes_paragraphs.id"], name=op.f("fk_minutes_revisions_paragraph_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_minutes_revisions")),
        sa.UniqueConstraint("paragraph_id", "number", name=op.f("uq_minutes_revisions_paragraph_id_number")),
        sa.UniqueConstraint("minutes_id", "version", name=op.f("uq_minutes_revisions_minutes_id_version")),
        sa.UniqueConstraint("minutes_id", "edit_id", name=op.f("uq_minutes_revisions_minutes_id_edit_id")),
    )


def _create_objections() -> None:
    op.create_table(
        "minutes_objections",
        key("id"),
        key("minutes_id"),
        key("paragraph_id", nullable=True),
        sa.Column("revision", sa.Integer(), nullable=True),
        key("invitation_id"),
        name("name"),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["minutes_id"], ["minutes.id"], name=op.f("fk_minutes_objections_minutes_id")
        ),
        sa.ForeignKeyConstraint(
            ["paragraph_id"], ["minutes_paragraphs.id"], name=op.f("fk_minutes_objections_paragraph_id")
        ),
        sa.ForeignKeyConstraint(
            ["invitation_id"], ["invitations.id"], name=op.f("fk_minutes_objections_invitation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_minutes_objections")),
    )
    op.create_index(op.f("ix_minutes_objections_minutes_id"), "minutes_objections", ["minutes_id"])
    op.create_table(
        "minutes_objection_answers",
        key("objection_id"),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        key("by_id", nullable=True),
        name("by"),
        sa.ForeignKeyConstraint(
            ["objection_id"],
            ["minutes_objections.id"],
            name=op.f("fk_minutes_objection_answers_objection_id"),
        ),
        sa.PrimaryKeyConstraint("objection_id", name=op.f("pk_minutes_objection_answers")),
    )
