"""Lanes of the replay: what was stored is on the film's time, in pictures, in words, and within bounds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from recordings.evidence.clock_jumps import ClockJumps
from signaling.quality_history import grade_minutes
from signaling.quality_minutes import MeasuredMinute
from signaling.speeches import Speeches
from web.replay.happenings import chapters_of, gaps_in
from web.replay.lanes import COLUMNS, MOST_ROWS, build_lanes

START = datetime(2026, 7, 22, 1, 30, tzinfo=UTC)
GOOD = [0, 40, 6, 900, 640, 360, 15]
LOSSY = [120, 85, 14, 412, 640, 360, 15]
SLOW = [10, 300, 14, 412, 640, 360, 15]
NOTHING = [-1, -1, -1, 0, -1, -1, -1]
ANNA = {"participant_id": "anna", "name": "马秀英", "role": "petitioner", "tier": None, "organisation": None}
BO = {"participant_id": "bo", "name": "王芳", "role": "host", "tier": "district", "organisation": "城关区"}


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def minutes(who: str, rows: list[tuple[str, str, int, list[int]]]) -> list[MeasuredMinute]:
    """Stored minutes from (origin, direction, second, row)."""
    found: dict[int, MeasuredMinute] = {}
    for origin, way, second, row in rows:
        kept = found.setdefault(second // 60, MeasuredMinute(who, at(second // 60 * 60), "udp", {}))
        kept.rows.setdefault(origin, {}).setdefault(way, []).append([second % 60, *row])
    return list(found.values())


def steady(way: str, begin: int, end: int, row: list[int], origin: str = "worker") -> list[Any]:
    return [(origin, way, second, row) for second in range(begin, end)]


def event(
    kind: str, seconds: float, data: dict[str, Any] | None = None, who: str | None = None, id: str = ""
) -> Any:
    stored = SimpleNamespace(id=id, data=data or {}, participant_id=who)
    return SimpleNamespace(kind=kind, seconds=max(0.0, seconds), at=at(seconds), event=stored)


def noted(*spans: tuple[str, float, float]) -> Any:
    data = [[who, round(at(start).timestamp() * 1000), round(length * 1000)] for who, start, length in spans]
    return event("speech.noted", 60, {"spans": data})


def plan(length: float, *events: Any) -> Any:
    return SimpleNamespace(
        recording=SimpleNamespace(started_at=START), duration=length, events=events, jumps=ClockJumps(())
    )


def test_stored_minutes_are_graded_as_officials_saw_them() -> None:
    stored = minutes(
        "anna", [*steady("up", 0, 20, GOOD), *steady("up", 20, 40, LOSSY), *steady("up", 40, 90, GOOD)]
    )
    (found,) = grade_minutes(stored).values()
    assert [span.level for span in found] == ["good", "poor", "good"]
    # Three bad seconds make it bad, five good ones good, and nothing is left between.
    assert [(span.since, span.until) for span in found] == [
        (at(0), at(22)),
        (at(22), at(44)),
        (at(44), at(90)),
    ]
    assert found[1].up_loss == 12 and found[1].down == "good"


def test_where_nobody_measured_nothing_is_said() -> None:
    stored = minutes(
        "anna", [*steady("up", 0, 5, GOOD), *steady("up", 9, 12, GOOD), *steady("up", 40, 42, GOOD)]
    )
    (found,) = grade_minutes(stored).values()
    assert [(span.since, span.until) for span in found] == [(at(0), at(12)), (at(40), at(42))]


def test_the_page_is_believed_about_what_it_receives() -> None:
    rows = [
        *steady("down", 0, 30, GOOD),
        *steady("down", 0, 30, LOSSY, "browser"),
        *steady("up", 0, 30, GOOD),
    ]
    (found,) = grade_minutes(minutes("anna", rows)).values()
    assert found[-1].down == "poor" and found[-1].up == "good"


def test_lanes_say_in_words_who_spoke_and_what_was_wrong() -> None:
    rows = [*steady("up", 0, 40, GOOD), *steady("up", 40, 60, LOSSY), *steady("up", 60, 100, NOTHING)]
    quality = grade_minutes(minutes("anna", rows))
    found = build_lanes(
        plan(
            100.0,
            noted(("bo", -5, 10), ("anna", 10, 50), ("gone", 70, 3)),
            noted(("anna", 60, 5), ("bo", 99, 10)),
            event("session.paused", 80),
            event("session.resumed", 90),
        ),
        [ANNA, BO],
        quality,
    )
    assert [(lane.name, lane.role) for lane in found.lanes] == [
        ("王芳", "主持人"),
        ("马秀英", "信访人"),
        ("其他参加人", ""),
    ]
    host, citizen, _ = found.lanes
    assert host.summary == "发言 2 次，共 6 秒；没有网络记录"
    assert citizen.summary == "发言 1 次，共 55 秒；网络良好 42 %，较差 20 %，中断 38 %"
    assert [(row.start, round(row.end), row.who, row.words) for row in found.rows] == [
        (0.0, 5, "王芳", "发言"),
        (10.0, 65, "马秀英", "发言"),
        (42.0, 62, "马秀英", "网络较差：上行丢包 12 %"),
        (62.0, 100, "马秀英", "网络中断：上行中断"),
        (70.0, 73, "其他参加人", "发言"),
        (80.0, 90, "全体", "接访暂停"),
        (99.0, 100, "王芳", "发言"),
    ]
    assert [(bar.x, bar.width) for bar in host.bars] == [(0, 30), (594, 6)]
    assert [bar.kind for bar in found.events] == ["pause", "event", "event"]


def test_slow_is_told_in_milliseconds() -> None:
    quality = grade_minutes(minutes("anna", steady("down", 0, 20, SLOW, "browser")))
    (lane,) = build_lanes(plan(20.0), [ANNA], quality).lanes
    assert lane.now[0][2] == "网络一般：下行延迟 300 毫秒"


def test_four_hours_of_quick_changes_stay_readable() -> None:
    """Every second another speaker, every ten seconds another level: pictures and table keep their bounds."""
    length = 4 * 3600
    people = [ANNA | {"participant_id": f"p{number}", "name": f"第{number}位"} for number in range(12)]
    spoken = [
        noted(*((f"p{second % 12}", second, 0.9) for second in range(start, start + 60)))
        for start in range(0, length, 60)
    ]
    bad = [
        row
        for start in range(0, length, 40)
        for row in steady("up", start, start + 20, LOSSY) + steady("up", start + 20, start + 40, GOOD)
    ]
    quality = grade_minutes(minutes("p0", bad))
    found = build_lanes(plan(float(length), *spoken), people, quality)
    assert len(found.lanes) == 12 and len(found.rows) <= MOST_ROWS and found.together > 0
    for lane in found.lanes:
        assert len(lane.bars) <= 2 * COLUMNS
        assert all(bar.x >= 0 and bar.width > 0 and bar.x + bar.width <= COLUMNS for bar in lane.bars)


def test_the_shortest_thing_has_a_column_and_the_worst_level_wins_it() -> None:
    rows = [*steady("up", 0, 3000, GOOD), *steady("up", 3000, 3004, LOSSY), *steady("up", 3004, 7200, GOOD)]
    (lane,) = build_lanes(plan(7200.0), [ANNA], grade_minutes(minutes("anna", rows))).lanes
    assert [bar.kind for bar in lane.bars] == ["good", "poor", "good"]


@pytest.mark.parametrize("length", [0.0, 0.4, 1.0])
def test_a_recording_of_no_length_has_lanes_too(length: float) -> None:
    found = build_lanes(plan(length, noted(("anna", 0, 0.4))), [ANNA], {})
    assert found.duration >= 1 and len(found.lanes) == 1


def test_speeches_are_read_as_they_were_written() -> None:
    speeches = Speeches()
    speeches.hear("anna", at(1))
    speeches.hear(None, at(4))
    data = speeches.take(at(60))
    (lane,) = build_lanes(plan(10.0, event("speech.noted", 60, data)), [ANNA], {}).lanes
    assert lane.now == ((1.0, 4.0, "发言"),)


def test_hands_papers_absences_and_gaps_have_their_place_and_their_words() -> None:
    events = (
        event("participant.joined", -20, who="anna"),
        event("hand.raised", 5, who="anna"),
        event("hand.lowered", 9, who="anna"),
        event("screen.shared", 10, who="bo"),
        event("hand.raised", 18, who="anna"),
        event("participant.dropped", 20, who="anna"),
        event("screen.ended", 25, who="bo"),
        event("participant.resumed", 30, who="anna"),
        event("recording.paused", 40, {"reason": "涉及隐私"}),
        event("recording.resumed", 45),
        event("session.paused", 50, {"reason": "内部商议"}),
        event("session.resumed", 60),
        event("mark.set", 70, {"text": "承诺三日内供暖"}),
        event("deliberation.began", 75, {"participants": ["bo"]}),
        event("deliberation.returning", 76),
        event("deliberation.ended", 86),
        event("participant.stepped_away", 90, who="anna"),
    )
    manifest = {
        "tracks": [
            {
                "participant_id": "anna",
                "gaps": [
                    {"cause": "no_packets", "from": "2026-07-22T01:30:20Z", "to": "2026-07-22T01:30:30Z"},
                    {"cause": "disk_full", "from": "soon", "to": None},
                ],
            }
        ]
    }
    found = build_lanes(plan(100.0, *events), [ANNA, BO], {}, gaps_in(manifest, START))
    assert [(row.start, row.end, row.who, row.words) for row in found.rows] == [
        (5, 9, "马秀英", "举手"),
        (10, 25, "王芳", "出示材料"),
        (18, 20, "马秀英", "举手"),
        (20, 30, "马秀英", "掉线"),
        (20, 30, "马秀英", "录像缺口：没有收到声音或画面"),
        (40, 45, "全体", "暂停录音录像"),
        (50, 60, "全体", "接访暂停：内部商议"),
        (75, 86, "全体", "内部合议，没有录音录像"),
        (90, 100, "马秀英", "暂时离开"),
    ]
    host, citizen = found.lanes
    assert host.summary.endswith("；出示材料 1 次")
    assert citizen.summary.endswith("；举手 2 次，离开或掉线 2 次，录像缺口 1 次")
    assert {bar.kind for bar in found.events} == {"pause", "document", "event", "mark"}
    assert {(bar.kind, bar.x, bar.width) for bar in citizen.bars} >= {("hand", 30, 24), ("gap", 120, 60)}


def test_each_page_of_a_material_has_its_own_time() -> None:
    paper = {"material_id": "a" * 32, "name": "合同.pdf", "pages": 3}
    events = (
        event("material.shown", 10, paper | {"page": 1}, who="bo"),
        event("material.turned", 30, paper | {"page": 2}, who="anna"),
        event("material.ended", 50, paper | {"page": 2, "cause": "stopped"}, who="bo"),
    )
    found = build_lanes(plan(100.0, *events), [ANNA, BO], {})
    assert [(row.start, row.end, row.who, row.words) for row in found.rows] == [
        (10, 30, "王芳", "出示材料：合同.pdf，第 1 页（共 3 页）"),
        (30, 50, "王芳", "出示材料：合同.pdf，第 2 页（共 3 页）"),
    ]
    chapters = chapters_of(plan(100.0, *events).events, START, {})
    assert [each.title for each in chapters[1:]] == ["出示材料：合同.pdf"]


def test_chapters_are_phases_marks_and_documents_with_their_words() -> None:
    events = (
        event("session.opened", -1),
        event("screen.shared", 10, who="bo"),
        event("hand.raised", 12, who="anna"),
        event("session.paused", 50, {"reason": "内部商议"}),
        event("mark.set", 70.04, {"text": "承诺三日内供暖" * 20}),
    )
    found = chapters_of(events, START, {"bo": "王芳"})
    assert [(each.start, each.title[:20]) for each in found] == [
        (0.0, "录像开始"),
        (10, "出示材料 · 王芳"),
        (50, "暂停：内部商议"),
        (70.0, "标记：" + ("承诺三日内供暖" * 3)[:17]),
    ]
    assert found[-1].title.endswith("…")
    conducted = plan(
        90.0,
        event("phase.begun", 10, {"phase": "answers", "title": "部门答复"}),
        event("host.succeeded", 20, {"from": "ab12", "to": "cd34", "to_name": "周敏", "seconds": 3.2}),
        event("layout.chosen", 30, {"layout": "grid", "spotlight": None}),
    ).events
    titles = [each.title for each in chapters_of(conducted, START, {})]
    assert titles == ["录像开始", "进入环节：部门答复", "主持人掉线，接替主持：周敏"]
    many = [event("screen.shared", second) for second in range(200)] + [event("mark.set", 300)]
    kept = chapters_of(many, START, {})
    assert [each.kind for each in kept] == ["start", "mark.set"]


def test_who_spoke_when_is_handed_to_the_player_in_whole_speeches() -> None:
    found = build_lanes(
        plan(200.0, noted(("bo", 1, 59)), noted(("bo", 60, 20), ("anna", 90, 5))), [ANNA, BO], {}
    )
    assert [lane.speeches for lane in found.lanes] == [((1.0, 80.0),), ((90.0, 95.0),)]


def test_a_mark_that_was_taken_back_is_no_chapter_and_stays_an_event() -> None:
    events = (
        event("mark.set", 10, {"mark": "promise", "text": "承诺：三日内供暖"}, "bo", "m1"),
        event("mark.set", 20, {"mark": "key", "text": "重点"}, "bo", "m2"),
        event("mark.withdrawn", 30, {"mark_id": "m2", "text": "重点"}, "bo"),
    )
    titles = [chapter.title for chapter in chapters_of(events, START, {})]
    assert titles == ["录像开始", "标记：承诺：三日内供暖"]
    bars = build_lanes(plan(100.0, *events), [BO], {}).events
    assert [(bar.kind, bar.x // 6) for bar in bars] == [("event", 20), ("event", 30), ("mark", 10)]
