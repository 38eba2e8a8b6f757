"""How pages write states, moments, lengths and sizes; the words themselves are in cases/vocabulary.json."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from babel.dates import format_date

from cases.casefile import CHANNEL_NAMES, CLASS_NAMES
from cases.clock import BEIJING, chinese_date
from cases.fields import mask_name, mask_phone
from cases.organisations import TIER_NAMES
from cases.roles import INVITATION_ROLE_NAMES
from cases.vocabulary import VOCABULARY, badges, of_mediation, official_words
from web.language import ENGLISH, current_language, english_date, say

ROLES: dict[str, str] = {str(role): name for role, name in INVITATION_ROLE_NAMES.items()}
CLASSES: dict[str, str] = {str(each): name for each, name in CLASS_NAMES.items()}
CHANNELS: dict[str, str] = {str(channel): name for channel, name in CHANNEL_NAMES.items()}
TIERS: dict[str, str] = {str(tier): name for tier, name in TIER_NAMES.items()}
IMPORT_STATES, FATES = badges("import"), badges("fate")
THREAD_STATES = badges("thread")
WEBHOOK_STATES = badges("webhook")
PARTIES, REPLIES = official_words("party"), official_words("reply")
WEEKDAYS = "一二三四五六日"

# State: (words officials read, icon, tone), from the one vocabulary (cases/vocabulary.json).
ALARM_STATES = badges("alarm")
SESSION_STATES = badges("session")
BOARD_COLUMNS: tuple[tuple[str, str, frozenset[str]], ...] = (
    (
        "waiting",
        "候访",
        frozenset(
            (
                "requested",
                "approved",
                "scheduled",
                "notified",
                "checked_in",
                "waiting",
                "called",
                "rescheduled",
            )
        ),
    ),
    ("live", "进行中", frozenset(("live", "paused"))),
    ("to_sign", "待签字", frozenset(("minutes_confirming", "signed"))),
    ("done", "已完成", frozenset(("closed", "archived"))),
)
RECORDING_STATES = badges("recording")
ARCHIVE_STATES = badges("archive")
OUTCOMES = badges("check")
REVIEW_STATES = badges("review")
FINDING_STATES = badges("finding")
NOTICE_STATES = badges("notice")
REQUEST_STATES = badges("request")
BOOKING_STATES = badges("booking")
TIME_PROPOSALS = badges("time_proposal")
SLOT_PROPOSALS = badges("slot_proposal")
DAY_STATES = badges("reception_day")
# The devices of who petitions, before the slot; "None": no check yet.
DEVICE_VERDICTS = badges("device") | {"None": VOCABULARY["device"]["unknown"].badge}
PETITION_STATES = badges("petition")
CLOCK_STATES = badges("clock")
# Human tasks of a session.
INCIDENT_STATES = badges("incident")
# The recording of a live room; the drawings of browsers have other names here (templates/icons.html).
_DRAWN = {"ring": "clock", "dot": "record", "square": "tick"}
BADGE_STATES = {
    code: (word, _DRAWN.get(icon, icon), tone) for code, (word, icon, tone) in badges("badge").items()
}
LINE_TONES = {code: word.tone for code, word in VOCABULARY["line"].items()}
# Levels of a network from good to none.
QUALITY_LEVELS = official_words("line")
EVENTS = official_words("event")
GAP_CAUSES = official_words("gap")


def local(moment: datetime) -> datetime:
    return moment.astimezone(BEIJING)


def clock_time(moment: datetime | None) -> str:
    return f"{local(moment):%H:%M}" if moment else "—"


def clock_seconds(moment: datetime | None) -> str:
    return f"{local(moment):%H:%M:%S}" if moment else "—"


def clock_on(moment: datetime, beside: datetime | None) -> str:
    """`09:30:05`, and with its date where it is of another day than `beside`, whose date the page tells."""
    same = beside is not None and local(moment).date() == local(beside).date()
    return clock_seconds(moment) if same else date_time(moment)


def month_words(code: str) -> str:
    """`2026年11月` of `2026-11`; in English as it is written in addresses."""
    return f"{code[:4]}年{int(code[5:])}月" if current_language() != ENGLISH else code


def month_label(code: str) -> str:
    """`26年11月` below a bar."""
    return code[2:] if current_language() == ENGLISH else f"{code[2:4]}年{int(code[5:])}月"


def long_date(moment: datetime | None) -> str:
    """`2026年11月25日 星期三`."""
    if moment is None:
        return "—"
    day = local(moment)
    if current_language() == ENGLISH:
        return format_date(day, "EEEE d MMMM y", locale=ENGLISH)
    return f"{chinese_date(day)} 星期{WEEKDAYS[day.weekday()]}"


def plain_date(day: date) -> str:
    """`2026年11月25日`."""
    if current_language() == ENGLISH:
        return english_date(day)
    return chinese_date(day)


def day_of_year(day: date) -> str:
    """`11月25日`, where the year is told above."""
    if current_language() == ENGLISH:
        return format_date(day, "d MMM", locale=ENGLISH)
    return f"{day.month}月{day.day}日"


def short_date(day: date) -> str:
    """`11月25日 周三`."""
    if current_language() == ENGLISH:
        return format_date(day, "EEE d MMM", locale=ENGLISH)
    return f"{day.month}月{day.day}日 周{WEEKDAYS[day.weekday()]}"


def until_date(day: date) -> str:
    """`2026年7月29日（星期三）前`."""
    if current_language() == ENGLISH:
        return f"by {format_date(day, 'EEEE d MMMM y', locale=ENGLISH)}"
    return f"{plain_date(day)}（星期{WEEKDAYS[day.weekday()]}）前"


def date_time(moment: datetime | None) -> str:
    if moment is None:
        return "—"
    day = local(moment)
    if current_language() == ENGLISH:
        return f"{english_date(day)}, {day:%H:%M}"
    return f"{chinese_date(day)} {day:%H:%M}"


def day_part(moment: datetime) -> str:
    """`上午`, `中午`, `下午` or `晚上`."""
    hour = local(moment).hour
    return "上午" if hour < 12 else "中午" if hour < 13 else "下午" if hour < 18 else "晚上"


def half_clock(moment: datetime) -> str:
    """`2:30`, beneath a heading that says 下午; English tells it by twenty-four hours."""
    at = local(moment)
    return f"{at:%H:%M}" if current_language() == ENGLISH else f"{(at.hour - 1) % 12 + 1}:{at.minute:02}"


def spoken_time(moment: datetime) -> str:
    """`下午 2:30`, as people say it."""
    told = half_clock(moment)
    return told if current_language() == ENGLISH else f"{day_part(moment)} {told}"


def dated_time(moment: datetime) -> str:
    """`2026年11月25日 星期三 上午 9:30`: for messages. 明天 is wrong for who reads one a day later."""
    joint = ", " if current_language() == ENGLISH else " "
    return f"{long_date(moment)}{joint}{spoken_time(moment)}"


def half_day(moment: datetime) -> str:
    """`11月25日 周三 下午`, over times that are written by twenty-four hours."""
    day, part = short_date(local(moment)), day_part(moment)
    return f"{day}, {say(part)}" if current_language() == ENGLISH else f"{day} {part}"


def duration(seconds: float | None) -> str:
    """`1:02:03` or `2:03`; a dash when unknown."""
    if seconds is None:
        return "—"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def length_of(seconds: float) -> str:
    """`1 小时 2 分 3 秒`, without the parts that are zero; at least a second."""
    minutes, rest = divmod(max(1, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "小时"), (minutes, "分"), (rest, "秒"))
    return " ".join(f"{amount} {say(unit)}" for amount, unit in parts if amount)


def size(count: int | None) -> str:
    if count is None:
        return "—"
    amount = float(count)
    for unit in ("字节", "KB", "MB"):
        if amount < 1024:
            return f"{amount:.0f} {say(unit)}" if unit == "字节" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.2f} GB"


def event_word(kind: str, sitting: str = "") -> str:
    """What officials read of an event; `sitting`: the kind of session it happened to, if that matters."""
    words = EVENTS.get(kind, kind)
    return of_mediation(words) if sitting == "mediation" else words


def gap_cause(code: str) -> str:
    """Why a recording holds nothing there."""
    return GAP_CAUSES.get(code, "画面或声音中断" if code.startswith("track_ended") else code)


def masked_phone(phone: str | None) -> str:
    return mask_phone(phone) if phone else "—"


def masked_name(name: str) -> str:
    """`李某` for whoever needs to know that there is somebody, not who."""
    return mask_name(name)


def office_words(office: str) -> str:
    """`城关区信访局 复查复核员、…` as it was kept, with the roles in the page's language."""
    posts = [post.rpartition(" ") for post in office.split("、")]
    between = "、" if current_language() != ENGLISH else ", "
    return between.join(f"{name}{space}{say(role)}" for name, space, role in posts)


def finding_words(finding: Mapping[str, Any], place: str = "") -> str:
    """A finding of a check in the page's language; ``place`` is the office that it begins with, if any."""
    text, head = str(finding["text"]), f"{place}："
    if current_language() != ENGLISH:
        return text
    if told := finding.get("text_en"):
        return str(told)
    return f"{place}: {say(text.removeprefix(head))}" if place and text.startswith(head) else say(text)


def waited(since: datetime, now: datetime) -> str:
    """` 8 分钟`, ` 1 小时 5 分钟`, `不到 1 分钟`, to stand after a word."""
    minutes = max(0, int((now - since).total_seconds())) // 60
    if minutes < 1:
        return "不到 1 分钟"
    hours, rest = divmod(minutes, 60)
    return f" {minutes} 分钟" if not hours else f" {hours} 小时" + (f" {rest} 分钟" if rest else "")
