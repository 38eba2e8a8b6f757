"""What the printed minutes say, as PDF and as Word: paragraphs, objections, signatures, digest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from cases.clock import BEIJING, chinese_date
from recordings.evidence.signed_minutes import Checked
from scheduling.minutes.objection import OUTCOME_NAMES
from scheduling.minutes.paragraph import MinutesParagraph, ParagraphKind
from scheduling.minutes.reading import Reading
from scheduling.minutes.record import MINUTES_STATE_NAMES
from scheduling.minutes.signature import ACT_NAMES, Signer
from scheduling.minutes.text import is_empty
from scheduling.session import Session
from web.language import in_chinese

PREFIX = {ParagraphKind.QUESTION: "问", ParagraphKind.ANSWER: "答"}


@dataclass(frozen=True)
class Line:
    """One paragraph: `lead` is who speaks, `moment` the time of day it was said, "" outside the sitting.

    `film` is the address of the replay at that moment, "" where there is none for the reader.
    """

    number: int
    heading: bool
    lead: str
    text: str
    moment: str
    film: str = ""


@dataclass(frozen=True)
class Signed:
    """One signer: `picture` is a PNG of the handwriting."""

    who: str
    what: str
    picture: bytes | None


@dataclass(frozen=True)
class Printed:
    """Everything in words; nothing of it is looked up later."""

    title: str
    state: str
    lines: tuple[Line, ...]
    objections: tuple[str, ...]
    signed: tuple[Signed, ...]
    digest: str
    verdict: str
    session_id: str


@in_chinese()
def printed(
    session: Session,
    reading: Reading,
    signers: Sequence[Signer],
    checked: Checked,
    films: Mapping[str, str] = MappingProxyType({}),
) -> Printed:
    """Put the minutes into the words of a page; `films` holds addresses of the replay by paragraph id."""
    minutes = reading.sheet.minutes
    numbers = {each.id: number for number, each in enumerate(reading.sheet.public, 1)}
    lines = []
    for each in reading.sheet.public:
        if is_empty(each.text):
            continue
        moment = each.said_at.astimezone(BEIJING).strftime("%H:%M:%S") if each.said_at else ""
        heading = each.kind is ParagraphKind.HEADING
        lines.append(
            Line(numbers[each.id], heading, lead_of(each), each.text, moment, films.get(each.id, ""))
        )
    objections = []
    for number, one in enumerate(reading.objected, 1):
        where = numbers.get(one.objection.paragraph_id or "")
        place = f"对第 {where} 段" if where else "对全文"
        answer = "尚未答复"
        if one.answer:
            answer = OUTCOME_NAMES[one.answer.outcome] + (f"：{one.answer.words}" if one.answer.words else "")
        objections.append(f"{number}. {one.objection.name}{place}：{one.objection.words}　答复：{answer}")
    return Printed(
        title=f"{session.title} 接访笔录", state=MINUTES_STATE_NAMES[minutes.state], lines=tuple(lines),
        objections=tuple(objections), signed=tuple(_signed(each) for each in signers if each.signature),
        digest=reading.digest, verdict=checked.words, session_id=session.id,
    )  # fmt: skip


def lead_of(paragraph: MinutesParagraph) -> str:
    """`答（王秀英）`, or nothing."""
    speaker = f"（{paragraph.speaker_name}）" if paragraph.speaker_name else ""
    return PREFIX.get(paragraph.kind, "") + speaker


def _signed(signer: Signer) -> Signed:
    signature = signer.signature
    assert signature is not None
    at = signature.at.astimezone(BEIJING)
    what = f"{ACT_NAMES[signature.act]}　{chinese_date(at)} {at:%H:%M:%S}"
    if signature.reason:
        what += f"　{signature.reason}"
    if signature.noted_by:
        what += f"　登记人：{signature.noted_by}"
    return Signed(f"{signer.role_name}　{signature.name}", what, signature.picture)
