"""Papers of handling: templates of offices, papers with their files, deliveries with their proofs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from cases.append_only import forbid_changes

revision = "0036"
down_revision = "0035"


def upgrade() -> None:
    _templates()
    _papers()
    _deliveries()
    for table in ("document_templates", "documents", "document_files", "document_deliveries"):
        forbid_changes(table)
    forbid_changes("delivery_proofs")


def _templates() -> None:
    op.create_table(
        "document_templates",
        _key(),
        sa.Column("organisation_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("since", sa.Date(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("official_name", sa.String(length=256), nullable=False),
        _reference("document_templates", "organisation_id", "organisations.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document_templates")),
        sa.UniqueConstraint(
            "organisation_id", "kind", "version",
            name=op.f("uq_document_templates_organisation_id_kind_version"),
        ),
    )  # fmt: skip


def _papers() -> None:
    op.create_table(
        "documents",
        _key(),
        sa.Column("petition_id", sa.String(length=32), nullable=False),
        sa.Column("event_id", sa.String(length=32), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("organisation_id", sa.String(length=32), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=160), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("recipient", sa.String(length=256), nullable=False),
        sa.Column("paragraphs", sa.JSON(), nullable=False),
        sa.Column("template_source", sa.String(length=32), nullable=False),
        sa.Column("template_version", sa.Integer(), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("official_id", sa.String(length=32), nullable=True),
        sa.Column("official_name", sa.String(length=256), nullable=False),
        sa.Column("corrects_id", sa.String(length=32), nullable=True),
        sa.Column("reason", sa.String(length=2000), nullable=False),
        sa.Column("note", sa.String(length=4000), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        _reference("documents", "petition_id", "petitions.id"),
        _reference("documents", "event_id", "petition_events.id"),
        _reference("documents", "organisation_id", "organisations.id"),
        _reference("documents", "corrects_id", "documents.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
        sa.UniqueConstraint("corrects_id", name=op.f("uq_documents_corrects_id")),
        sa.UniqueConstraint(
            "organisation_id", "kind", "year", "sequence",
            name=op.f("uq_documents_organisation_id_kind_year_sequence"),
        ),
    )  # fmt: skip
    op.create_index(op.f("ix_documents_petition_id"), "documents", ["petition_id"])
    first = sa.text("corrects_id IS NULL")
    op.create_index(
        "ix_documents_first", "documents", ["event_id", "kind"], unique=True,
        sqlite_where=first, postgresql_where=first,
    )  # fmt: skip
    op.create_table(
        "document_files",
        sa.Column("document_id", sa.String(length=32), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        _reference("document_files", "document_id", "documents.id"),
        sa.PrimaryKeyConstraint("document_id", name=op.f("pk_document_files")),
    )


def _deliveries() -> None:
    op.create_table(
        "document_deliveries",
        _key(),
        sa.Column("document_id", sa.String(length=32), nullable=False),
        sa.Column("way", sa.String(length=32), nullable=False),
        sa.Column("delivered_on", sa.Date(), nullable=False),
        sa.Column("effective_on", sa.Date(), nullable=False),
        sa.Column("recipient", sa.String(length=256), nullable=False),
        sa.Column("proof", sa.String(length=800), nullable=False),
        sa.Column("refused", sa.Boolean(), nullable=False),
        sa.Column("witness", sa.String(length=256), nullable=False),
        sa.Column("by_petitioner", sa.Boolean(), nullable=False),
        sa.Column("noted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("official_name", sa.String(length=256), nullable=False),
        sa.Column("proof_name", sa.String(length=200), nullable=False),
        sa.Column("proof_type", sa.String(length=64), nullable=False),
        sa.Column("proof_sha256", sa.String(length=64), nullable=False),
        _reference("document_deliveries", "document_id", "documents.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document_deliveries")),
        sa.UniqueConstraint(
            "document_id", "by_petitioner", name=op.f("uq_document_deliveries_document_id_by_petitioner")
        ),
    )
    op.create_table(
        "delivery_proofs",
        sa.Column("delivery_id", sa.String(length=32), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        _reference("delivery_proofs", "delivery_id", "document_deliveries.id"),
        sa.PrimaryKeyConstraint("delivery_id", name=op.f("pk_delivery_proofs")),
    )


def _key() -> sa.Column[str]:
    return sa.Column("id", sa.String(length=32), nullable=False)


def _reference(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [to], name=op.f(f"fk_{table}_{column}"))
