"""The calendar: who and what is engaged when, the leaders' rota, reviewed bookings, feeds of officials."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"

NEW_NAMES = (("requested", "submitted"), ("confirmed", "scheduled"))
HOLDING = "state IN ('submitted', 'reviewing', 'approved', 'scheduled', 'fulfilled', 'missed')"


def upgrade() -> None:
    _resources()
    _rota()
    _slots()
    _bookings()
    op.add_column("sessions", sa.Column("revision", sa.Integer(), nullable=False, server_default="0"))
    op.create_table(
        "calendar_feeds",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("official_id", sa.String(length=32), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["official_id"], ["officials.id"], name=op.f("fk_calendar_feeds_official_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_calendar_feeds")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_calendar_feeds_secret_hash")),
    )
    live = sa.text("revoked_at IS NULL")
    op.create_index(
        "ix_calendar_feeds_one_live", "calendar_feeds", ["official_id"], unique=True, sqlite_where=live,
        postgresql_where=live,
    )  # fmt: skip


def _resources() -> None:
    op.create_table(
        "equipment",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("organisation_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=256), nullable=False),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_equipment_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_equipment")),
    )
    op.create_index(op.f("ix_equipment_organisation_id"), "equipment", ["organisation_id"])
    op.create_table(
        "resources",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_resources")),
    )
    op.create_table(
        "engagements",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("resource_id", sa.String(length=32), nullable=False),
        sa.Column("session_id", sa.String(length=32), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["resource_id"], ["resources.id"], name=op.f("fk_engagements_resource_id")),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_engagements_session_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_engagements")),
    )
    op.create_index("ix_engagements_resource_time", "engagements", ["resource_id", "ends_at"])
    op.create_index(op.f("ix_engagements_session_id"), "engagements", ["session_id"])


def _rota() -> None:
    op.create_table(
        "rota_rules",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("organisation_id", sa.String(length=32), nullable=False),
        sa.Column("leader_id", sa.String(length=32), nullable=False),
        sa.Column("substitute_id", sa.String(length=32), nullable=True),
        sa.Column("room_id", sa.String(length=32), nullable=False),
        sa.Column("mode", sa.String(length=32), nullable=False),
        sa.Column("pattern", sa.String(length=32), nullable=False),
        sa.Column("month_day", sa.Integer(), nullable=True),
        sa.Column("weekday", sa.Integer(), nullable=True),
        sa.Column("weeks", sa.String(length=16), nullable=False),
        sa.Column("begins", sa.Time(), nullable=False),
        sa.Column("ends", sa.Time(), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("first_on", sa.Date(), nullable=False),
        sa.Column("last_on", sa.Date(), nullable=True),
        sa.Column("required", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        *_keys("rota_rules"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rota_rules")),
    )
    op.create_index(op.f("ix_rota_rules_organisation_id"), "rota_rules", ["organisation_id"])
    op.create_table(
        "reception_days",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("rule_id", sa.String(length=32), nullable=False),
        sa.Column("organisation_id", sa.String(length=32), nullable=False),
        sa.Column("leader_id", sa.String(length=32), nullable=False),
        sa.Column("substitute_id", sa.String(length=32), nullable=True),
        sa.Column("stands_in", sa.Boolean(), nullable=False),
        sa.Column("room_id", sa.String(length=32), nullable=False),
        sa.Column("named_on", sa.Date(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.String(length=800), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        *_keys("reception_days"),
        sa.ForeignKeyConstraint(["rule_id"], ["rota_rules.id"], name=op.f("fk_reception_days_rule_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reception_days")),
        sa.UniqueConstraint("rule_id", "named_on", name=op.f("uq_reception_days_rule_id_named_on")),
    )
    for name in ("organisation_id", "leader_id", "substitute_id", "starts_at"):
        op.create_index(op.f(f"ix_reception_days_{name}"), "reception_days", [name])


def _keys(table: str) -> list[sa.ForeignKeyConstraint]:
    pairs = {
        "organisation_id": "organisations.id", "leader_id": "officials.id", "substitute_id": "officials.id",
        "room_id": "reception_rooms.id",
    }  # fmt: skip
    return [sa.ForeignKeyConstraint([n], [to], name=op.f(f"fk_{table}_{n}")) for n, to in pairs.items()]


def _slots() -> None:
    op.add_column("slots", sa.Column("closed", sa.Boolean(), nullable=False, server_default=sa.false()))
    _add_key("slots", "reception_day_id", "reception_days.id")
    op.create_index(op.f("ix_slots_reception_day_id"), "slots", ["reception_day_id"])


def _bookings() -> None:
    op.drop_index("ix_bookings_one_per_slot", "bookings")
    for old, new in NEW_NAMES:
        # Both are words of this file.
        op.execute(f"UPDATE bookings SET state = '{new}' WHERE state = '{old}'")  # noqa: S608
    where = sa.text(HOLDING)
    op.create_index(
        "ix_bookings_one_per_slot", "bookings", ["slot_id"], unique=True, sqlite_where=where,
        postgresql_where=where,
    )  # fmt: skip
    op.add_column("bookings", sa.Column("review_due_on", sa.Date(), nullable=True))
    op.add_column("bookings", sa.Column("reviewed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("bookings", sa.Column("insists", sa.Boolean(), nullable=False, server_default=sa.false()))
    _add_key("bookings", "reviewer_id", "officials.id")
    _add_key("bookings", "redirected_to_id", "organisations.id")
    _add_key("bookings", "proxy_id", "people.id")


def _add_key(table: str, name: str, to: str) -> None:
    key = sa.ForeignKey(to, name=op.f(f"fk_{table}_{name}"))
    # SQLite knows no constraint that is added later.
    op.add_column(table, sa.Column(name, sa.String(length=32), key, nullable=True), inline_references=True)
