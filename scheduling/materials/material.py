"""The row of a material."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cases.append_only import append_only
from cases.database import ID_LENGTH, Base, new_id

OFFICE = "office"


class MaterialKind(StrEnum):
    """What a file is by its content; its name is never asked."""

    JPEG = "jpeg"
    PNG = "png"
    WEBP = "webp"
    PDF = "pdf"


KIND_NAMES: Mapping[MaterialKind, str] = {
    MaterialKind.JPEG: "照片",
    MaterialKind.PNG: "图片",
    MaterialKind.WEBP: "图片",
    MaterialKind.PDF: "PDF 文件",
}


@append_only
class Material(Base):
    """One file of a session. `sha256` (hex) is over the original, `size` its bytes.

    `owner` is the invitation of the guest who brought it, or OFFICE: the same file of one owner is the same
    material. `copy_of` names the material that an annotated copy was made from.
    """

    __tablename__ = "materials"
    __table_args__ = (UniqueConstraint("session_id", "owner", "sha256"),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    session_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("sessions.id"), index=True)
    owner: Mapped[str] = mapped_column(String(ID_LENGTH))
    brought_by: Mapped[str] = mapped_column(String(256))
    official_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("officials.id"))
    name: Mapped[str] = mapped_column(String(256))
    kind: Mapped[MaterialKind]
    size: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    pages: Mapped[int]
    copy_of: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("materials.id"))
    created_at: Mapped[datetime]

    @property
    def of_office(self) -> bool:
        """Brought by an official, hence unknown to guests until it is shown."""
        return self.owner == OFFICE
