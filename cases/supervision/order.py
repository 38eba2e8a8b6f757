"""A supervision order (督办单): why, what by when, and the table of what may become of it.

Art. 40 of the Regulations on Petition Work: matters accepted or handled against the rules, evaded, put off,
falsified, or whose opinion is not carried out are supervised at once, and the organ says in writing what of
the advice it adopted. Reasons follow that article and Art. 36 of the text of 2005.
"""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum

from sqlalchemy import Date, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cases.append_only import append_only
from cases.casefile import PetitionCase
from cases.database import ID_LENGTH, Base, new_id
from cases.organisations import Organisation
from cases.step_table import StepTable
from cases.vocabulary import names

WORDS_LIMIT = 1000
NUMBER_PREFIX = "DB"
MOST_OPEN = 20  # Orders of one case that are not over.


class Reason(StrEnum):
    """What the order is about."""

    OVERDUE = "overdue"
    NO_FEEDBACK = "no_feedback"
    PROCEDURE = "procedure"
    REFUSED = "refused"
    EVADED = "evaded"
    FALSE = "false"
    NOT_EXECUTED = "not_executed"
    OTHER = "other"


class OrderState(StrEnum):
    """Where an order stands."""

    ISSUED = "issued"
    REPORTED = "reported"
    SENT_BACK = "sent_back"
    CLOSED = "closed"
    WITHDRAWN = "withdrawn"


class OrderStep(StrEnum):
    """What somebody does to an order."""

    REPORT = "report"
    SEND_BACK = "send_back"
    CLOSE = "close"
    WITHDRAW = "withdraw"


class Adoption(StrEnum):
    """What the unit made of the advice (Art. 40 para 4)."""

    ADOPTED = "adopted"
    PARTLY = "partly"
    NOT_ADOPTED = "not_adopted"


REASON_NAMES = names("supervision_reason", Reason)
STATE_NAMES = names("supervision", OrderState)
STEP_NAMES = names("supervision_step", OrderStep)
ADOPTION_NAMES = names("adoption", Adoption)
WAITING = frozenset({OrderState.ISSUED, OrderState.SENT_BACK})  # For the unit.
OPEN = WAITING | {OrderState.REPORTED}

S, T = OrderState, OrderStep
TRANSITIONS = StepTable(
    {
        (S.ISSUED, T.REPORT): S.REPORTED,
        (S.SENT_BACK, T.REPORT): S.REPORTED,
        (S.REPORTED, T.SEND_BACK): S.SENT_BACK,
        (S.REPORTED, T.CLOSE): S.CLOSED,
        (S.ISSUED, T.WITHDRAW): S.WITHDRAWN,
        (S.SENT_BACK, T.WITHDRAW): S.WITHDRAWN,
        (S.REPORTED, T.WITHDRAW): S.WITHDRAWN,
    },
    "这张督办单现在不能进行这一步，请刷新页面再看。",
    "bad_order_step",
)
# The unit reports; everything else is for the office that issued the order.
BY_UNIT = frozenset({OrderStep.REPORT})


class SupervisionOrder(Base):
    """One order. `due_on`, a civil date of Beijing: until when the unit reports; a later step may move it."""

    __tablename__ = "supervision_orders"
    __table_args__ = (
        Index("ix_supervision_orders_state_due", "state", "due_on"),
        Index("ix_supervision_orders_at", "at"),
    )

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    number: Mapped[str] = mapped_column(String(32), unique=True)
    petition_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("petitions.id"), index=True)
    unit_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("organisations.id"), index=True)
    issuer_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("organisations.id"), index=True)
    reason: Mapped[Reason]
    words: Mapped[str] = mapped_column(String(WORDS_LIMIT * 4))
    state: Mapped[OrderState]
    due_on: Mapped[date] = mapped_column(Date)
    step_count: Mapped[int] = mapped_column(default=0)
    adoption: Mapped[Adoption | None] = mapped_column(default=None)
    reported_on: Mapped[date | None] = mapped_column(Date, default=None)
    at: Mapped[datetime]
    by_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    by: Mapped[str] = mapped_column(String(256))
    petition: Mapped[PetitionCase] = relationship(lazy="joined")
    unit: Mapped[Organisation] = relationship(lazy="joined", foreign_keys=unit_id)
    issuer: Mapped[Organisation] = relationship(lazy="joined", foreign_keys=issuer_id)

    def is_late(self, today: date) -> bool:
        """The unit has not reported in time."""
        return self.state in WAITING and today > self.due_on


@append_only
class SupervisionStep(Base):
    """One move of an order to `state`, with words; what the unit adopted where it reported."""

    __tablename__ = "supervision_steps"
    __table_args__ = (Index("uq_supervision_steps_number", "order_id", "number", unique=True),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    order_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("supervision_orders.id"))
    number: Mapped[int]
    state: Mapped[OrderState]
    adoption: Mapped[Adoption | None]
    due_on: Mapped[date | None] = mapped_column(Date)
    words: Mapped[str] = mapped_column(String(WORDS_LIMIT * 4))
    at: Mapped[datetime]
    by_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    by: Mapped[str] = mapped_column(String(256))


class SupervisionCounter(Base):
    """The last number given in a year."""

    __tablename__ = "supervision_counters"

    year: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    last: Mapped[int]
