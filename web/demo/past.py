"""The weeks before the demo day: sittings that are over, with minutes, ratings, promises and papers.

Each is carried out by the use cases that pages call, by a clock that stands at its day.
"""

from __future__ import annotations

from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase
from cases.clock import BEIJING, Clock
from cases.documents.delivering import deliver_document
from cases.documents.issuing import draft_document, issue_document
from cases.handling.taking import take_step
from cases.people import Official, PersonDetails
from cases.petitions import RegisterPetition, register_petition
from cases.policy import SYSTEM, Actor, ActorKind
from cases.roles import InvitationRole
from cases.signin import actor_for
from cases.task import NewTask, end_task
from scheduling.afterwards.outcome import add_outcome
from scheduling.afterwards.ratings import Question, rate
from scheduling.arrival.identity import How, confirm_by_official
from scheduling.session import Session, SessionState
from scheduling.session_events import WAITS, append_event
from scheduling.sessions.invitations import Invitee, list_invitations
from scheduling.sessions.sessions import CreateSession, create_session, move_session
from web.demo.past_matters import CITY, PAST, PROVINCE, PastReception
from web.demo.past_minutes import Table, sign_all, write_minutes
from web.demo.people import HANDLER, HOST
from web.demo.then import Turns, days_before
from web.letters.pdf import drawing

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)
TASK_DAYS = 15
CLASSIFIED = {"class": "claim", "way": "handle", "words": "请求明确，属于住建部门职责。"}
PAPER = {
    "facts": "经现场查看、调取资料并向有关单位核实，反映的情况基本属实。",
    "reasons": "属于本单位职责，接访时已经当面商定办法。",
    "contact": "城关区住建局信访科 0931-0000003",
}


@dataclass(frozen=True)
class _Story:
    """One sitting with everything around it. `starts`: when it was to begin."""

    db: AsyncSession
    officials: Mapping[str, Official]
    past: PastReception
    starts: datetime
    turns: Turns

    def actor(self, username: str) -> Actor:
        return actor_for(self.officials[username])

    @property
    def host(self) -> Actor:
        return self.actor(HOST.username)

    @property
    def seats(self) -> list[tuple[str, InvitationRole]]:
        """Which accounts sat there as what; the unit where something is asked of it."""
        joint = [(each, InvitationRole.JOINT_RECEPTIONIST) for each in self.past.offices]
        unit = [(HANDLER.username, InvitationRole.DEPARTMENT)] if self.past.task else []
        return [(HOST.username, InvitationRole.HOST), *unit, *joint]

    @property
    def handler(self) -> Actor:
        return self.actor(HANDLER.username)


async def past_stories(db: AsyncSession, clock: Clock, turns: Turns) -> list[Coroutine[None, None, None]]:
    """Of each sitting; a matter that is there already stays as it is."""
    names = HOST.username, HANDLER.username, CITY, PROVINCE
    found = (await db.scalars(select(Official).where(Official.username.in_(names)))).unique()
    officials = {each.username: each for each in found}
    known = set(await db.scalars(select(PetitionCase.subject)))
    missing = [past for past in PAST if past.subject not in known]
    starts = [days_before(clock, past.ago, past.hour, HOST.region_code) for past in missing]
    return [_tell(_Story(db, officials, past, at, turns)) for past, at in zip(missing, starts, strict=True)]


async def _tell(story: _Story) -> None:
    petition = await _petition(story)
    session = await _arranged(story, petition)
    if story.past.state is not SessionState.CLOSED:
        late = await story.turns.at(story.starts + 15 * MINUTE)
        reason = story.past.reason or "等候十五分钟，信访人没有到"
        await move_session(story.db, late, story.host, session.id, story.past.state, reason)
        return
    table = await _sitting(story, session)
    decided = await _held(story, table)
    promised = await _promised(story, table, decided)
    await _rated(story, table)
    await _kept(story, petition, table, promised)
    if story.past.conclusion is not None:
        await _concluded(story, petition)


async def _petition(story: _Story) -> PetitionCase:
    """The matter, accepted by the unit five days before the sitting; of a second sitting the same one."""
    db, past = story.db, story.past
    at = await story.turns.at(story.starts - 6 * DAY)
    query = select(PetitionCase).where(PetitionCase.subject == past.subject)
    if (known := (await db.scalars(query)).unique().first()) is not None:
        return known
    person = PersonDetails(past.name, past.phone)
    office = story.host.posts[0].organisation_id
    said = past.said or f"{past.subject}，请求解决。"
    command = RegisterPetition(past.channel, past.subject, said, person, office)
    petition, _ = await register_petition(db, at, story.host, command)
    unit = story.handler.posts[0].organisation_id
    await take_step(db, at, story.host, petition.id, "classify", CLASSIFIED)
    await take_step(db, at, story.host, petition.id, "forward", {"unit": unit, "words": "请依法办理。"})
    at = await story.turns.at(story.starts - 5 * DAY)
    await take_step(db, at, story.handler, petition.id, "accept", {"words": "属于本单位职责，受理。"})
    return petition


async def _arranged(story: _Story, petition: PetitionCase) -> Session:
    at = await story.turns.at(story.starts - 3 * DAY)
    invitees = [Invitee(InvitationRole.PETITIONER)]
    for username, role in story.seats:
        official = story.officials[username]
        office = official.posts[0].organisation_id
        invitees.append(Invitee(role, official.name, official_id=official.id, organisation_id=office))
    command = CreateSession(
        petition.id, story.host.posts[0].organisation_id, starts_at=story.starts,
        ends_at=story.starts + timedelta(minutes=max(30, story.past.minutes + 5)),
        joint_organisation_ids=tuple(
            story.officials[each].posts[0].organisation_id for each in story.past.offices
        ),
        invitees=tuple(invitees), record=False, kind=story.past.kind,
    )  # fmt: skip
    return await create_session(story.db, at, story.host, command)


async def _sitting(story: _Story, session: Session) -> Table:
    """Everybody is there, and it is opened."""
    opened = story.starts + (story.past.ago % 5 - 1) * MINUTE
    seats = {each.role: each for each in await list_invitations(story.db, session.id)}
    mine, hosts = seats[InvitationRole.PETITIONER], seats[InvitationRole.HOST]
    citizen = Actor(
        ActorKind.INVITEE, mine.display_name, invitation_id=mine.id, session_id=session.id,
        invitation_role=mine.role,
    )  # fmt: skip
    came = await story.turns.at(opened - 6 * MINUTE)
    await confirm_by_official(story.db, came, SYSTEM, mine.id, How.STATION)
    await append_event(story.db, came, session.id, WAITS[0], mine.display_name, mine.id)
    at = await story.turns.at(opened)
    await append_event(story.db, at, session.id, WAITS[1], mine.display_name, mine.id)
    await move_session(story.db, at, story.host, session.id, SessionState.LIVE)
    others = tuple(story.actor(username) for username, _ in story.seats[1:])
    closed = opened + story.past.minutes * MINUTE
    return Table(session, story.host, others, citizen, hosts, mine, opened, closed, story.turns)


async def _held(story: _Story, table: Table) -> str:
    """Minutes and the end; returns the paragraph in which it was decided."""
    db, session_id = story.db, table.session.id
    decided = await write_minutes(db, table, story.past)
    shown = await table.turns.at(table.closed - 3 * MINUTE)
    await move_session(db, shown, table.host, session_id, SessionState.MINUTES_CONFIRMING)
    await sign_all(db, table, story.past)
    for state in (SessionState.SIGNED, SessionState.CLOSED):
        await move_session(db, await table.turns.at(table.closed), table.host, session_id, state)
    return decided


async def _rated(story: _Story, table: Table) -> None:
    at = await table.turns.at(table.closed + 3 * MINUTE)
    for question, score in zip(Question, story.past.scores, strict=False):
        words = story.past.words if question is Question.MANNER else ""
        await rate(story.db, at, table.citizen, question, score, words)


async def _promised(story: _Story, table: Table, decided: str) -> str:
    """The task that came of it; empty where there is none."""
    past, closed = story.past, table.closed
    if not past.task:
        return ""
    due = (closed.astimezone(BEIJING) + TASK_DAYS * DAY).date().isoformat()
    unit = story.handler.posts[0].organisation_id
    command = NewTask(unit, HANDLER.name, due, past.task, source_id=decided)
    at = await table.turns.at(closed + MINUTE)
    return (await add_outcome(story.db, at, table.host, table.session.id, command)).id


async def _kept(story: _Story, petition: PetitionCase, table: Table, task_id: str) -> None:
    if story.past.done:
        at = await story.turns.at(table.closed + 4 * DAY)
        await end_task(story.db, at, story.handler, petition.id, task_id, "done", story.past.done)


async def _concluded(story: _Story, petition: PetitionCase) -> None:
    """The unit's opinion, on paper and handed over."""
    db, past = story.db, story.past
    at = await story.turns.at(story.starts + 5 * DAY)
    given = {"conclusion": str(past.conclusion), "words": past.opinion}
    await take_step(db, at, story.handler, petition.id, "conclude", given)
    draft = await draft_document(db, at, story.handler, petition.id, "handling_opinion")
    told = {name: draft.prefilled()[name] or PAPER.get(name, "") for name in draft.asked}
    render = drawing(at.now)
    paper = await issue_document(db, at, story.handler, petition.id, "handling_opinion", told, render)
    served = {"service": "in_person", "recipient": past.name, "proof": "送达回证，本人签收"}
    at = await story.turns.at(at.moment + DAY)
    await deliver_document(db, at, story.handler, petition.id, paper.id, served)
