"""What a petitioner thinks of the handling of his matter: of the office and of the unit, apart.

The rated see sums only, and none where there are too few (国信发〔2014〕: office and unit are rated
separately). A rating may be changed while it is open; each earlier one stays, and the petitioner sees it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.append_only import append_only
from cases.audit import add_audit
from cases.casefile import PetitionCase
from cases.clock import BEIJING, Clock
from cases.database import ID_LENGTH, Base, atomic, new_id
from cases.errors import Conflict, Invalid, NotFound
from cases.fields import clean_text
from cases.petitions import find_by_query_code
from cases.policy import ANONYMOUS, Action, require

# Days after the conclusion in which it is rated; the text of 2014 leaves the figure to the place.
RATING_DAYS = 30
MOST_CHANGES = 10
MAX_WORDS = 500
FEWEST = 5  # Fewer ratings than this are not summed up: one could tell whose they are.
SATISFIED = 3  # 满意 and 基本满意 both count.
SCORES = {5: "很满意", 4: "满意", 3: "基本满意", 2: "不满意", 1: "很不满意"}


class Rated(StrEnum):
    """Of what: the petition office's part, or the responsible unit's."""

    OFFICE = "office"
    UNIT = "unit"


class PetitionRating(Base):
    """The rating that holds. `number` counts how often it was given; `score` is 1 to 5."""

    __tablename__ = "petition_ratings"
    __table_args__ = (UniqueConstraint("petition_id", "rated"),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    petition_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("petitions.id"))
    rated: Mapped[Rated]
    organisation_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("organisations.id"))
    score: Mapped[int]
    number: Mapped[int]
    at: Mapped[datetime]


@append_only
class PetitionRatingChange(Base):
    """One giving of a rating, the first included."""

    __tablename__ = "petition_rating_changes"
    __table_args__ = (Index("uq_petition_rating_changes_number", "rating_id", "number", unique=True),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    rating_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("petition_ratings.id"))
    number: Mapped[int]
    score: Mapped[int]
    words: Mapped[str] = mapped_column(String(MAX_WORDS * 4))
    at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class RatePetition:
    """Command of whoever has number and query code; `score` as typed."""

    number: str
    query_code: str
    rated: str
    score: str
    words: str = ""


@dataclass(frozen=True, slots=True)
class GivenRating:
    """A rating with all its givings, oldest first."""

    rated: Rated
    changes: tuple[PetitionRatingChange, ...]


def rateable_until(petition: PetitionCase) -> date | None:
    """The last day on which a matter can be rated; None as long as it is not concluded."""
    return petition.concluded_on + timedelta(days=RATING_DAYS) if petition.concluded_on else None


def is_rateable(clock: Clock, petition: PetitionCase) -> bool:
    """Can it be rated today? Secret matters are not (国信发〔2014〕, Art. 5)."""
    until = rateable_until(petition)
    return until is not None and not petition.confidential and _today(clock) <= until


@atomic
async def rate_petition(db: AsyncSession, clock: Clock, command: RatePetition) -> PetitionRating:
    """Give a rating or change the one given, and commit.

    Raises NotFound for a wrong number or code, Invalid at `score` or `words`, Conflict `not_rateable`,
    `too_many_changes`, `petition_moved`.
    """
    require(ANONYMOUS, Action.BOOK_PUBLIC)
    petition = await find_by_query_code(db, command.number, command.query_code)
    if petition is None:
        raise NotFound("petition_not_found", NotFound.default_message)
    if not is_rateable(clock, petition):
        raise Conflict("not_rateable", "现在不能评价：办结以后 30 天之内可以评价。")
    if command.score not in {str(score) for score in SCORES} or command.rated not in set(Rated):
        raise Invalid("bad_score", "请选一项。", "score")
    words = clean_text(command.words, "words", "想说的话", MAX_WORDS)
    rating = await _give(db, clock, petition, Rated(command.rated), int(command.score))
    db.add(
        PetitionRatingChange(
            id=new_id(), rating_id=rating.id, number=rating.number, score=rating.score, words=words,
            at=clock.now(),
        )
    )  # fmt: skip
    try:
        await db.flush()
    except IntegrityError as error:
        raise Conflict("petition_moved", "刚刚有人提交了评价，请刷新页面再看。") from error
    # Not in the case's history, and without the score: who is rated learns neither that he was nor how.
    await add_audit(
        db, clock, ANONYMOUS, "petition.rated", "petition", petition.id, detail={"number": rating.number}
    )
    await db.commit()
    return rating


async def list_given(db: AsyncSession, petition_id: str) -> Sequence[GivenRating]:
    """All ratings of a matter with what they were before. The caller has made sure it is the petitioner."""
    query = select(PetitionRating, PetitionRatingChange)
    query = query.join(PetitionRatingChange, PetitionRatingChange.rating_id == PetitionRating.id)
    query = query.where(PetitionRating.petition_id == petition_id)
    found: dict[Rated, list[PetitionRatingChange]] = {}
    for rating, change in await db.execute(query.order_by(PetitionRatingChange.number)):
        found.setdefault(rating.rated, []).append(change)
    return [GivenRating(rated, tuple(found[rated])) for rated in Rated if rated in found]


async def _give(
    db: AsyncSession, clock: Clock, petition: PetitionCase, rated: Rated, score: int
) -> PetitionRating:
    same = PetitionRating.petition_id == petition.id, PetitionRating.rated == rated
    held = await db.scalar(select(PetitionRating).where(*same))
    unit = petition.handler_id or petition.custodian_id
    if held is None:
        held = PetitionRating(
            id=new_id(), petition_id=petition.id, rated=rated, score=score, number=1, at=clock.now(),
            organisation_id=unit if rated is Rated.UNIT else petition.custodian_id,
        )  # fmt: skip
        db.add(held)
        try:
            await db.flush()
        except IntegrityError as error:
            raise Conflict("petition_moved", "刚刚有人提交了评价，请刷新页面再看。") from error
        return held
    if held.number >= MOST_CHANGES:
        raise Conflict("too_many_changes", f"评价最多可以改 {MOST_CHANGES - 1} 次。")
    seen = PetitionRating.number == held.number
    query = update(PetitionRating).where(*same, seen).values(score=score, number=held.number + 1)
    if await db.scalar(query.values(at=clock.now()).returning(PetitionRating.id)) is None:
        raise Conflict("petition_moved", "刚刚有人提交了评价，请刷新页面再看。")
    await db.refresh(held)
    return held


def _today(clock: Clock) -> date:
    return clock.now().astimezone(BEIJING).date()
