"""A post that the system administrator asks for: it is none until the security administrator confirms it."""

from __future__ import annotations

from sqlalchemy import ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cases.database import ID_LENGTH, Base
from cases.organisations import Organisation
from cases.people import Official, Post
from cases.policy import Action
from cases.roles import Role
from cases.second_person import Proposed, TwoPersonRule

TWO_PERSONS = TwoPersonRule(
    takes_back=Action.MANAGE_ACCOUNTS,
    decides=Action.CONFIRM_POST,
    own="自己申请的岗位要由另一个人确认。",
    late_code="request_decided",
    late="这项申请已经有人处理，请刷新页面再看。",
)
_OPEN = text("decided_at IS NULL")


class PostRequest(Proposed, Base):
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

    official_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("officials.id"), index=True)
    organisation_id: Mapped[str] = mapped_column(
        String(ID_LENGTH), ForeignKey("organisations.id"), index=True
    )
    role: Mapped[Role]
    title: Mapped[str] = mapped_column(String(64), default="")
    replaces_id: Mapped[str | None] = mapped_column(String(ID_LENGTH), ForeignKey("posts.id"), default=None)
    official: Mapped[Official] = relationship(lazy="joined")
    organisation: Mapped[Organisation] = relationship(lazy="joined")
    replaces: Mapped[Post | None] = relationship(lazy="joined")
