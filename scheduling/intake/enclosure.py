"""The row of an enclosure, and how much of them there may be."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cases.database import ID_LENGTH, Base, new_id
from scheduling.materials.limits import MEBIBYTE
from scheduling.materials.material import MaterialKind

LARGEST = 10 * MEBIBYTE  # Of one file, in bytes.
MOST_OF_FORM = 6  # Files of one matter.
MOST_BEGUN = 300  # Files under way at once, of all forms.
MOST_UNCLAIMED = 2_000  # Files of forms that were not handed in; more is a flood.


class Purpose(StrEnum):
    """What a file is handed in for."""

    MATTER = "matter"
    MANDATE = "mandate"


class Enclosure(Base):
    """One file. `form_id` names the form it was handed in with, `petition_id` the case that became of it.

    `sha256` (hex) is over the file as it came, `size` its bytes; what is kept are its pages as pictures,
    without what a telephone writes into its photos.
    """

    __tablename__ = "enclosures"
    __table_args__ = (UniqueConstraint("form_id", "purpose", "sha256"),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    form_id: Mapped[str] = mapped_column(String(ID_LENGTH))
    petition_id: Mapped[str | None] = mapped_column(
        String(ID_LENGTH), ForeignKey("petitions.id"), index=True, default=None
    )
    purpose: Mapped[Purpose]
    name: Mapped[str] = mapped_column(String(256))
    kind: Mapped[MaterialKind]
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    pages: Mapped[int]
    created_at: Mapped[datetime]
