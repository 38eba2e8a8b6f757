"""The check of a citizen's devices: what the person saw and heard, what the line carries, what follows.

Rows are only ever added; the newest of an invitation counts. Kept are a kind of device in words, answers
and figures of the line: no names or numbers of devices, nothing a device could be recognised by.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import ForeignKey, String, UniqueConstraint, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.append_only import append_only
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, new_id
from cases.errors import Conflict, Invalid
from cases.policy import Action, Actor, Scope, require
from cases.roles import InvitationRole
from scheduling.arrival.identity import own_invitation
from scheduling.arrival.line_score import LINE_WORDS, LineFigures, LineScore
from scheduling.incidents.incident import Cause
from scheduling.incidents.incidents import Occurrence, add_incident, drop_incident
from scheduling.invitation import Invitation
from scheduling.reach import load_session
from scheduling.session_events import add_event

# A check on the way in asks nothing of the line: it takes over one that was measured shortly before.
LINE_HOLDS = timedelta(hours=2)
MAX_PER_INVITATION = 50  # Further checks are told to the person and not kept.


class Answer(StrEnum):
    """What the person said of one item."""

    GOOD = "good"
    BAD = "bad"
    NONE = "none"  # Could not be tried.


class Occasion(StrEnum):
    """When it was checked."""

    BEFORE = "before"  # On its own page, days or minutes before.
    ENTRANCE = "entrance"  # On the way into the waiting room.


class DeviceVerdict(StrEnum):
    """What the devices and the line are enough for."""

    OK = "ok"
    SOUND_ONLY = "sound_only"
    BLOCKED = "blocked"


class DeviceTrouble(StrEnum):
    """Why a browser gave no camera or microphone; the names of web/static/js/media/causes.js."""

    NOT_ALLOWED = "not_allowed"
    SYSTEM_BLOCKED = "system_blocked"
    IN_USE = "in_use"
    NOT_FOUND = "not_found"
    NO_SIGNAL = "no_signal"
    UNSUPPORTED = "unsupported"
    INSECURE = "insecure"


TROUBLE_WORDS: Mapping[DeviceTrouble, str] = {
    DeviceTrouble.NOT_ALLOWED: "没有允许使用摄像头和麦克风",
    DeviceTrouble.SYSTEM_BLOCKED: "系统设置关闭了摄像头或麦克风",
    DeviceTrouble.IN_USE: "摄像头或麦克风被别的应用占用",
    DeviceTrouble.NOT_FOUND: "没有找到摄像头或麦克风",
    DeviceTrouble.NO_SIGNAL: "设备没有声音或画面",
    DeviceTrouble.UNSUPPORTED: "这个应用里不能视频",
    DeviceTrouble.INSECURE: "不是安全连接，浏览器不给用摄像头",
}


@dataclass(frozen=True, slots=True)
class Checked:
    """What came out of one check. `device` is the kind in words, such as `手机·微信`."""

    picture: Answer
    voice: Answer
    sound: Answer
    trouble: DeviceTrouble | None = None
    line: LineScore = LineScore.UNMEASURED
    figures: LineFigures = LineFigures()
    device: str = ""

    @property
    def verdict(self) -> DeviceVerdict:
        """Without hearing each other there is no talk; without a picture there is."""
        if self.voice != Answer.GOOD or self.sound != Answer.GOOD or self.line is LineScore.POOR:
            return DeviceVerdict.BLOCKED
        if self.picture is not Answer.GOOD or self.line is LineScore.SOUND:
            return DeviceVerdict.SOUND_ONLY
        return DeviceVerdict.OK


@append_only
class DeviceCheck(Base):
    """One check that was finished. Figures are null where nothing was measured (`line_score.py`)."""

    __tablename__ = "device_checks"
    __table_args__ = (UniqueConstraint("invitation_id", "number"),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    invitation_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("invitations.id"))
    session_id: Mapped[str] = mapped_column(String(ID_LENGTH), ForeignKey("sessions.id"), index=True)
    number: Mapped[int]
    at: Mapped[datetime]
    occasion: Mapped[Occasion]
    device: Mapped[str] = mapped_column(String(32))
    picture: Mapped[Answer]
    voice: Mapped[Answer]
    sound: Mapped[Answer]
    trouble: Mapped[DeviceTrouble | None]
    line: Mapped[LineScore]
    path: Mapped[str] = mapped_column(String(8))
    round_trip: Mapped[int | None]
    loss_up: Mapped[int | None]
    loss_down: Mapped[int | None]
    kbps_up: Mapped[int | None]
    kbps_down: Mapped[int | None]
    verdict: Mapped[DeviceVerdict]


async def keep_device_check(
    db: AsyncSession, clock: Clock, actor: Actor, occasion: Occasion, checked: Checked
) -> DeviceCheck:
    """Add the holder's own check and commit; the verdict is an event of the session.

    Raises Forbidden, Conflict `too_many_checks`.
    """
    require(actor, Action.JOIN, Scope(session_id=actor.session_id))
    invitation = await own_invitation(db, actor)
    row = await add_device_check(db, clock, invitation, occasion, checked)
    await db.commit()
    return row


async def add_device_check(
    db: AsyncSession, clock: Clock, invitation: Invitation, occasion: Occasion, checked: Checked
) -> DeviceCheck:
    """The same inside the caller's transaction."""
    await load_session(db, invitation.session_id, lock=True)  # Checks take turns: numbers have no doubles.
    if occasion is Occasion.ENTRANCE:
        checked = await _with_line(db, clock, invitation, checked)
    mine = select(func.count()).where(DeviceCheck.invitation_id == invitation.id)
    number = (await db.scalar(mine) or 0) + 1
    if number > MAX_PER_INVITATION:
        raise Conflict("too_many_checks", "检测的次数太多了，结果工作人员都看到了。请打电话联系。")
    figures = checked.figures
    row = DeviceCheck(
        id=new_id(), invitation_id=invitation.id, session_id=invitation.session_id, number=number,
        at=clock.now(), occasion=occasion, device=checked.device[:32], picture=checked.picture,
        voice=checked.voice, sound=checked.sound, trouble=checked.trouble, line=checked.line,
        path=figures.path, round_trip=figures.round_trip, loss_up=figures.loss_up,
        loss_down=figures.loss_down, kbps_up=figures.kbps_up, kbps_down=figures.kbps_down,
        verdict=checked.verdict,
    )  # fmt: skip
    db.add(row)
    data = {"invitation_id": invitation.id, "occasion": str(occasion), "verdict": str(checked.verdict)}
    await add_event(db, clock, invitation.session_id, "device.checked", invitation.display_name, data=data)
    await _tell_desk(db, clock, invitation, checked)
    return row


async def _with_line(db: AsyncSession, clock: Clock, invitation: Invitation, checked: Checked) -> Checked:
    since = clock.now() - LINE_HOLDS
    measured = [row for row in await list_checks(db, invitation.id) if row.line is not LineScore.UNMEASURED]
    if not measured or measured[0].at < since:
        return checked
    row = measured[0]
    figures = LineFigures(row.round_trip, row.loss_up, row.loss_down, row.kbps_up, row.kbps_down, row.path)
    return replace(checked, line=row.line, figures=figures, device=row.device)


async def _tell_desk(db: AsyncSession, clock: Clock, invitation: Invitation, checked: Checked) -> None:
    """Blocked devices are a human task until a later check is better."""
    where, cause, whom = invitation.session_id, Cause.DEVICE_BLOCKED, invitation.id
    if checked.verdict is DeviceVerdict.BLOCKED:
        words = "；".join(reasons_of(checked))
        await add_incident(db, clock, Occurrence(where, cause, whom, invitation.display_name, words))
    else:
        await drop_incident(db, clock, where, cause, whom, "重新检测，可以通话了")


def reasons_of(checked: Checked | DeviceCheck) -> list[str]:
    """Why it is not all well, in words for officials; empty when it is."""
    items = (
        (checked.picture, "看不到画面"),
        (checked.voice, "麦克风没有声音"),
        (checked.sound, "听不到声音"),
    )
    found = [TROUBLE_WORDS[checked.trouble]] if checked.trouble else []
    found += [words for answer, words in items if answer is Answer.BAD]
    if checked.line in (LineScore.SOUND, LineScore.POOR):
        found.append(f"网络{LINE_WORDS[checked.line]}")
    return found or (["没有试成"] if checked.verdict is DeviceVerdict.BLOCKED else [])


def read_answers(typed: Mapping[str, object]) -> Checked:
    """The person's answers as a page sends them: {picture, voice, sound, trouble}. Raises Invalid."""
    try:
        picture, voice, sound = (Answer(str(typed.get(item))) for item in ("picture", "voice", "sound"))
        cause = typed.get("trouble")
        trouble = DeviceTrouble(str(cause)) if cause else None
    except ValueError as error:
        raise Invalid("bad_device_check", "设备检测的结果格式不对，请重新检测。", "result") from error
    return Checked(picture, voice, sound, trouble)


async def newest_checks(db: AsyncSession, session_ids: Collection[str]) -> dict[str, DeviceCheck]:
    """The newest check of each invitation, by invitation id. The caller has asked the policy."""
    rows = select(DeviceCheck).where(DeviceCheck.session_id.in_(session_ids))
    found = await db.scalars(rows.order_by(DeviceCheck.number))
    return {row.invitation_id: row for row in found}


async def list_checks(db: AsyncSession, invitation_id: str) -> list[DeviceCheck]:
    """All checks of an invitation, newest first. The caller has asked the policy."""
    rows = select(DeviceCheck).where(DeviceCheck.invitation_id == invitation_id)
    return list(await db.scalars(rows.order_by(DeviceCheck.number.desc())))


PETITIONING = (InvitationRole.PETITIONER, InvitationRole.PROXY, InvitationRole.PARTY)
# What the desk should look at first.
_URGENCY = (DeviceVerdict.BLOCKED, None, DeviceVerdict.SOUND_ONLY, DeviceVerdict.OK)


async def verdicts_of_sessions(
    db: AsyncSession, session_ids: Collection[str]
) -> dict[str, DeviceVerdict | None]:
    """For each session with petitioners the verdict to look at first; None is not checked yet.

    The caller has asked the policy.
    """
    query = select(Invitation.id, Invitation.session_id).where(
        Invitation.session_id.in_(session_ids),
        Invitation.role.in_(PETITIONING),
        Invitation.revoked_at.is_(None),
    )
    newest = await newest_checks(db, session_ids)
    found: dict[str, DeviceVerdict | None] = {}
    for invitation_id, session_id in await db.execute(query):
        row = newest.get(invitation_id)
        verdict = row.verdict if row else None
        best = found.get(session_id, DeviceVerdict.OK)
        found[session_id] = min(verdict, best, key=_URGENCY.index)
    return found
