"""Which template holds: the newest of the office, of the offices above it, or the national one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from sqlalchemy import func, or_, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import add_audit
from cases.clock import Clock
from cases.database import atomic, new_id
from cases.documents.document import DocumentTemplate
from cases.documents.form import FORMS
from cases.documents.kind import DocumentKind
from cases.documents.template import Template, read_body
from cases.errors import Conflict, Invalid
from cases.fields import clean_subject
from cases.handling.clocks import today
from cases.organisations import Organisation, OrganisationKind, get_organisation
from cases.policy import Action, Actor, Scope, require


async def choose_template(db: AsyncSession, office: Organisation, kind: DocumentKind, day: date) -> Template:
    """The one that holds on that day for a paper of this office."""
    above = [office.region_code[:length] for length in (2, 4, 6, 9) if length <= len(office.region_code)]
    line = (Organisation.kind != OrganisationKind.DEPARTMENT) & Organisation.region_code.in_(above)
    query = select(DocumentTemplate, Organisation).join(
        Organisation, Organisation.id == DocumentTemplate.organisation_id
    )
    query = query.where(DocumentTemplate.kind == kind, DocumentTemplate.since <= day)
    query = query.where(or_(Organisation.id == office.id, line))
    rows = (await db.execute(query)).all()
    if not rows:
        return [each for each in FORMS[kind].templates if each.since <= day][-1]
    row, _ = max(rows, key=lambda each: _nearness(office, each[1], each[0]))
    return template_of(row)


def _nearness(office: Organisation, author: Organisation, row: DocumentTemplate) -> tuple[bool, int, int]:
    return author.id == office.id, len(author.region_code), row.version


def template_of(row: DocumentTemplate) -> Template:
    """A row as a template."""
    return Template(row.title, tuple(row.body.split("\n")), row.version, row.since, row.organisation_id)


async def list_versions(
    db: AsyncSession, actor: Actor, organisation_id: str, kind: DocumentKind
) -> Sequence[DocumentTemplate]:
    """What an office wrote, the newest first."""
    office = await get_organisation(db, organisation_id)
    require(actor, Action.MANAGE_TEMPLATES, _scope(office))
    query = select(DocumentTemplate).where(
        DocumentTemplate.organisation_id == organisation_id, DocumentTemplate.kind == kind
    )
    return (await db.scalars(query.order_by(DocumentTemplate.version.desc()))).all()


@atomic
async def add_template(
    db: AsyncSession, clock: Clock, actor: Actor, organisation_id: str, kind: DocumentKind,
    title: str, body: str, since: str,
) -> DocumentTemplate:  # fmt: skip
    """Write a new version for an office and commit; papers issued before keep theirs.

    Raises Invalid at `title`, `body`, `since`; Conflict `template_moved` when somebody wrote one meanwhile.
    """
    office = await get_organisation(db, organisation_id)
    require(actor, Action.MANAGE_TEMPLATES, _scope(office))
    lines = read_body(body, FORMS[kind].must)
    newest = select(func.max(DocumentTemplate.version)).where(
        DocumentTemplate.organisation_id == office.id, DocumentTemplate.kind == kind
    )
    row = DocumentTemplate(
        id=new_id(), organisation_id=office.id, kind=kind, version=(await db.scalar(newest) or 0) + 1,
        since=read_since(since, clock), title=clean_subject(title, "title", "文书名称"),
        body="\n".join(lines), made_at=clock.now(), official_name=actor.name,
    )  # fmt: skip
    db.add(row)
    try:
        await db.flush()
    except IntegrityError as error:
        raise Conflict("template_moved", "别人刚刚保存了新版本，请刷新页面再看。") from error
    await add_audit(db, clock, actor, "document.template_added", "template", row.id, detail={"kind": kind})
    await db.commit()
    return row


def read_since(typed: str, clock: Clock) -> date:
    """From when a version holds: today or later, within a year. Raises Invalid at `since`."""
    now = today(clock)
    try:
        day = date.fromisoformat(typed.strip()) if typed.strip() else now
    except ValueError as error:
        raise Invalid("bad_date", "请按 2026-07-29 的样子填写日期。", "since") from error
    if not 0 <= (day - now).days <= 366:
        raise Invalid("bad_since", "生效日期应当是今天以后一年之内。", "since")
    return day


def _scope(office: Organisation) -> Scope:
    return Scope(
        region_codes=frozenset({office.region_code}),
        organisation_ids=frozenset({office.id}),
        owner_organisation_ids=frozenset({office.id}),
    )
