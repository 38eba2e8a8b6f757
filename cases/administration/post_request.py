"""A post that the system administrator asks for: it is none until the security administrator confirms it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cases.database import ID_LENGTH, Base, new_id
from cases.organisations import Organisation
from cases.people import Official, Post
from cases.roles import Role


class Decision(StrEnum):
    """What became of a request."""

    CONFIRMED = "confirmed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


DECISION_NAMES: Mapping[Decision, str] = {
    Decision.CONFIRMED: "已确认",
    Decision.REFUSED: "不同意",
    Decision.WITHDRAWN: "已撤回",
}
_OPEN = text("decided_at IS NULL")


class PostRequest(Base):
    """`replaces_id`: the post that ends in the same moment, for somebody who moves to another office."""

    __tablename__ = "post_requests"
    __table_args__ = (
        # Asked for twice at once, it is one request.
        Index(
            "ix_post_requests_open",
            "official_id",
            "organisation_id",
            "role",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
    )

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    official_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("officials.id"), index=True)
    organisation_id: Mapped[str] = mapped_column(
        String(ID_LENGTH), ForeignKey("organisations.id"), index=True
    )
    role: Mapped[Role]
    title: Mapped[str] = mapped_column(String(64), default="")
    replaces_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("posts.id"), default=None)
    requested_at: Mapped[datetime] = mapped_column(index=True)
    requested_by_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    requested_by: Mapped[str] = mapped_column(String(256))
    decision: Mapped[Decision | None] = mapped_column(default=None)
    decided_at: Mapped[datetime | None] = mapped_column(default=None)
    decided_by: Mapped[str] = mapped_column(String(256), default="")
    reason: Mapped[str] = mapped_column(String(800), default="")
    official: Mapped[Official] = relationship(lazy="joined")
    organisation: Mapped[Organisation] = relationship(lazy="joined")
    replaces: Mapped[Post | None] = relationship(lazy="joined")
