"""Rows that join the histories of two cases: each joining and each undoing is one more row."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cases.append_only import append_only
from cases.database import ID_LENGTH, Base, new_id


@append_only
class PetitionJoin(Base):
    """Two cases were joined (`joined`), or the joining was undone. The smaller id stands first."""

    __tablename__ = "petition_joins"
    __table_args__ = (UniqueConstraint("petition_id", "other_id", "sequence"),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    petition_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("petitions.id"))
    other_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("petitions.id"), index=True)
    sequence: Mapped[int]
    joined: Mapped[bool]
    reason: Mapped[str] = mapped_column(String(800))
    official_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("officials.id"))
    at: Mapped[datetime]
