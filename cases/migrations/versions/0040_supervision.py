"""Supervision: orders with their steps, talks, circulars and listed cases, and notices of duties."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cases.append_only import forbid_changes

revision = "0040"
down_revision = "0039"


def key(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"))


def identifier(name: str, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=32), nullable=nullable)


def authored() -> list[sa.Column[object]]:
    return [
        sa.Column("words", sa.String(length=4000), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("by_id", sa.String(length=32), nullable=True),
        sa.Column("by", sa.String(length=256), nullable=False),
    ]


def upgrade() -> None:
    _orders()
    _measures()
    _notices()
    for table in ("supervision_steps", "duty_notices", "duty_notice_receipts"):
        forbid_changes(table)


def _orders() -> None:
    op.create_table(
        "supervision_counters",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("year", name=op.f("pk_supervision_counters")),
    )
    table = "supervision_orders"
    op.create_table(
        table,
        identifier("id"),
        sa.Column("number", sa.String(length=32), nullable=False),
        identifier("petition_id"),
        identifier("unit_id"),
        identifier("issuer_id"),
        identifier("reason"),
        identifier("state"),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("step_count", sa.Integer(), nullable=False),
        identifier("adoption", nullable=True),
        sa.Column("reported_on", sa.Date(), nullable=True),
        *authored(),
        key(table, "petition_id", "petitions"),
        key(table, "unit_id", "organisations"),
        key(table, "issuer_id", "organisations"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("number", name=op.f(f"uq_{table}_number")),
    )
    for column in ("petition_id", "unit_id", "issuer_id"):
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])
    op.create_index(f"ix_{table}_state_due", table, ["state", "due_on"])
    table = "supervision_steps"
    op.create_table(
        table,
        identifier("id"),
        identifier("order_id"),
        sa.Column("number", sa.Integer(), nullable=False),
        identifier("state"),
        identifier("adoption", nullable=True),
        sa.Column("due_on", sa.Date(), nullable=True),
        *authored(),
        key(table, "order_id", "supervision_orders"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    op.create_index(f"uq_{table}_number", table, ["order_id", "number"], unique=True)


def _measures() -> None:
    table = "supervision_measures"
    op.create_table(
        table,
        identifier("id"),
        identifier("petition_id"),
        identifier("kind"),
        identifier("issuer_id"),
        identifier("unit_id"),
        sa.Column("due_on", sa.Date(), nullable=True),
        *authored(),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_words", sa.String(length=4000), nullable=False),
        sa.Column("ended_by", sa.String(length=256), nullable=False),
        key(table, "petition_id", "petitions"),
        key(table, "issuer_id", "organisations"),
        key(table, "unit_id", "organisations"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    for column in ("petition_id", "issuer_id"):
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])
    op.create_index(f"ix_{table}_open", table, ["ended_at", "kind"])


def _notices() -> None:
    table = "duty_notices"
    op.create_table(
        table,
        identifier("id"),
        identifier("petition_id"),
        identifier("clock_id", nullable=True),
        identifier("order_id", nullable=True),
        identifier("reminder"),
        identifier("audience"),
        identifier("organisation_id"),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        key(table, "petition_id", "petitions"),
        key(table, "clock_id", "petition_clocks"),
        key(table, "order_id", "supervision_orders"),
        key(table, "organisation_id", "organisations"),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )
    op.create_index(op.f(f"ix_{table}_petition_id"), table, ["petition_id"])
    op.create_index(f"uq_{table}_clock", table, ["clock_id", "reminder", "due_on"], unique=True)
    op.create_index(f"uq_{table}_order", table, ["order_id", "reminder", "due_on"], unique=True)
    op.create_index(f"ix_{table}_reader", table, ["organisation_id", "audience"])
    table = "duty_notice_receipts"
    op.create_table(
        table,
        identifier("notice_id"),
        identifier("official_id"),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        key(table, "notice_id", "duty_notices"),
        key(table, "official_id", "officials"),
        sa.PrimaryKeyConstraint("notice_id", "official_id", name=op.f(f"pk_{table}")),
    )
