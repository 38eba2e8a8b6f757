"""A mediation agreement (调解协议): in writing with what the law has it say, or spoken and noted.

People's Mediation Law: a written one may be made or the parties agree by word of mouth and the mediator
notes it (Art. 28); what a written one says (Art. 29): the parties, the main facts, what is in dispute and
who answers for what, what was agreed, the way and the term of performance; a written one takes effect
when the parties have signed, a spoken one on the day of agreement (Art. 29 and 30); parties may ask the
court together, within 30 days of that, to confirm it (Art. 33). The days are data (agreement.json).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

from sqlalchemy import JSON, Date, ForeignKey, LargeBinary, String, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.append_only import append_only
from cases.clock import Clock, chinese_date
from cases.database import ID_LENGTH, Base, atomic
from cases.documents.issuing import Render
from cases.documents.letter import Letter
from cases.documents.template import Template
from cases.errors import Conflict, Invalid, NotFound
from cases.fields import clean_text
from cases.handling.clocks import today
from cases.mediation.matter import SIDE_NAMES, TRANSITIONS, Mediation, MediationStep, scope_of_mediation
from cases.mediation.mediating import apply_step, load_mediation
from cases.policy import Action, Actor, require

FILE = Path(__file__).with_name("agreement.json")
TEXT_LIMIT = 2000
LABELS: Mapping[str, str] = MappingProxyType(
    {
        "facts": "纠纷的主要事实",
        "dispute": "争议事项和各方的责任",
        "content": "协议内容",
        "performance": "履行的方式",
    }
)
_TOLD: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
CONFIRMATION_DAYS: int = _TOLD["confirmation_days"]
TEMPLATES: Sequence[Template] = tuple(
    Template(each["title"], tuple(each["body"]), each["version"], date.fromisoformat(each["since"]))
    for each in _TOLD["versions"]
)


@append_only
class MediationAgreement(Base):
    """What was agreed. `content_pdf`: the paper to be signed, none of a spoken one."""

    __tablename__ = "mediation_agreements"

    mediation_id: Mapped[str] = mapped_column(
        String(ID_LENGTH), ForeignKey("mediations.id"), primary_key=True
    )
    spoken: Mapped[bool]
    told: Mapped[dict[str, Any]] = mapped_column(JSON)
    due_on: Mapped[date] = mapped_column(Date)
    effective_on: Mapped[date] = mapped_column(Date, index=True)
    template_version: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    content_pdf: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    at: Mapped[datetime]
    by: Mapped[str] = mapped_column(String(256))

    @property
    def confirm_until(self) -> date:
        """The last day on which both may ask the court to confirm it."""
        return self.effective_on + timedelta(days=CONFIRMATION_DAYS)


@atomic
async def conclude_agreement(
    db: AsyncSession, clock: Clock, actor: Actor, mediation_id: str, given: Mapping[str, str], render: Render
) -> MediationAgreement:
    """Note the agreement and commit; a written one is drawn.

    `given`: facts, dispute, content, performance, due_on, effective_on, spoken ("yes").
    Raises NotFound, Forbidden, Invalid at the field, Conflict `bad_transition`, `mediation_moved`.
    """
    mediation = await load_mediation(db, mediation_id)
    require(actor, Action.CONDUCT_MEDIATION, scope_of_mediation(mediation))
    TRANSITIONS.after(mediation.state, MediationStep.AGREE)
    if mediation.mediator is None:
        raise Conflict("no_mediator", "还没有调解员，不能达成协议。")
    spoken = given.get("spoken") == "yes"
    told = {name: _text(given, name, spoken) for name in LABELS}
    effective_on = _day(given, "effective_on")
    if effective_on > today(clock):
        raise Invalid("date_in_future", "日期不能晚于今天。", "effective_on")
    due_on = _day(given, "due_on")
    if due_on < effective_on:
        raise Invalid("bad_date", "履行期限不能早于协议生效的日期。", "due_on")
    template = template_on(effective_on)
    letter = _letter(mediation, template, told, due_on, effective_on)
    body = None if spoken else await render(letter)
    row = MediationAgreement(
        mediation_id=mediation.id, spoken=spoken, told=told, due_on=due_on, effective_on=effective_on,
        template_version=template.version, sha256=hashlib.sha256(body).hexdigest() if body else "",
        content_pdf=body, at=clock.now(), by=actor.name,
    )  # fmt: skip
    await apply_step(
        db, clock, actor, mediation, MediationStep.AGREE, "口头协议，已记录。" if spoken else "书面协议。"
    )
    db.add(row)
    await db.commit()
    return row


def template_on(day: date) -> Template:
    """The version that was in force on a day; the first one for days before."""
    return max((each for each in TEMPLATES if each.since <= day), key=_version, default=TEMPLATES[0])


async def find_agreement(db: AsyncSession, mediation_id: str) -> MediationAgreement | None:
    """The agreement of a mediation, if there is one. The caller has asked the policy."""
    return await db.get(MediationAgreement, mediation_id)


async def read_agreement(db: AsyncSession, actor: Actor, mediation_id: str) -> bytes:
    """The paper. Raises NotFound, also of a spoken one."""
    mediation = await load_mediation(db, mediation_id)
    require(actor, Action.SEE_MEDIATION, scope_of_mediation(mediation))
    return await paper_of(db, mediation_id)


async def list_own_agreements(db: AsyncSession, petition_id: str, name: str) -> Sequence[MediationAgreement]:
    """Agreements of a case to which the petitioner is a party; the caller has made sure who asks."""
    query = select(Mediation).where(Mediation.petition_id == petition_id)
    own = [
        each.id
        for each in (await db.scalars(query)).unique()
        if name in {party.name for party in each.parties}
    ]
    found = select(MediationAgreement).where(MediationAgreement.mediation_id.in_(own))
    return (await db.scalars(found.order_by(MediationAgreement.effective_on))).all()


async def read_own_agreement(db: AsyncSession, petition_id: str, name: str, mediation_id: str) -> bytes:
    """The paper for the petitioner, who is a party. Raises NotFound."""
    if mediation_id not in {each.mediation_id for each in await list_own_agreements(db, petition_id, name)}:
        raise NotFound("agreement_not_found", "没有找到这份调解协议书。")
    return await paper_of(db, mediation_id)


async def paper_of(db: AsyncSession, mediation_id: str) -> bytes:
    """The paper of one whose reader the caller has made sure of. Raises NotFound, also of a spoken one."""
    query = select(MediationAgreement.content_pdf).where(MediationAgreement.mediation_id == mediation_id)
    body = await db.scalar(query)
    if body is None:
        raise NotFound("agreement_not_found", "没有找到这份调解协议书。")
    return bytes(body)


def _letter(
    mediation: Mediation, template: Template, told: Mapping[str, str], due_on: date, effective_on: date
) -> Letter:
    mediator = mediation.mediator
    parties = "\n".join(
        f"{SIDE_NAMES[each.side]}：{each.name}" + (f"，住址：{each.address}" if each.address else "") + "。"
        for each in mediation.parties
    )
    values = dict(told) | {
        "parties": parties,
        "mediator": f"{mediator.name}（{mediator.employer}）" if mediator else "",
        "due_on": chinese_date(due_on),
        "signatures": "、".join(each.name for each in mediation.parties),
    }
    return Letter(
        mediation.organisation.name, template.title, f"调解编号：{mediation.number}", "",
        template.fill(values), chinese_date(effective_on),
    )  # fmt: skip


def _text(given: Mapping[str, str], name: str, spoken: bool) -> str:
    text = clean_text(given.get(name, ""), name, LABELS[name], TEXT_LIMIT)
    # Of a spoken one the law has the mediator note what was agreed (Art. 28).
    if not text and not (spoken and name in ("dispute", "performance")):
        raise Invalid("required", f"请填写{LABELS[name]}。", name)
    return text


def _day(given: Mapping[str, str], field: str) -> date:
    try:
        return date.fromisoformat(given.get(field, "").strip()[:10])
    except ValueError:
        raise Invalid("bad_date", "请填写日期，例如 2026-11-25", field) from None


def _version(template: Template) -> int:
    return template.version
