"""Every row of the deadline table with dates worked out by hand, on the real holidays of 2025 and 2026."""

from __future__ import annotations

import json
from datetime import date

import pytest

from cases.deadlines.deadline import Interval, Standing, count
from cases.deadlines.explaining import explain
from cases.deadlines.profile import FILE, Pause, national_for, read_profiles
from cases.deadlines.workdays import read_calendar
from cases.errors import Invalid

PROFILES, CALENDAR = read_profiles(), read_calendar()
NATIONAL, FORMER = "national-2022", "national-2005"


def day(text: str) -> date:
    return date.fromisoformat(text)


# profile, duty, day of the event, raw, rolled
WORKED = [
    (NATIONAL, "register_route", "2026-03-02", "2026-03-17", "2026-03-17"),
    # 20 September 2026 is a Sunday that is worked.
    (NATIONAL, "register_route", "2026-09-05", "2026-09-20", "2026-09-20"),
    # 3 October lies in the National Day week, which ends on the 7th.
    (NATIONAL, "register_route", "2026-09-18", "2026-10-03", "2026-10-08"),
    (NATIONAL, "relay_national", "2026-06-15", "2026-06-20", "2026-06-22"),
    (NATIONAL, "relay_province", "2026-03-03", "2026-03-06", "2026-03-06"),
    (NATIONAL, "relay_city", "2026-03-04", "2026-03-07", "2026-03-09"),
    (NATIONAL, "relay_district", "2026-03-02", "2026-03-06", "2026-03-06"),
    (NATIONAL, "direct_notice", "2026-01-31", "2026-02-15", "2026-02-24"),
    (NATIONAL, "forward_notice", "2025-12-17", "2026-01-01", "2026-01-04"),
    # Working days: Friday 30 April, then 6, 7, 8 May and Saturday 9 May, which is worked.
    (NATIONAL, "forward_objection", "2026-04-29", "2026-05-09", "2026-05-09"),
    (NATIONAL, "forward_objection", "2026-03-06", "2026-03-13", "2026-03-13"),
    (NATIONAL, "handle", "2025-11-21", "2026-01-20", "2026-01-20"),
    (NATIONAL, "handle", "2023-10-01", "2023-11-30", "2023-11-30"),
    (NATIONAL, "handle", "2025-12-20", "2026-02-18", "2026-02-24"),
    (NATIONAL, "review_apply", "2026-03-31", "2026-04-30", "2026-04-30"),
    (NATIONAL, "review_decide", "2026-04-02", "2026-05-02", "2026-05-06"),
    (NATIONAL, "recheck_apply", "2026-01-31", "2026-03-02", "2026-03-02"),
    (NATIONAL, "recheck_decide", "2026-08-26", "2026-09-25", "2026-09-28"),
    # 23 February is the last day off of the Spring Festival.
    (NATIONAL, "simple_accept", "2026-02-13", "2026-02-25", "2026-02-25"),
    (NATIONAL, "simple_handle", "2025-09-26", "2025-10-16", "2025-10-16"),
    (NATIONAL, "simple_relay", "2026-10-09", "2026-10-10", "2026-10-10"),
    (NATIONAL, "urgent_report", "2026-10-03", "2026-10-03", "2026-10-03"),
    (NATIONAL, "judicial_confirm", "2026-05-21", "2026-06-20", "2026-06-22"),
    (FORMER, "register_route", "2021-03-01", "2021-03-16", "2021-03-16"),
    # 29 September 2024 is a Sunday that is worked; the 15th to the 17th are the Mid-Autumn Festival.
    (FORMER, "direct_notice", "2024-09-14", "2024-09-29", "2024-09-29"),
    (FORMER, "forward_notice", "2024-09-02", "2024-09-17", "2024-09-18"),
    (FORMER, "handle", "2024-02-01", "2024-04-01", "2024-04-01"),
    # 10 to 17 February 2024 is the Spring Festival, and Sunday the 18th is worked.
    (FORMER, "review_apply", "2024-01-11", "2024-02-10", "2024-02-18"),
    (FORMER, "review_decide", "2024-04-02", "2024-05-02", "2024-05-06"),
    # A leap year: 29 February is counted, and 2 March is a Saturday.
    (FORMER, "recheck_apply", "2024-02-01", "2024-03-02", "2024-03-04"),
    (FORMER, "recheck_decide", "2024-05-11", "2024-06-10", "2024-06-11"),
    (FORMER, "advice_feedback", "2024-09-01", "2024-10-01", "2024-10-08"),
    (FORMER, "urgent_report", "2024-10-03", "2024-10-03", "2024-10-03"),
    (FORMER, "judicial_confirm", "2024-03-07", "2024-04-06", "2024-04-07"),
    ("zhejiang", "register_route", "2026-04-29", "2026-05-09", "2026-05-09"),
    ("zhejiang", "handle", "2026-03-31", "2026-04-30", "2026-04-30"),
    ("shandong", "review_accept", "2026-06-17", "2026-06-23", "2026-06-23"),
    # Working days: 30 April, then 6 and 7 May, as 1 to 5 May are off.
    ("shandong", "recheck_accept", "2026-04-29", "2026-05-07", "2026-05-07"),
    ("shandong", "handle", "2025-11-21", "2026-01-20", "2026-01-20"),
    ("beijing", "review_decide", "2026-04-02", "2026-05-02", "2026-05-06"),
    ("beijing", "recheck_decide", "2026-08-26", "2026-09-25", "2026-09-28"),
]


@pytest.mark.parametrize(("profile", "duty", "event", "raw", "rolled"), WORKED)
def test_worked_dates(profile: str, duty: str, event: str, raw: str, rolled: str) -> None:
    found = count(PROFILES[profile], CALENDAR, duty, day(event))
    assert (found.raw, found.rolled) == (day(raw), day(rolled))


# duty, length and article of 2022, length and article of 2005; no length: set for each, or at once.
TEXTS = [
    ("register_route", 15, "第二十二条", 15, "第二十一条"),
    ("direct_notice", 15, "第二十三条第二款", 15, "第二十二条"),
    ("forward_notice", 15, "第二十三条第三款", 15, "第二十一条"),
    ("forward_objection", 5, "第二十三条第三款", None, ""),
    ("assigned_feedback", 0, "第二十二条", 0, "第二十一条"),
    ("handle", 60, "第三十四条", 60, "第三十三条"),
    ("review_apply", 30, "第三十五条", 30, "第三十四条"),
    ("review_decide", 30, "第三十五条", 30, "第三十四条"),
    ("recheck_apply", 30, "第三十六条", 30, "第三十五条"),
    ("recheck_decide", 30, "第三十六条", 30, "第三十五条"),
    ("advice_feedback", 0, "第四十条", 30, "第三十六条"),
    ("urgent_report", 0, "第二十五条", 0, "第二十六条"),
    ("annual_report", 0, "第四十一条", 0, "第三十九条"),
]


@pytest.mark.parametrize(("duty", "days", "article", "former_days", "former_article"), TEXTS)
def test_length_and_article_of_each_row_are_those_of_the_two_texts(
    duty: str, days: int, article: str, former_days: int | None, former_article: str
) -> None:
    now, before = PROFILES[NATIONAL].duties[duty], PROFILES[FORMER].duties.get(duty)
    assert (now.days, now.source) == (days, f"《信访工作条例》{article}")
    assert (before is None) == (former_days is None)
    if before is not None:
        assert (before.days, before.source) == (former_days, f"《信访条例》（2005）{former_article}")


def test_every_row_has_a_worked_date() -> None:
    """In each profile every duty that it does not have from another one."""
    told = json.loads(FILE.read_text("utf-8"))
    for code, profile in PROFILES.items():
        set_each = {name for name, duty in profile.duties.items() if duty.set_each}
        shown = {duty for name, duty, *_ in WORKED if name == code}
        assert set(told[code]["duties"]) <= shown | set_each, code
    assert set(PROFILES[NATIONAL].duties) == set(told[NATIONAL]["duties"])


@pytest.mark.parametrize(
    ("profile", "duty", "start", "length", "raw", "rolled"),
    [
        (NATIONAL, "assigned_feedback", "2026-09-11", 20, "2026-10-01", "2026-10-08"),
        (NATIONAL, "advice_feedback", "2026-03-02", 30, "2026-04-01", "2026-04-01"),
        # The report on 2025 is asked for by the end of February; the 28th is a Saturday that is worked.
        (NATIONAL, "annual_report", "2025-12-31", 59, "2026-02-28", "2026-02-28"),
        (FORMER, "assigned_feedback", "2024-04-01", 30, "2024-05-01", "2024-05-06"),
    ],
)
def test_worked_dates_of_lengths_that_are_set(
    profile: str, duty: str, start: str, length: int, raw: str, rolled: str
) -> None:
    found = count(PROFILES[profile], CALENDAR, duty, day(start), set_days=length)
    assert (found.raw, found.rolled) == (day(raw), day(rolled))
    assert count(PROFILES[profile], CALENDAR, duty, day(start)).raw is None


@pytest.mark.parametrize(
    ("profile", "duty", "start", "most", "raw", "rolled"),
    [
        (FORMER, "handle", "2024-02-01", 30, "2024-05-01", "2024-05-06"),
        ("zhejiang", "handle", "2026-07-05", 60, "2026-10-03", "2026-10-08"),
        ("shandong", "handle", "2025-11-21", 30, "2026-02-19", "2026-02-24"),
        ("beijing", "review_decide", "2026-03-02", 30, "2026-05-01", "2026-05-06"),
        ("beijing", "recheck_decide", "2026-08-07", 30, "2026-10-06", "2026-10-08"),
    ],
)
def test_worked_dates_of_the_longest_extensions(
    profile: str, duty: str, start: str, most: int, raw: str, rolled: str
) -> None:
    found = count(PROFILES[profile], CALENDAR, duty, day(start), extension=most)
    assert (found.raw, found.rolled) == (day(raw), day(rolled))
    with pytest.raises(Invalid):
        count(PROFILES[profile], CALENDAR, duty, day(start), extension=most + 1)


def test_a_length_that_is_set_for_each_matter() -> None:
    open_ended = count(PROFILES[NATIONAL], CALENDAR, "assigned_feedback", day("2026-03-02"))
    assert open_ended.raw is None and open_ended.stands(day("2027-01-01")) is Standing.RUNNING
    assert explain(open_ended) == ["交办的日子是2026年3月2日，期限逐件确定，这一件还没有定。"]
    found = count(PROFILES[NATIONAL], CALENDAR, "assigned_feedback", day("2026-03-02"), set_days=20)
    assert found.raw == day("2026-03-22") and found.rolled == day("2026-03-23")
    assert (
        explain(found)[0]
        == "2026年3月22日到期：交办的日子是2026年3月2日，加交办时确定的 20 日（《信访工作条例》第二十二条）。"
    )


def test_an_extension_is_added_to_the_sixty_days_and_has_a_limit() -> None:
    found = count(PROFILES[NATIONAL], CALENDAR, "handle", day("2025-11-21"), extension=30)
    assert found.raw == day("2026-02-19") and found.rolled == day("2026-02-24")
    assert explain(found) == [
        "2026年2月19日到期：受理的日子是2025年11月21日，加 90 日（《信访工作条例》第三十四条）。",
        "其中批准延长 30 日（《信访工作条例》第三十四条）。",
        "这一天是春节，不上班，顺延到2026年2月24日。",
    ]
    with pytest.raises(Invalid) as refused:
        count(PROFILES[NATIONAL], CALENDAR, "handle", day("2025-11-21"), extension=31)
    assert refused.value.code == "bad_extension"
    with pytest.raises(Invalid):
        count(PROFILES[NATIONAL], CALENDAR, "review_decide", day("2025-11-21"), extension=1)
    beijing = count(PROFILES["beijing"], CALENDAR, "review_decide", day("2026-03-02"), extension=30)
    assert beijing.raw == day("2026-05-01") and beijing.duty.extension_source == "《北京市信访条例》"


def test_days_of_hearings_are_not_counted_where_the_text_says_so() -> None:
    hearing = Interval(Pause.HEARING, day("2026-09-01"), day("2026-09-05"))
    found = count(PROFILES[NATIONAL], CALENDAR, "recheck_decide", day("2026-08-26"), pauses=[hearing])
    assert found.raw == day("2026-09-30") and found.paused_days == 5
    assert "2026年9月1日至2026年9月5日听证，所需时间不计算在内。" in explain(found)
    # A second one that begins only because the first one moved the end.
    later = Interval(Pause.HEARING, day("2026-09-28"), day("2026-09-28"))
    moved = count(PROFILES[NATIONAL], CALENDAR, "recheck_decide", day("2026-08-26"), pauses=[later, hearing])
    assert moved.raw == day("2026-10-01") and moved.rolled == day("2026-10-08")
    # The text has no such clause for the first review.
    first = count(PROFILES[NATIONAL], CALENDAR, "review_decide", day("2026-08-26"), pauses=[hearing])
    assert first.raw == day("2026-09-25") and first.pauses == ()


def test_a_clock_that_stands_still_has_no_date_and_is_never_overdue() -> None:
    hearing = Interval(Pause.HEARING, day("2026-09-01"), None)
    found = count(PROFILES[NATIONAL], CALENDAR, "recheck_decide", day("2026-08-26"), pauses=[hearing])
    assert found.raw is None and found.stands(day("2027-08-01")) is Standing.SUSPENDED
    assert explain(found)[-1] == "2026年9月1日开始听证，听证所需时间不计算在内。"


def test_pauses_that_cannot_be() -> None:
    for first, last in (("2026-09-05", "2026-09-01"), ("2026-08-01", "2026-09-01")):
        with pytest.raises(Invalid) as refused:
            bad = Interval(Pause.HEARING, day(first), day(last))
            count(PROFILES[NATIONAL], CALENDAR, "recheck_decide", day("2026-08-26"), pauses=[bad])
        assert refused.value.code == "bad_pause"


def test_people_are_warned_by_the_raw_date_and_late_by_the_rolled_one() -> None:
    found = count(PROFILES[NATIONAL], CALENDAR, "register_route", day("2026-09-18"))
    assert (found.raw, found.rolled) == (day("2026-10-03"), day("2026-10-08"))
    told = {
        text: found.stands(day(text)) for text in ("2026-09-27", "2026-09-28", "2026-10-08", "2026-10-09")
    }
    assert list(told.values()) == [Standing.RUNNING, Standing.NEAR, Standing.NEAR, Standing.OVERDUE]
    assert found.stands(day("2026-12-01"), met_on=day("2026-10-08")) is Standing.MET
    assert found.stands(day("2026-12-01"), met_on=day("2026-10-09")) is Standing.MET_LATE
    assert found.days_left(day("2026-10-09")) == -1
    right = count(PROFILES[NATIONAL], CALENDAR, "review_apply", day("2026-09-02"))
    assert right.rolled == day("2026-10-08")
    # Whoever closes the case notes that nobody asked: a right that lapsed is no duty done late.
    assert right.stands(day("2026-12-01"), met_on=day("2026-10-09")) is Standing.LAPSED


def test_a_year_whose_holidays_are_missing_is_told() -> None:
    found = count(PROFILES[NATIONAL], CALENDAR, "handle", day("2026-12-01"))
    assert found.raw == day("2027-01-30") and found.rolled == day("2027-02-01")
    assert found.unknown_years == (2027,)
    assert explain(found)[-1] == "2027 年的节假日安排还没有录入，只按周末计算，请核对。"


def test_a_region_has_days_off_of_its_own() -> None:
    local = CALENDAR.with_local_rest({day("2026-03-17"): "地方民族节日"})
    found = count(PROFILES[NATIONAL], local, "register_route", day("2026-03-02"))
    assert found.rolled == day("2026-03-18") and "地方民族节日" in explain(found)[-1]


def test_which_text_holds() -> None:
    assert national_for(day("2022-04-30"), PROFILES).code == FORMER
    assert national_for(day("2022-05-01"), PROFILES).code == NATIONAL
    with pytest.raises(Invalid):
        count(PROFILES[FORMER], CALENDAR, "forward_objection", day("2021-01-01"))
