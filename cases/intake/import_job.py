"""Rows of an import: the file that was handed in, and the fate of each of its rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from cases.database import ID_LENGTH, Base, new_id
from cases.vocabulary import names


class ImportState(StrEnum):
    """Where an import stands."""

    CHECKING = "checking"
    FAILED = "failed"
    CHECKED = "checked"
    RUNNING = "running"
    DONE = "done"
    TELLING = "telling"


TRANSITIONS: Mapping[ImportState, frozenset[ImportState]] = {
    ImportState.CHECKING: frozenset({ImportState.CHECKED, ImportState.FAILED}),
    ImportState.CHECKED: frozenset({ImportState.RUNNING}),
    ImportState.RUNNING: frozenset({ImportState.DONE}),
    ImportState.DONE: frozenset({ImportState.TELLING}),
    ImportState.TELLING: frozenset({ImportState.DONE}),
    ImportState.FAILED: frozenset(),
}
# States in which the service goes on by itself.
UNDER_WAY = frozenset({ImportState.CHECKING, ImportState.RUNNING, ImportState.TELLING})


class Fate(StrEnum):
    """What becomes of a row."""

    READY = "ready"
    ENTERED = "entered"
    REPEATED = "repeated"
    REFUSED = "refused"


IMPORT_STATE_NAMES = names("import", ImportState)
FATE_NAMES = names("fate", Fate)


class Import(Base):
    """A spreadsheet handed in by an official for an office; the same file is the same import.

    `checked_to` and `told_to` are the last row that was checked and whose petitioner was told, so that what
    was interrupted goes on there. `code` and `reason`: why the file was refused after all.
    """

    __tablename__ = "imports"
    __table_args__ = (UniqueConstraint("organisation_id", "sha256"),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    organisation_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("organisations.id"))
    official_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("officials.id"))
    name: Mapped[str] = mapped_column(String(256))
    sha256: Mapped[str] = mapped_column(String(64))
    state: Mapped[ImportState] = mapped_column(index=True)
    at: Mapped[datetime]
    checked_to: Mapped[int] = mapped_column(default=0)
    code: Mapped[str | None] = mapped_column(String(64), default=None)
    reason: Mapped[str | None] = mapped_column(String(800), default=None)
    told_to: Mapped[int] = mapped_column(default=0)
    told: Mapped[int] = mapped_column(default=0)
    told_at: Mapped[datetime | None] = mapped_column(default=None)


class ImportRow(Base):
    """One row of the sheet. `data` is what was typed, forgotten once the row was entered or repeated."""

    __tablename__ = "import_rows"
    __table_args__ = (
        Index("ix_import_rows_fate", "import_id", "fate", "number"),
        Index("ix_import_rows_name", "import_id", "external_id"),
    )

    import_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("imports.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    fate: Mapped[Fate]
    field: Mapped[str | None] = mapped_column(String(64), default=None)
    reason: Mapped[str | None] = mapped_column(String(800), default=None)
    external_id: Mapped[str] = mapped_column(String(128))
    petition_id: Mapped[str | None] = mapped_column(
        String(ID_LENGTH), ForeignKey("petitions.id"), default=None
    )
    data: Mapped[dict[str, Any]]
