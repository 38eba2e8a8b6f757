"""Mediation: places of communities, third parties, matters with consent, sittings and agreements."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cases.append_only import forbid_changes

revision = "0054"
down_revision = "0053"
HISTORY = (
    *("conflicts_of_interest", "mediation_consents", "mediation_sittings", "mediation_events"),
    *("mediation_agreements", "third_party_invitations"),
)


def upgrade() -> None:
    _places()
    _third_parties()
    _mediations()
    _sittings()
    _agreements()
    for table in HISTORY:
        forbid_changes(table)


def _text(name: str, length: int, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(length=length), nullable=nullable)


def _id(name: str = "id", nullable: bool = False) -> sa.Column[str]:
    return _text(name, 32, nullable)


def _moment(name: str, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=False)


def _key(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"))


def _primary(table: str, column: str = "id") -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(column, name=op.f(f"pk_{table}"))


def _places() -> None:
    table = "community_places"
    op.create_table(
        table,
        _id(),
        _id("organisation_id"),
        _text("kind", 32),
        _text("name", 256),
        _text("address", 800),
        _text("phone", 32),
        _moment("created_at"),
        _moment("retired_at", nullable=True),
        _key(table, "organisation_id", "organisations"),
        _primary(table),
        sa.UniqueConstraint("organisation_id", "name", name=op.f(f"uq_{table}_organisation_id_name")),
    )
    table = "community_place_hours"
    op.create_table(
        table,
        _id(),
        _id("place_id"),
        _number("weekday"),
        sa.Column("opens", sa.Time(), nullable=False),
        sa.Column("closes", sa.Time(), nullable=False),
        _key(table, "place_id", "community_places"),
        _primary(table),
    )
    op.create_index(f"uq_{table}_opens", table, ["place_id", "weekday", "opens"], unique=True)


def _third_parties() -> None:
    table = "third_parties"
    op.create_table(
        table,
        _id(),
        _id("organisation_id"),
        _text("kind", 32),
        _text("name", 256),
        _text("employer", 256),
        _text("phone", 16),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        _moment("created_at"),
        _key(table, "organisation_id", "organisations"),
        _primary(table),
    )
    op.create_index(f"ix_{table}_organisation_until", table, ["organisation_id", "until"])
    table = "conflicts_of_interest"
    op.create_table(
        table,
        _id(),
        _id("third_party_id"),
        _text("name", 256),
        _text("reason", 1200),
        _moment("at"),
        _text("by", 256),
        _key(table, "third_party_id", "third_parties"),
        _primary(table),
    )
    op.create_index(op.f(f"ix_{table}_third_party_id"), table, ["third_party_id"])
    table = "third_party_invitations"
    op.create_table(
        table,
        _id("invitation_id"),
        _id("third_party_id"),
        _moment("at"),
        _key(table, "invitation_id", "invitations"),
        _key(table, "third_party_id", "third_parties"),
        _primary(table, "invitation_id"),
    )
    op.create_index(op.f(f"ix_{table}_third_party_id"), table, ["third_party_id"])


def _mediations() -> None:
    op.create_table(
        "mediation_counters",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        _number("last"),
        _primary("mediation_counters", "year"),
    )
    table = "mediations"
    op.create_table(
        table,
        _id(),
        _text("number", 32),
        _id("organisation_id"),
        _id("petition_id", nullable=True),
        _id("mediator_id", nullable=True),
        _text("subject", 400),
        _text("facts", 4000),
        _text("state", 32),
        _number("step_count"),
        _moment("at"),
        _id("by_id", nullable=True),
        _text("by", 256),
        _key(table, "organisation_id", "organisations"),
        _key(table, "petition_id", "petitions"),
        _key(table, "mediator_id", "third_parties"),
        _primary(table),
        sa.UniqueConstraint("number", name=op.f(f"uq_{table}_number")),
    )
    op.create_index(op.f(f"ix_{table}_petition_id"), table, ["petition_id"])
    op.create_index(f"ix_{table}_office_state", table, ["organisation_id", "state"])
    table = "mediation_parties"
    op.create_table(
        table,
        _id(),
        _id("mediation_id"),
        _number("number"),
        _text("side", 32),
        _text("name", 256),
        _text("phone", 16, nullable=True),
        _text("address", 800),
        _key(table, "mediation_id", "mediations"),
        _primary(table),
    )
    op.create_index(f"uq_{table}_number", table, ["mediation_id", "number"], unique=True)
    table = "mediation_consents"
    op.create_table(
        table,
        _id(),
        _id("party_id"),
        _number("number"),
        sa.Column("given", sa.Boolean(), nullable=False),
        _text("way", 32),
        _text("words", 4000),
        _moment("at"),
        _text("by", 256),
        _key(table, "party_id", "mediation_parties"),
        _primary(table),
    )
    op.create_index(f"uq_{table}_number", table, ["party_id", "number"], unique=True)
    table = "mediation_events"
    op.create_table(
        table,
        _id(),
        _id("mediation_id"),
        _number("number"),
        _text("step", 32, nullable=True),
        _text("state", 32),
        _text("words", 4000),
        _moment("at"),
        _id("by_id", nullable=True),
        _text("by", 256),
        _key(table, "mediation_id", "mediations"),
        _primary(table),
    )
    op.create_index(f"uq_{table}_number", table, ["mediation_id", "number"], unique=True)


def _sittings() -> None:
    table = "mediation_sittings"
    op.create_table(
        table,
        _id(),
        _id("mediation_id"),
        _id("place_id", nullable=True),
        _id("session_id", nullable=True),
        _moment("starts_at"),
        _moment("ends_at"),
        _key(table, "mediation_id", "mediations"),
        _key(table, "place_id", "community_places"),
        _primary(table),
        sa.UniqueConstraint("session_id", name=op.f(f"uq_{table}_session_id")),
    )
    op.create_index(op.f(f"ix_{table}_mediation_id"), table, ["mediation_id"])


def _agreements() -> None:
    table = "mediation_agreements"
    op.create_table(
        table,
        _id("mediation_id"),
        sa.Column("spoken", sa.Boolean(), nullable=False),
        sa.Column("told", sa.JSON(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        _number("template_version"),
        _text("sha256", 64),
        sa.Column("content_pdf", sa.LargeBinary(), nullable=True),
        _moment("at"),
        _text("by", 256),
        _key(table, "mediation_id", "mediations"),
        _primary(table, "mediation_id"),
    )
    op.create_index(op.f(f"ix_{table}_effective_on"), table, ["effective_on"])
