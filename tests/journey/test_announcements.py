"""What the journey calls an event told twice."""

from __future__ import annotations

from tests.journey.measures import JUST_READ, ONE_EVENT, Told, doubled


def test_messages_of_one_event_are_found() -> None:
    told = [Told(0, "polite", "正在录音录像"), Told(ONE_EVENT - 1, "assertive", "轮到您了")]
    assert len(doubled(told)) == 1 and "轮到您了" in doubled(told)[0]
    assert doubled([told[0], Told(ONE_EVENT, "assertive", "轮到您了")]) == []
    # The console and the minutes beside it are two windows.
    assert doubled([told[0], Told(1, "polite", "正在录音录像", page=2)]) == []


def test_a_heading_that_is_read_is_not_told() -> None:
    heading = Told(0, "focus", "下一位就是您")
    assert doubled([heading, Told(JUST_READ - 1, "polite", "下一位就是您")]) != []
    assert doubled([heading, Told(JUST_READ, "polite", "下一位就是您")]) == []
    assert doubled([heading, Told(10, "polite", "设备正常，可以接访")]) == []
    # What is urgent cuts the reading short.
    assert doubled([heading, Told(10, "assertive", "下一位就是您")]) == []


def test_a_region_beside_the_announcers_is_found() -> None:
    assert doubled([Told(0, "role", "正在保存…")]) != []
