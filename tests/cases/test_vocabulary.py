"""One vocabulary: every state of every table has its words, and no module keeps a second copy of them."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import get_args

import pytest

from cases.campaigns.campaign import CampaignKind, CampaignStepKind, FourDuty, MatterState, Rank
from cases.casefile import PetitionState
from cases.deadlines.deadline import Standing
from cases.deadlines.reminders import Audience
from cases.handling.procedure import Conclusion, Ground, Result, Service, Step, Way
from cases.intake.import_job import Fate, ImportState
from cases.intake.matter import PartyKind, ReplyBy
from cases.intake.thread import ThreadState
from cases.intake.webhook import WebhookState
from cases.mediation.matter import ConsentWay, MediationState, MediationStep, Side
from cases.mediation.place import PlaceKind
from cases.mediation.third_party import ThirdPartyKind
from cases.organisations import Tier
from cases.roles import InvitationRole
from cases.supervision.measures import MeasureKind
from cases.supervision.order import Adoption, OrderState, OrderStep, Reason
from cases.task import TaskState
from cases.vocabulary import (
    IN_BROWSERS,
    TONES,
    VOCABULARY,
    badges,
    citizen_words,
    for_browsers,
    names,
    official_words,
)
from recordings.alarms import AlarmState
from recordings.archive.copies import ArchiveState
from recordings.recording import RecordingState
from recordings.review.finding import FindingState
from recordings.review.review import ReviewState
from scheduling.afterwards.progress import DISCLOSED
from scheduling.arrival.device_check import DeviceVerdict
from scheduling.booking.booking import BookingState
from scheduling.incidents.incident import IncidentState
from scheduling.minutes.record import MinutesState
from scheduling.notices.notice import NoticeState
from scheduling.proposals import ProposalState
from scheduling.requests.call_back import CallState
from scheduling.requests.citizen_requests import RequestState
from scheduling.rota.reception_day import DayState
from scheduling.session import SessionState
from signaling.pushes import BadgeState, QualityLevel

ROOT = Path(__file__).parents[2]
SOURCES = ("cases", "scheduling", "recordings", "signaling", "web")
# Table: the states that have words there; "overdue" and "unknown" are of the clock, no moves lead there.
STATES: dict[str, tuple[Iterable[str], frozenset[str]]] = {
    "session": (SessionState, frozenset()),
    "booking": (BookingState, frozenset()),
    "time_proposal": (ProposalState, frozenset()),
    "slot_proposal": (ProposalState, frozenset()),
    "reception_day": (DayState, frozenset()),
    "clock": (Standing, frozenset()),
    "petition": (PetitionState, frozenset()),
    "step": (Step, frozenset()),
    "way": (Way, frozenset()),
    "conclusion": (Conclusion, frozenset()),
    "result": (Result, frozenset()),
    "ground": (Ground, frozenset()),
    "service": (Service, frozenset()),
    "recording": (RecordingState, frozenset()),
    "archive": (ArchiveState, frozenset()),
    "minutes": (MinutesState, frozenset()),
    "notice": (NoticeState, frozenset()),
    "request": (RequestState, frozenset()),
    "task": (TaskState, frozenset({"overdue"})),
    "alarm": (AlarmState, frozenset()),
    "review": (ReviewState, frozenset()),
    "finding": (FindingState, frozenset()),
    "call": (CallState, frozenset()),
    "incident": (IncidentState, frozenset()),
    "device": (DeviceVerdict, frozenset({"unknown"})),
    "badge": (get_args(BadgeState), frozenset()),
    "line": (get_args(QualityLevel), frozenset()),
    "role": (InvitationRole, frozenset()),
    "tier": (Tier, frozenset()),
    "party": (PartyKind, frozenset()),
    "reply": (ReplyBy, frozenset()),
    "campaign": (CampaignKind, frozenset()),
    "rank": (Rank, frozenset()),
    "four_duty": (FourDuty, frozenset()),
    "campaign_step": (CampaignStepKind, frozenset()),
    "campaign_matter": (MatterState, frozenset({"overdue"})),
    "mediation": (MediationState, frozenset({"overdue"})),
    "mediation_step": (MediationStep, frozenset()),
    "mediation_side": (Side, frozenset()),
    "consent_way": (ConsentWay, frozenset()),
    "place_kind": (PlaceKind, frozenset()),
    "third_party_kind": (ThirdPartyKind, frozenset()),
    "thread": (ThreadState, frozenset()),
    "import": (ImportState, frozenset()),
    "fate": (Fate, frozenset()),
    "webhook": (WebhookState, frozenset()),
    "supervision": (OrderState, frozenset({"overdue"})),
    "supervision_step": (OrderStep, frozenset()),
    "supervision_reason": (Reason, frozenset()),
    "adoption": (Adoption, frozenset()),
    "measure": (MeasureKind, frozenset()),
    "audience": (Audience, frozenset()),
}
# Of these citizens read, too (experience.md 2.6).
FOR_CITIZENS = ("session", "participant", "badge", "line", "minutes", "device", "call", "request")
FIELDS = frozenset({"when", "ahead"})
MESSAGES = frozenset(
    ("answer", "code", "count", "leader", "link", "name", "number", "office", "paper", "phone", "place")
    + ("to", "unit", "was", "what", "when", "who")
)
KIND = re.compile(r'(?:append_event|add_event|add_petition_event|\.note)\([^)"]*"([a-z_]+\.[a-z_]+)"')
CHINESE = re.compile(r"[\u4e00-\u9fff]")
BLOCK = re.compile(r"\{[^{}]*\}", re.S)
PAIR = re.compile(r"""["']?([\w.:]+)["']?\]?\s*:\s*[\[({]*["']([^"'\n]*[\u4e00-\u9fff][^"'\n]*)["']""")


@pytest.mark.parametrize("table", STATES)
def test_every_state_has_its_words_and_no_word_is_left_over(table: str) -> None:
    states, more = STATES[table]
    assert set(VOCABULARY[table]) == {str(state) for state in states} | more


def test_words_are_whole() -> None:
    assert set(VOCABULARY) == set(STATES) | {"participant", "check", "gap", "fault", "event", "sms"}
    icons = set(re.findall(r'id="i-([a-z-]+)"', (ROOT / "web/templates/icons.html").read_text("utf-8")))
    for table, rows in VOCABULARY.items():
        for state, word in rows.items():
            where = f"{table}.{state}"
            assert CHINESE.search(word.official), where
            assert word.tone in TONES, where
            assert table == "badge" or word.icon in icons, where
            assert bool(word.citizen) or table not in FOR_CITIZENS, where
            told = {name for _, name, _, _ in string.Formatter().parse(word.citizen) if name}
            assert told <= (MESSAGES if table == "sms" else FIELDS), where
    assert set(DISCLOSED) <= {kind for kind, word in VOCABULARY["event"].items() if word.citizen}


def test_words_are_asked_for_by_table_and_state() -> None:
    assert citizen_words("session", "waiting", ahead=2) == "您前面还有 2 位"
    assert citizen_words("finding", "open") == official_words("finding")["open"]
    assert badges("badge")["faulty"] == ("录制异常", "warning", "bad")
    assert names("task", TaskState)[TaskState.DONE] == "已办结"
    with pytest.raises(KeyError):
        citizen_words("session", "waiting")
    shouted = for_browsers(lambda text: text + "!")
    assert set(shouted) == set(IN_BROWSERS)
    assert shouted["badge"]["active"] == {
        "official": "正在录音录像!",
        "citizen": "正在录音录像!",
        "icon": "dot",
    }


def test_every_event_that_is_written_has_words() -> None:
    written = {kind for path in sources("*.py") for kind in KIND.findall(path.read_text("utf-8"))}
    assert len(written) > 30
    assert written - set(VOCABULARY["event"]) == set()


def test_no_module_keeps_a_second_copy() -> None:
    copies = [
        f"{path.relative_to(ROOT)}: {copied}"
        for path in [*sources("*.py"), *sources("*.js"), *sources("*.html")]
        for copied in copies_in(path.read_text("utf-8"))
    ]
    assert copies == []
    assert list(copies_in('X = {S.OPEN: "办理中", S.DONE: "已办结", S.LATE: "晚了"}')) == ["task"]
    assert list(copies_in('const A = { active: { text: "正在录音录像" }, off: "未录音录像" };')) == ["badge"]


def sources(pattern: str) -> Iterator[Path]:
    for folder in SOURCES:
        yield from (path for path in (ROOT / folder).rglob(pattern) if "migrations" not in path.parts)


def copies_in(text: str) -> Iterator[str]:
    """Tables of which a collection in a source holds at least two states with the same words."""
    flat = re.sub(r":\s*\{\s*\w+:\s*(\"[^\"]*\")[^{}]*\}", r": \1", text)
    for block in BLOCK.findall(flat):
        told = dict(PAIR.findall(block)) if CHINESE.search(block) else {}
        codes = {key.rpartition(".")[2].lower(): words for key, words in told.items()}
        for table, rows in VOCABULARY.items() if told else ():
            pairs = told if table == "event" else codes
            same = [
                state
                for state, word in rows.items()
                if pairs.get(state) in (word.official, word.citizen or word.official, word.brief)
            ]
            if len(same) >= 2 and len(same) * 2 > len(pairs):
                yield table
                break
