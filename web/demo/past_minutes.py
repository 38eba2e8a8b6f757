"""Minutes of a sitting that is over, written, read back and signed as those at the table would have done."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import BEIJING, chinese_date
from cases.database import new_id
from cases.policy import Actor
from scheduling.invitation import Invitation
from scheduling.minutes.editing import EditParagraph, InsertParagraph, change_minutes
from scheduling.minutes.paragraph import MinutesParagraph, ParagraphKind
from scheduling.minutes.reading import read_back
from scheduling.minutes.record import MinutesState, begin_minutes, move_minutes
from scheduling.minutes.signature import SignatureAct, note_signer, refuse_minutes, sign_minutes
from scheduling.session import Session
from web.demo.past_matters import PastReception
from web.demo.then import Turns

QUESTIONS = "问答"
INFORMED = (
    "已告知参加人员的姓名、单位和职务，信访人的权利义务和接访纪律，并告知可以申请回避"
    "（演示数据，本场没有录音录像）。信访人表示：清楚了，不申请回避。"
)
PAD = 480, 220  # A pad's width and height.


@dataclass(frozen=True)
class Table:
    """Who sat there: the host, the other offices, the petitioner; when it began and ended; the turns."""

    session: Session
    host: Actor
    others: Sequence[Actor]
    citizen: Actor
    host_seat: Invitation
    citizen_seat: Invitation
    opened: datetime
    closed: datetime
    turns: Turns


async def write_minutes(db: AsyncSession, table: Table, past: PastReception) -> str:
    """From the template to the last word; returns the paragraph in which it was decided."""
    session_id, host = table.session.id, table.host
    sheet = await begin_minutes(
        db, await table.turns.at(table.opened + timedelta(minutes=1)), host, session_id
    )
    texts, heading, decided = _texts(table, past), "", ""
    for line in sheet.paragraphs:
        if line.kind is ParagraphKind.HEADING:
            heading = line.text
            if heading == QUESTIONS:
                await _questions(db, table, past, line)
        elif text := texts.get(heading, ""):
            at = await table.turns.at(table.closed - timedelta(minutes=4))
            change = EditParagraph(edit_id=new_id(), paragraph_id=line.id, base=line.revision, text=text)
            await change_minutes(db, at, host, session_id, change)
            decided = line.id if text == past.decided else decided
    return decided


def _texts(table: Table, past: PastReception) -> Mapping[str, str]:
    """By heading, what stands under it."""
    began, ended = (each.astimezone(BEIJING) for each in (table.opened, table.closed))
    span = f"{chinese_date(began)} {began:%H时%M分}至{ended:%H时%M分}"
    return {
        "时间": span, "告知": INFORMED, "信访人陈述": past.said, "落实情况": past.said,
        "各级和责任单位意见": "参加单位都认为情况清楚，应当尽快解决。", "一致意见和分歧": "各单位意见一致。",
        "上次接访议定的事项": past.promised, "处理意见": past.decided, "下一步": past.decided,
        "信访人意见": past.answered,
    }  # fmt: skip


async def _questions(db: AsyncSession, table: Table, past: PastReception, heading: MinutesParagraph) -> None:
    after, at = heading.id, table.opened + timedelta(minutes=4)
    for question, answer in past.asked:
        asked = question, ParagraphKind.QUESTION, table.host_seat
        told = answer, ParagraphKind.ANSWER, table.citizen_seat
        for text, kind, seat in (asked, told):
            at += timedelta(seconds=40)
            change = InsertParagraph(
                edit_id=new_id(), paragraph_id=new_id(), after_id=after, kind=kind, speaker_id=seat.id,
                text=text,
            )  # fmt: skip
            await change_minutes(db, await table.turns.at(at), table.host, table.session.id, change)
            after = change.paragraph_id


async def sign_all(db: AsyncSession, table: Table, past: PastReception) -> None:
    """Read back, signed by one after another, final with the host."""
    session_id, host = table.session.id, table.host
    at = await table.turns.at(table.closed - timedelta(seconds=150))
    for state in (MinutesState.READ_BACK, MinutesState.SIGNING):
        await move_minutes(db, at, host, session_id, state)
    digest = (await read_back(db, host, session_id)).digest
    if past.signed is SignatureAct.SIGNED:
        await sign_minutes(db, at, table.citizen, session_id, digest, handwriting(past.name))
    elif past.signed is SignatureAct.REFUSED:
        await refuse_minutes(db, at, table.citizen, session_id, digest, past.reason)
    else:
        seat = table.citizen_seat.id
        await note_signer(db, at, host, session_id, digest, seat, past.signed, past.reason)
    for official in (*table.others, host):
        at = await table.turns.at(at.moment + timedelta(seconds=25))
        await sign_minutes(db, at, official, session_id, digest, handwriting(official.name))


def handwriting(name: str) -> str:
    """Strokes that look like so many characters, the same ones for the same name; nobody's hand."""
    dice, width = random.Random(name), PAD[0] // (len(name) + 1)
    strokes, time = [], 0
    for place in range(len(name)):
        left, top = width // 2 + place * width, 50
        for _ in range(5):
            x, y = left + dice.randrange(width // 3), top + dice.randrange(70)
            across, down = dice.choice(((70, 6), (8, 80), (-50, 70), (45, 60)))
            points = []
            for step in range(8):
                time += 12
                bend = dice.randrange(-2, 3)
                points.append((
                    max(0, min(PAD[0], x + across * step // 8 + bend)),
                    max(0, min(PAD[1], y + down * step // 8 + bend)), time,
                ))  # fmt: skip
            strokes.append(points)
            time += 90
    return json.dumps({"width": PAD[0], "height": PAD[1], "strokes": strokes})
