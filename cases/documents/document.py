"""The rows of a paper: what was issued, its file, how it was delivered. None of them is ever changed."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Date, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cases.append_only import append_only
from cases.database import ID_LENGTH, Base, new_id
from cases.documents.kind import DocumentKind
from cases.handling.procedure import Service
from cases.organisations import Organisation


@append_only
class DocumentTemplate(Base):
    """A version of a template that an office wrote for itself and the offices below it."""

    __tablename__ = "document_templates"
    __table_args__ = (UniqueConstraint("organisation_id", "kind", "version"),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    organisation_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("organisations.id"))
    kind: Mapped[DocumentKind]
    version: Mapped[int]
    since: Mapped[date] = mapped_column(Date)
    title: Mapped[str] = mapped_column(String(200))
    body: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime]
    official_name: Mapped[str] = mapped_column(String(256))


@append_only
class IssuedDocument(Base):
    """A paper as it was issued. `number` is like 兰州市信访局信核〔2026〕3号.

    `paragraphs`: the whole text as `[heading, text]`; `sha256`: of the file. `event_id`: the step it is
    about. `corrects_id`: the paper that it replaces, with `reason`. `template_source`: "" for the national
    template.
    """

    __tablename__ = "documents"
    __table_args__ = (
        UniqueConstraint("organisation_id", "kind", "year", "sequence"),
        # One paper of a kind for a step; what corrects it names it.
        Index(
            "ix_documents_first",
            "event_id",
            "kind",
            unique=True,
            sqlite_where=text("corrects_id IS NULL"),
            postgresql_where=text("corrects_id IS NULL"),
        ),
    )

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    petition_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("petitions.id"), index=True)
    event_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("petition_events.id"))
    kind: Mapped[DocumentKind]
    organisation_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("organisations.id"))
    year: Mapped[int]
    sequence: Mapped[int]
    number: Mapped[str] = mapped_column(String(160))
    title: Mapped[str] = mapped_column(String(200))
    recipient: Mapped[str] = mapped_column(String(256))
    paragraphs: Mapped[list[Any]] = mapped_column(JSON)
    template_source: Mapped[str] = mapped_column(String(ID_LENGTH))
    template_version: Mapped[int]
    issued_on: Mapped[date] = mapped_column(Date)
    issued_at: Mapped[datetime]
    official_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    official_name: Mapped[str] = mapped_column(String(256))
    corrects_id: Mapped[str | None] = mapped_column(
        String(ID_LENGTH), ForeignKey("documents.id"), unique=True
    )
    reason: Mapped[str] = mapped_column(String(2000), default="")
    note: Mapped[str] = mapped_column(String(4000), default="")
    sha256: Mapped[str] = mapped_column(String(64))
    organisation: Mapped[Organisation] = relationship(lazy="joined")


@append_only
class DocumentFile(Base):
    """The PDF of a paper, beside it so that lists do not load it."""

    __tablename__ = "document_files"

    document_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("documents.id"), primary_key=True)
    content: Mapped[bytes] = mapped_column(LargeBinary)


@append_only
class Delivery(Base):
    """How a paper reached its recipient. `on`: when it was done; `effective_on`: from when it counts.

    `refused`: it was not accepted, `witness` saw that. `by_petitioner`: confirmed by the petitioner online.
    """

    __tablename__ = "document_deliveries"
    __table_args__ = (UniqueConstraint("document_id", "by_petitioner"),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    document_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("documents.id"))
    way: Mapped[Service]
    on: Mapped[date] = mapped_column("delivered_on", Date)
    effective_on: Mapped[date] = mapped_column(Date)
    recipient: Mapped[str] = mapped_column(String(256))
    proof: Mapped[str] = mapped_column(String(800))
    refused: Mapped[bool]
    witness: Mapped[str] = mapped_column(String(256))
    by_petitioner: Mapped[bool]
    noted_at: Mapped[datetime]
    official_name: Mapped[str] = mapped_column(String(256))
    proof_name: Mapped[str] = mapped_column(String(200), default="")
    proof_type: Mapped[str] = mapped_column(String(64), default="")
    proof_sha256: Mapped[str] = mapped_column(String(64), default="")


@append_only
class DeliveryProof(Base):
    """The picture or PDF that proves a delivery."""

    __tablename__ = "delivery_proofs"

    delivery_id: Mapped[str] = mapped_column(
        String(ID_LENGTH), ForeignKey("document_deliveries.id"), primary_key=True
    )
    content: Mapped[bytes] = mapped_column(LargeBinary)
