"""A call-back by telephone: the citizen asks with one tap, an official calls and writes down what came of it.

The request is a `CitizenRequest`; each call is a step of it. Steps are only ever added.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, UniqueConstraint, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.append_only import append_only
from cases.audit import add_audit
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, atomic, new_id
from cases.errors import Conflict, Invalid, NotFound
from cases.fields import clean_text
from cases.policy import Action, Actor
from cases.vocabulary import names
from scheduling.matter_history import note_in_matter
from scheduling.reach import load_session, manageable
from scheduling.requests.citizen_requests import Asked, CitizenRequest, RequestState, end_wish
from scheduling.session_events import add_event
from scheduling.transitions import require_transition

MAX_WORDS = 500
MOST_STEPS = 20  # Whoever called so often without an answer gives up, and says why.


class CallState(StrEnum):
    """Where a call-back stands."""

    ASKED = "asked"
    UNANSWERED = "unanswered"
    REACHED = "reached"
    GIVEN_UP = "given_up"


CALL_STATE_NAMES = names("call", CallState)
# Nobody gives up who has not called.
TRANSITIONS: Mapping[CallState, frozenset[CallState]] = {
    CallState.ASKED: frozenset({CallState.UNANSWERED, CallState.REACHED}),
    CallState.UNANSWERED: frozenset({CallState.UNANSWERED, CallState.REACHED, CallState.GIVEN_UP}),
    CallState.REACHED: frozenset(),
    CallState.GIVEN_UP: frozenset(),
}


class CallResult(StrEnum):
    """What was agreed in a call."""

    VIDEO = "video"
    SOUND_ONLY = "sound_only"
    BY_PHONE = "by_phone"
    STATION = "station"
    POSTPONED = "postponed"
    OTHER = "other"


CALL_RESULT_NAMES: Mapping[CallResult, str] = {
    CallResult.VIDEO: "设备弄好了，照常视频接访",
    CallResult.SOUND_ONLY: "只用声音参加接访",
    CallResult.BY_PHONE: "改用电话接访",
    CallResult.STATION: "到接访点参加",
    CallResult.POSTPONED: "改到另一天",
    CallResult.OTHER: "其他（请写明）",
}


@append_only
class CallStep(Base):
    """One call that was made, or that nobody goes on calling. `number` counts from 1 for each request."""

    __tablename__ = "call_steps"
    __table_args__ = (UniqueConstraint("request_id", "number"),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    request_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("citizen_requests.id"))
    number: Mapped[int]
    state: Mapped[CallState]
    result: Mapped[CallResult | None]
    words: Mapped[str] = mapped_column(String(MAX_WORDS * 4))
    at: Mapped[datetime]
    by_id: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    by: Mapped[str] = mapped_column(String(256))


@atomic
async def record_call(
    db: AsyncSession, clock: Clock, actor: Actor, request_id: str, state: str, result: str = "",
    words: str = "",
) -> CallStep:  # fmt: skip
    """An official notes a call; commits. `state` is a CallState, `result` a CallResult when reached.

    Raises NotFound, Forbidden, Invalid at `state`, `result` or `words`, Conflict `bad_transition`,
    `too_many_calls`.
    """
    request = await db.get(CitizenRequest, request_id, populate_existing=True)
    if request is None or request.asked is not Asked.CALL_BACK:
        raise NotFound("request_not_found", "没有找到这个请求。")
    await manageable(db, actor, request.invitation_id, Action.RECEIVE)
    session = await load_session(db, request.session_id, lock=True)  # Two officials take turns.
    await db.refresh(request)
    steps = (await steps_of(db, [request.id])).get(request.id, [])
    new, agreed, said = _read(state, result, words)
    now = steps[-1].state if steps else CallState.ASKED
    require_transition(TRANSITIONS, now, new, _WHY_NOT[now])
    if request.state is not RequestState.OPEN:
        raise Conflict("bad_transition", "这个请求已经有人答复了。")
    if len(steps) >= MOST_STEPS - 1 and new is CallState.UNANSWERED:
        raise Conflict("too_many_calls", "已经打了很多次。请登记「不再打」，并写明原因。")
    step = CallStep(
        id=new_id(), request_id=request.id, number=len(steps) + 1, state=new, result=agreed, words=said,
        at=clock.now(), by_id=actor.official_id, by=actor.name,
    )  # fmt: skip
    db.add(step)
    if new in (CallState.REACHED, CallState.GIVEN_UP):
        request.state = RequestState.GRANTED if new is CallState.REACHED else RequestState.REFUSED
        request.answered_at, request.answered_by = clock.now(), actor.name
        request.answer = CALL_RESULT_NAMES[agreed] if agreed else CALL_STATE_NAMES[new]
    data = {"invitation_id": request.invitation_id, "request_id": request.id, "number": step.number}
    data |= {"result": str(agreed)} if agreed else {}
    await add_event(db, clock, session.id, f"call.{new}", actor.name, data=data)
    told = {"session_id": session.id, **data}
    await note_in_matter(db, clock, actor, session, f"call.{new}", told)
    if request.state is not RequestState.OPEN:
        await end_wish(db, clock, request)
    await add_audit(db, clock, actor, f"call.{new}", "invitation", request.invitation_id, detail=data)
    await db.commit()
    return step


async def steps_of(db: AsyncSession, request_ids: Collection[str]) -> dict[str, list[CallStep]]:
    """The calls of each request, oldest first. The caller has asked the policy."""
    query = select(CallStep).where(CallStep.request_id.in_(request_ids)).order_by(CallStep.number)
    found: dict[str, list[CallStep]] = {}
    for step in await db.scalars(query):
        found.setdefault(step.request_id, []).append(step)
    return found


def state_of(steps: Sequence[CallStep]) -> CallState:
    """Where a call-back with these steps stands."""
    return steps[-1].state if steps else CallState.ASKED


_WHY_NOT: Mapping[CallState, str] = {
    CallState.ASKED: "还没有打过电话，请先打电话再登记。",
    CallState.UNANSWERED: "请登记打电话的结果。",
    CallState.REACHED: "已经有人通过话了，不用再登记。",
    CallState.GIVEN_UP: "已经登记不再打了。",
}


def _read(state: str, result: str, words: str) -> tuple[CallState, CallResult | None, str]:
    if state not in set(CallState) - {CallState.ASKED}:
        raise Invalid("required", "请选择打电话的结果。", "state")
    new = CallState(state)
    said = clean_text(words, "words", "说明", MAX_WORDS)
    if new is CallState.GIVEN_UP and not said:
        raise Invalid("required", "请写明为什么不再打、怎样告诉了本人。", "words")
    if new is not CallState.REACHED:
        return new, None, said
    if result not in set(CallResult):
        raise Invalid("required", "请选择电话里商定的办法。", "result")
    if result == CallResult.OTHER and not said:
        raise Invalid("required", "请写明电话里商定的办法。", "words")
    return new, CallResult(result), said
