"""What a citizen asks the staff for, with one tap, and what they answer: no page is a dead end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, func, insert, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cases.audit import add_audit
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, atomic, new_id, violates
from cases.errors import Conflict, Invalid, NotFound
from cases.fields import clean_text
from cases.policy import Action, Actor, require, visible_organisation_ids
from scheduling.arrival.identity import own_invitation
from scheduling.incidents.incident import Cause
from scheduling.incidents.incidents import Occurrence, add_incident, drop_incident
from scheduling.invitation import Invitation
from scheduling.links import release_device
from scheduling.reach import load_session, manageable, scope_of_session
from scheduling.session import Session
from scheduling.session_events import add_event
from scheduling.transitions import require_transition

MAX_WORDS = 200
MAX_PER_INVITATION = 20  # Over a session's life; a person with more needs a telephone, not a form.


class Asked(StrEnum):
    """What for."""

    VOICE_CODE = "voice_code"
    STAFF_CHECK = "staff_check"
    CALL_BACK = "call_back"
    UNRECORDED = "unrecorded"
    REPLAY = "replay"
    OTHER_DEVICE = "other_device"
    NEW_LINK = "new_link"


ASKED_NAMES: Mapping[Asked, str] = {
    Asked.VOICE_CODE: "请打电话核验身份",
    Asked.STAFF_CHECK: "请在视频中或现场核验身份",
    Asked.CALL_BACK: "请打电话给我",
    Asked.UNRECORDED: "希望不录音录像",
    Asked.REPLAY: "申请查看录像",
    Asked.OTHER_DEVICE: "要换一台设备进入",
    Asked.NEW_LINK: "链接打不开，要一个新的",
}


class RequestState(StrEnum):
    """Where a request stands."""

    OPEN = "open"
    GRANTED = "granted"
    REFUSED = "refused"


TRANSITIONS: Mapping[RequestState, frozenset[RequestState]] = {
    RequestState.OPEN: frozenset({RequestState.GRANTED, RequestState.REFUSED}),
    RequestState.GRANTED: frozenset(),
    RequestState.REFUSED: frozenset(),
}
_OPEN_SQL = text("state = 'open'")
# What nobody needs to do any more once it is known who somebody is, whichever way it was established.
OF_IDENTITY = (Asked.VOICE_CODE, Asked.STAFF_CHECK)
IDENTIFIED = "身份已经核验"


class CitizenRequest(Base):
    """One request. Its history is in the session's events; the row says how it stands."""

    __tablename__ = "citizen_requests"
    __table_args__ = (
        Index(
            "ix_citizen_requests_one_open",
            "invitation_id",
            "asked",
            unique=True,
            sqlite_where=_OPEN_SQL,
            postgresql_where=_OPEN_SQL,
        ),
    )

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    invitation_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("invitations.id"), index=True)
    session_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("sessions.id"), index=True)
    asked: Mapped[Asked]
    state: Mapped[RequestState]
    created_at: Mapped[datetime]
    answered_at: Mapped[datetime | None] = mapped_column(default=None)
    answered_by: Mapped[str | None] = mapped_column(String(256), default=None)
    answer: Mapped[str] = mapped_column(String(800), default="")
    invitation: Mapped[Invitation] = relationship(lazy="joined")


@atomic
async def ask(db: AsyncSession, clock: Clock, actor: Actor, asked: Asked) -> CitizenRequest:
    """The link holder asks; commits. Asking again while it is open changes nothing."""
    invitation = await own_invitation(db, actor)
    request = await add_request(db, clock, invitation, asked)
    await db.commit()
    return request


async def add_request(db: AsyncSession, clock: Clock, invitation: Invitation, asked: Asked) -> CitizenRequest:
    """Note a request inside the caller's transaction. Raises Conflict `too_many_requests`."""
    found = await find_request(db, invitation.id, asked)
    if found is not None and found.state is RequestState.OPEN:
        return found
    count = select(func.count()).select_from(CitizenRequest)
    if (
        await db.scalar(count.where(CitizenRequest.invitation_id == invitation.id)) or 0
    ) >= MAX_PER_INVITATION:
        raise Conflict("too_many_requests", "您的请求工作人员都看到了，请直接打电话联系。")
    values = {
        "id": new_id(), "invitation_id": invitation.id, "session_id": invitation.session_id,
        "asked": asked, "state": RequestState.OPEN, "created_at": clock.now(),
    }  # fmt: skip
    try:
        await db.execute(insert(CitizenRequest).values(**values))
    except IntegrityError as error:
        if violates(error, "ix_citizen_requests_one_open", "citizen_requests.invitation_id"):
            raise Conflict("already_asked", "您的请求已经提交，请稍等。") from error
        raise
    data = {"invitation_id": invitation.id, "asked": str(asked)}
    await add_event(db, clock, invitation.session_id, "request.made", invitation.display_name, data=data)
    subject, name = _subject(invitation.id, asked), invitation.display_name
    occurrence = Occurrence(invitation.session_id, Cause.HELP_ASKED, subject, name, ASKED_NAMES[asked])
    await add_incident(db, clock, occurrence)
    return await db.get_one(CitizenRequest, str(values["id"]))


@atomic
async def answer_request(
    db: AsyncSession, clock: Clock, actor: Actor, request_id: str, granted: bool, words: str = "",
    unrecorded_allowed: bool = False,
) -> CitizenRequest:  # fmt: skip
    """An official grants or refuses, a refusal with its reason; commits. What is granted takes effect.

    `unrecorded_allowed`: the operator's policy lets a host hold a reception without recording it.
    Raises NotFound, Forbidden, Invalid at `answer`, Conflict `bad_transition`, `recording_required`.
    """
    request = await db.get(CitizenRequest, request_id, populate_existing=True)
    if request is None:
        raise NotFound("request_not_found", "没有找到这个请求。")
    await manageable(db, actor, request.invitation_id, Action.RECEIVE)
    if request.asked is Asked.CALL_BACK:
        raise Conflict("call_first", "请先打电话，再登记通话的结果。")
    await load_session(db, request.session_id, lock=True)  # Two officials take turns.
    await db.refresh(request)
    state = RequestState.GRANTED if granted else RequestState.REFUSED
    require_transition(TRANSITIONS, request.state, state, "这个请求已经有人答复了。")
    words = clean_text(words, "answer", "答复", MAX_WORDS)
    if not granted and not words:
        raise Invalid("required", "不同意的，请写明原因。", "answer")
    if granted:
        await _take_effect(db, clock, actor, request, unrecorded_allowed)
    request.state, request.answer = state, words
    request.answered_at, request.answered_by = clock.now(), actor.name
    data = {"invitation_id": request.invitation_id, "asked": str(request.asked), "state": str(state)}
    data |= {"words": words} if words else {}
    await add_event(db, clock, request.session_id, "request.answered", actor.name, data=data)
    await end_wish(db, clock, request)
    await add_audit(db, clock, actor, "request.answered", "invitation", request.invitation_id, detail=data)
    await db.commit()
    return request


@atomic
async def end_identity_wishes(db: AsyncSession, clock: Clock, invitation_id: str, by: str) -> None:
    """Who somebody is was established: nobody needs to be asked for help with it any more; commits."""
    wish = (CitizenRequest.invitation_id == invitation_id, CitizenRequest.state == RequestState.OPEN)
    query = (
        select(CitizenRequest)
        .where(*wish, CitizenRequest.asked.in_(OF_IDENTITY))
        .with_for_update(of=CitizenRequest)
    )
    for request in (await db.scalars(query)).all():
        request.state, request.answer = RequestState.GRANTED, IDENTIFIED
        request.answered_at, request.answered_by = clock.now(), by
        data = {"invitation_id": invitation_id, "asked": str(request.asked), "state": str(request.state)}
        data |= {"words": IDENTIFIED}
        await add_event(db, clock, request.session_id, "request.answered", by, data=data)
        await drop_incident(
            db,
            clock,
            request.session_id,
            Cause.HELP_ASKED,
            _subject(invitation_id, request.asked),
            IDENTIFIED,
        )
    await db.commit()


async def end_wish(db: AsyncSession, clock: Clock, request: CitizenRequest) -> None:
    """What was answered is nobody's task any more; inside the caller's transaction, after the answer."""
    told = f"{request.answered_by}已经答复：{'同意' if request.state is RequestState.GRANTED else '不同意'}"
    told = request.answer if request.asked is Asked.CALL_BACK else told
    subject = _subject(request.invitation_id, request.asked)
    await drop_incident(db, clock, request.session_id, Cause.HELP_ASKED, subject, told)


def _subject(invitation_id: str, asked: Asked) -> str:
    """What one wish of one person is called among the tasks of its session."""
    return f"{invitation_id}:{asked}"


async def _take_effect(
    db: AsyncSession, clock: Clock, actor: Actor, request: CitizenRequest, unrecorded_allowed: bool
) -> None:
    if request.asked is Asked.OTHER_DEVICE:
        await release_device(db, clock, actor, request.invitation_id)
    if request.asked is Asked.UNRECORDED:
        session = await load_session(db, request.session_id)
        require(actor, Action.HOST, await scope_of_session(db, session))
        if not unrecorded_allowed:
            message = "本单位规定接访必须录音录像。请改为电话或现场接访。"
            raise Conflict("recording_required", message)
        if session.opened_at is not None:
            raise Conflict("already_open", "接访已经开始，不能改为不录音录像。")
        session.record = False
        await add_event(db, clock, session.id, "session.unrecorded", actor.name)


async def find_request(db: AsyncSession, invitation_id: str, asked: Asked) -> CitizenRequest | None:
    """The newest request of this kind, for telling the person how it stands."""
    query = select(CitizenRequest).where(
        CitizenRequest.invitation_id == invitation_id, CitizenRequest.asked == asked
    )
    query = query.order_by(CitizenRequest.created_at.desc()).limit(1)
    return await db.scalar(query.execution_options(populate_existing=True))


async def list_requests(db: AsyncSession, session_id: str) -> Sequence[CitizenRequest]:
    """Every request of a session, oldest first. The caller has asked the policy."""
    query = select(CitizenRequest).where(CitizenRequest.session_id == session_id)
    return (await db.scalars(query.order_by(CitizenRequest.created_at, CitizenRequest.id))).all()


async def list_open_requests(db: AsyncSession, actor: Actor, limit: int = 100) -> Sequence[CitizenRequest]:
    """Open requests in sessions that an organisation of the actor hosts, oldest first."""
    require(actor, Action.RECEIVE)
    own = visible_organisation_ids(actor, Action.RECEIVE)
    query = select(CitizenRequest).join(Session, Session.id == CitizenRequest.session_id)
    query = query.where(Session.host_organisation_id.in_(own), CitizenRequest.state == RequestState.OPEN)
    return (await db.scalars(query.order_by(CitizenRequest.created_at).limit(limit))).all()
