"""Talks, circulars, the joint conference and listed supervision; and the year in figures."""

from __future__ import annotations

import pytest

from cases.errors import Conflict, Forbidden, Invalid, NotFound
from cases.supervision.board import list_listed
from cases.supervision.measures import MeasureKind, NewMeasure, SupervisionMeasure, end_measure, take_measure
from cases.supervision.order import Adoption, Reason
from cases.supervision.report import UnitFigures, supervision_figures
from tests.cases.supervision.conftest import HANDLER, INSPECTOR, KEEPER, LEADER, Matter

CITY_LEADER = "city.leader"


async def measure(matter: Matter, who: str, kind: str = "listed", **more: str) -> SupervisionMeasure:
    told = {
        "kind": kind,
        "unit_id": matter.world.housing.id,
        "due_on": "2026-09-30",
        "words": "长期没有解决。",
    }
    command = NewMeasure(**(told | more))
    return await take_measure(matter.db, matter.clock, matter.actor(who), matter.id, command)


async def test_a_case_is_listed_until_somebody_says_how_it_ended(matter: Matter) -> None:
    row = await measure(matter, CITY_LEADER)
    assert row.runs and row.issuer_id == matter.world.city.id
    with pytest.raises(Conflict, match="measure_runs"):
        await measure(matter, LEADER)
    talk = await measure(matter, LEADER, "talk", due_on="")
    assert not talk.runs and talk.due_on is None
    for who, count in ((HANDLER, 1), (CITY_LEADER, 1), ("xigu.leader", 0)):
        assert len(await list_listed(matter.db, matter.actor(who))) == count
    with pytest.raises(Forbidden):
        await end_measure(matter.db, matter.clock, matter.actor(LEADER), row.id, "化解了。")
    with pytest.raises(Invalid, match="words_required"):
        await end_measure(matter.db, matter.clock, matter.actor(CITY_LEADER), row.id, "")
    ended = await end_measure(matter.db, matter.clock, matter.actor(CITY_LEADER), row.id, "化解了。")
    assert not ended.runs and ended.ended_words == "化解了。"
    with pytest.raises(Conflict, match="measure_over"):
        await end_measure(matter.db, matter.clock, matter.actor(CITY_LEADER), row.id, "化解了。")
    assert await list_listed(matter.db, matter.actor(LEADER)) == []
    assert [each.id for each in await list_listed(matter.db, matter.actor(LEADER), over=True)] == [row.id]
    assert (await matter.history())[-3:] == ["supervision.measure"] * 2 + ["supervision.ended"]


async def test_who_may_not_and_what_is_typed_wrongly(matter: Matter) -> None:
    for who in (INSPECTOR, KEEPER, HANDLER):
        with pytest.raises(Forbidden):
            await measure(matter, who)
    with pytest.raises(NotFound):
        await measure(matter, "xigu.leader")
    for wrong, field in (
        ({"kind": "shame"}, "kind"),
        ({"due_on": "soon"}, "due_on"),
        ({"words": ""}, "words"),
    ):
        with pytest.raises(Invalid) as refused:
            await measure(matter, LEADER, **wrong)
        assert refused.value.field == field
    with pytest.raises(NotFound):
        await end_measure(matter.db, matter.clock, matter.actor(LEADER), "no-such", "化解了。")


async def test_the_year_in_figures(matter: Matter) -> None:
    in_time = await matter.issue(due_on="2026-07-30")
    late = await matter.issue(due_on="2026-07-24", reason="evaded")
    await matter.issue(due_on="2026-07-23", reason="evaded")
    wrong = await matter.issue(INSPECTOR)
    await measure(matter, LEADER, "circular")
    await matter.take(INSPECTOR, wrong, "withdraw")
    matter.clock.advance(days=5)
    await matter.take(HANDLER, in_time, "report")
    await matter.take(HANDLER, late, "report", adoption="not_adopted")
    await matter.take(LEADER, in_time, "close")
    found = await supervision_figures(matter.db, matter.clock, matter.actor(LEADER))
    assert (found.year, found.orders, found.withdrawn, found.closed) == (2026, 4, 1, 1)
    assert found.reasons == {Reason.OVERDUE: 1, Reason.EVADED: 2}
    assert found.adoptions == {Adoption.ADOPTED: 1, Adoption.NOT_ADOPTED: 1}
    assert found.measures == {MeasureKind.CIRCULAR: 1}
    assert found.units == (UnitFigures("城关区住建局", 3, 1, 1, 1),)
    for who, year in (("xigu.leader", "2026"), (LEADER, "2025")):
        assert (await supervision_figures(matter.db, matter.clock, matter.actor(who), year)).orders == 0
    for bad in ("1970", "9999", "2027", "二〇二六", "-1"):
        with pytest.raises(Invalid, match="bad_year"):
            await supervision_figures(matter.db, matter.clock, matter.actor(LEADER), bad)
