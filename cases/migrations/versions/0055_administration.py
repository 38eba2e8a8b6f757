"""Three administrators: posts that wait to be confirmed, one-time passwords, the history of organisations."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cases.append_only import forbid_changes

revision = "0055"
down_revision = "0054"

ONE = sa.text("role IN ('sysadmin', 'security_admin', 'auditor') AND ended_at IS NULL")
OPEN = sa.text("decided_at IS NULL")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.add_column("organisations", sa.Column("closed_at", MOMENT, nullable=True))
    op.add_column("organisations", sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("officials", sa.Column("one_time_until", MOMENT, nullable=True))
    op.add_column("officials", sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
    op.drop_index("ix_posts_one_administrator", "posts")
    op.create_index(
        "ix_posts_one_administrator", "posts", ["official_id"], unique=True,
        sqlite_where=ONE, postgresql_where=ONE,
    )  # fmt: skip
    _requests()
    _changes()
    op.create_index("ix_audit_entries_action_sequence", "audit_entries", ["action", "sequence"])
    op.create_index("ix_audit_entries_object_kind_sequence", "audit_entries", ["object_kind", "sequence"])


def _requests() -> None:
    op.create_table(
        "post_requests",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("official_id", sa.String(length=32), nullable=False),
        sa.Column("organisation_id", sa.String(length=32), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("title", sa.String(length=64), nullable=False),
        sa.Column("replaces_id", sa.String(length=32), nullable=True),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("requested_by_id", sa.String(length=32), nullable=True),
        sa.Column("requested_by", sa.String(length=256), nullable=False),
        sa.Column("decision", sa.String(length=32), nullable=True),
        sa.Column("decided_at", MOMENT, nullable=True),
        sa.Column("decided_by", sa.String(length=256), nullable=False),
        sa.Column("reason", sa.String(length=800), nullable=False),
        sa.ForeignKeyConstraint(["official_id"], ["officials.id"], name=op.f("fk_post_requests_official_id")),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_post_requests_organisation_id")
        ),
        sa.ForeignKeyConstraint(["replaces_id"], ["posts.id"], name=op.f("fk_post_requests_replaces_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_post_requests")),
    )
    for column in ("official_id", "organisation_id", "requested_at"):
        op.create_index(op.f(f"ix_post_requests_{column}"), "post_requests", [column])
    op.create_index(
        "ix_post_requests_open", "post_requests", ["official_id", "organisation_id", "role"], unique=True,
        sqlite_where=OPEN, postgresql_where=OPEN,
    )  # fmt: skip


def _changes() -> None:
    op.create_table(
        "organisation_changes",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("organisation_id", sa.String(length=32), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("act", sa.String(length=32), nullable=False),
        sa.Column("name_before", sa.String(length=128), nullable=False),
        sa.Column("name", sa.String(length=128), nullable=False),
        sa.Column("official_name", sa.String(length=256), nullable=False),
        sa.Column("reason", sa.String(length=800), nullable=False),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_organisation_changes_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisation_changes")),
    )
    op.create_index(
        op.f("ix_organisation_changes_organisation_id"), "organisation_changes", ["organisation_id"]
    )
    forbid_changes("organisation_changes")
