"""What came in by message and by spreadsheet: threads that wait or were put away, sheets with errors.

A sheet is checked by the same rows that the service would make of it; nothing of it is left for the service
to check, which would ask for a file that lies in no store.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Coroutine, Sequence
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import Channel
from cases.clock import Clock
from cases.handling.clocks import today
from cases.intake.import_check import checked_rows, finish_check, hand_in_import, in_chinese, keep_rows
from cases.intake.import_job import Import
from cases.intake.imports import enter_some, start_import
from cases.intake.spreadsheet import open_sheet
from cases.intake.thread import MessageThread
from cases.intake.threads import Incoming, dismiss_thread, receive_message
from cases.people import Official
from cases.policy import Actor
from cases.signin import actor_for
from web.demo.people import HOST
from web.demo.then import Turns

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
# By whom, how long ago, and what was written.
WRITTEN = (
    (Channel.SMS, "13893100061", 26 * HOUR, "你们好，我家住畅家巷 18 号院，院墙外面的污水井盖坏了半个月。"),
    (Channel.SMS, "13893100061", 25 * HOUR, "昨天有个老人差点掉下去，现在用木板盖着，请你们来看看。彭桂芝"),
    (Channel.WECHAT, "wx_lanshan77", 5 * HOUR, "小区门口的公交站牌倒了，一直没有人扶起来。"),
    (Channel.SMS, "13893100062", 50 * HOUR, "低价装修，免费量房，回复 T 退订。"),
)
PUT_AWAY = "13893100062", 48 * HOUR, "广告，不是信访事项。"

TITLES = ("原编号", "姓名", "电话", "身份证号", "事项", "内容", "类别", "来源", "收到日期")
Row = tuple[str, ...]
# Days before the sheet was handed in stand for the day of a row; a text stands as it was typed.
ENTERED: tuple[Row, ...] = (
    (
        "2026-0311",
        "马淑英",
        "13893100071",
        "",
        "小区车库改成仓库",
        "车库改成了仓库，消防车进不来。",
        "",
        "来信",
        "6",
    ),
    (
        "2026-0312",
        "高建平",
        "1389310007",
        "",
        "广场音响扰民",
        "晚上九点以后还在放。",
        "申诉求决",
        "来信",
        "5",
    ),
    ("2026-0313", "", "13893100073", "", "路口没有红绿灯", "孩子上学过马路危险。", "建议意见", "来信", "5"),
    (
        "2026-0314",
        "唐秀珍",
        "13893100074",
        "",
        "医保报销没有到账",
        "住院三个月，报销还没有到账。",
        "申诉求决",
        "来访",
        "4",
    ),
    (
        "2026-0312",
        "高建平",
        "13893100072",
        "",
        "广场音响扰民",
        "晚上九点以后还在放。",
        "申诉求决",
        "来信",
        "5",
    ),
    ("2026-0315", "苗长福", "13893100075", "", "菜市场占道经营", "早上堵得走不过去。", "投诉", "来信", "4"),
    (
        "2026-0316",
        "宋玉芳",
        "13893100076",
        "620102195002301234",
        "老年卡刷不了",
        "三路车刷卡机坏了。",
        "",
        "来信",
        "3",
    ),
    ("2026-0314", "唐秀珍", "13893100074", "", "医保报销没有到账", "再问一次。", "申诉求决", "来访", "2"),
)
READY: tuple[Row, ...] = (
    ("2026-0321", "窦成林", "13893100077", "", "楼前绿地被圈占", "一楼住户圈了绿地种菜。", "", "来信", "2"),
    (
        "2026-0322",
        "冉小梅",
        "13893100078",
        "",
        "学区划分不清楚",
        "两所学校都说不归自己管。",
        "建议意见",
        "来信",
        "2026-02-30",
    ),
    (
        "2026-0323",
        "包建国",
        "13893100079",
        "",
        "自来水发黄",
        "连续一周早上放出来是黄的。",
        "申诉求决",
        "电话信访",
        "1",
    ),
)
# The sheet's name, its rows, how long ago it was handed in, and whether it was entered.
SHEETS = (
    ("十一月来信来访登记.csv", ENTERED, 27 * HOUR, True),
    ("十一月补登.csv", READY, 2 * HOUR, False),
)


async def intake_stories(db: AsyncSession, clock: Clock, turns: Turns) -> list[Coroutine[None, None, None]]:
    """Of the messages and of each sheet; where there is any of a kind everything stays as it is."""
    host = (await db.scalars(select(Official).where(Official.username == HOST.username))).unique().one()
    actor, stories = actor_for(host), list[Coroutine[None, None, None]]()
    if await db.scalar(select(MessageThread.id).limit(1)) is None:
        stories.append(_messages(db, clock.now(), turns, actor))
    if await db.scalar(select(Import.id).limit(1)) is None:
        for name, rows, ago, entered in SHEETS:
            stories.append(_sheet(db, clock.now() - ago, turns, actor, name, rows, entered))
    return stories


async def _messages(db: AsyncSession, now: datetime, turns: Turns, actor: Actor) -> None:
    for number, (channel, sender, ago, text) in enumerate(sorted(WRITTEN, key=lambda each: -each[2])):
        incoming = Incoming(channel, f"demo-{number}", sender, text, HOST.region_code)
        await receive_message(db, await turns.at(now - ago), incoming, f"demo-{number}")
        if sender == PUT_AWAY[0]:
            thread = await db.scalar(select(MessageThread.id).where(MessageThread.sender == sender))
            assert thread is not None
            await dismiss_thread(db, await turns.at(now - PUT_AWAY[1]), actor, thread, PUT_AWAY[2])


async def _sheet(
    db: AsyncSession, moment: datetime, turns: Turns, actor: Actor, name: str, rows: Sequence[Row],
    entered: bool,
) -> None:  # fmt: skip
    at = await turns.at(moment)
    day, office = today(at), actor.posts[0].organisation_id
    out = io.StringIO()
    typed = csv.writer(out)
    typed.writerow(TITLES)
    for row in rows:
        received = (day - timedelta(days=int(row[-1]))).isoformat() if row[-1].isdigit() else row[-1]
        typed.writerow((*row[:-1], received))
    content = out.getvalue().encode()

    async def keep(import_id: str, content: bytes) -> None:
        """It is checked below, at once."""

    sheet = in_chinese(open_sheet(content))
    import_id = await hand_in_import(db, at, actor, office, name, content, sheet.titles, keep)
    # No row has a right identity number, so there is none to mark.
    await keep_rows(db, import_id, checked_rows(sheet.lines, day, lambda number: ""))
    await finish_check(db, import_id)
    if entered:
        later = await turns.at(moment + 4 * MINUTE)
        await start_import(db, later, actor, import_id)
        while await enter_some(db, later):
            pass
