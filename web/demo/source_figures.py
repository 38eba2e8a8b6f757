"""Cases made so that the figures published for Lanzhou to the end of June 2021 come out again, to the digit.

33.97 days on average, everything accepted and finished in time, 88.66 % satisfied, 418 of 708 disputes
settled. People and matters are made up; each case is whole, with clocks, history and ratings, and is counted
by the same queries as any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from cases.campaigns.campaign import (
    Campaign,
    CampaignKind,
    CampaignMatter,
    CampaignStep,
    CampaignStepKind,
    MatterState,
)
from cases.casefile import (
    Channel,
    Part,
    PetitionCase,
    PetitionClass,
    PetitionCounter,
    PetitionEvent,
    PetitionOrganisation,
    PetitionState,
)
from cases.clock import BEIJING
from cases.database import Base, atomic, insert_if_absent
from cases.deadlines.deadline import count
from cases.deadlines.in_force import calendar_of, profiles
from cases.deadlines.profile import profile_for
from cases.figures.period import parse_period
from cases.handling.clocks import PetitionClock
from cases.handling.procedure import Conclusion, Way
from cases.intake.join import PetitionJoin
from cases.lanzhou import CITY_CODE, DISTRICTS, seed_lanzhou
from cases.organisations import Organisation
from cases.people import Person
from cases.petition_rating import PetitionRating, PetitionRatingChange, Rated
from web.demo import source_receptions

PERIOD = parse_period("2021-H1")
CAMPAIGN_NAME = "2021 年上半年矛盾纠纷排查化解"
CASES, HANDLING_DAYS = 1000, 33_970
RATED, SATISFIED_OFFICE, SATISFIED_UNIT = 882, 806, 782
SURVEYED, SETTLED = 708, 418
REPEATED = 100  # Cases between one and its repeat: the same office.
FIRST_NUMBER = 900_001  # Far from what a register of that year would give.
CHANNELS = (
    *(Channel.WEB, Channel.PHONE, Channel.WEB, Channel.LEADER_MAILBOX, Channel.WECHAT, Channel.VISIT),
    *(Channel.WEB, Channel.SMS, Channel.PHONE, Channel.LETTER, Channel.WECHAT, Channel.VIDEO),
)
# Of a hundred cases so many in each district, in the order of their codes.
SHARES = (34, 18, 12, 12, 5, 7, 4, 8)
SUBJECTS = (
    *("小区物业收费不公开", "供暖温度不达标", "拖欠工资", "征地补偿款发放", "养老保险补缴", "停车收费"),
    *("夜间施工噪声扰民", "房产证办理延误", "屋顶漏水维修", "学区划分", "路灯不亮", "低保申请", "预付卡退款"),
)
SURNAMES, GIVEN = (
    "王李张刘陈杨赵黄周吴",
    ["建国", "秀英", "志强", "淑珍", "晓明", "永红", "文静", "长青", "桂兰", "立新"],
)
UNIT = "住房和城乡建设局"
WORDS = {"petition.registered": "", "petition.forwarded": "请依法办理。", "petition.accepted": "决定受理。"}
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class _Plan:
    """The days of one case."""

    number: int
    office: Organisation
    unit: Organisation
    registered: date
    forwarded: date
    accepted: date
    concluded: date

    def id(self, kind: str) -> str:
        return f"{kind}2021{self.number:0{28 - len(kind)}d}"


@atomic
async def seed_source_figures(db: AsyncSession) -> bool:
    """Write the cases and commit; False when they are there already."""
    offices = await seed_lanzhou(db)
    if await db.scalar(select(Campaign.id).where(Campaign.name == CAMPAIGN_NAME)) is not None:
        return False
    units = {
        each.region_code: each
        for each in await db.scalars(
            select(Organisation).where(
                Organisation.name.in_([f"{name}{UNIT}" for name in DISTRICTS.values()])
            )
        )
    }
    rows: dict[type[Base], list[dict[str, Any]]] = {
        model: []
        for model in (
            *(Person, PetitionCase, PetitionOrganisation, PetitionEvent, PetitionClock, PetitionRating),
            *(PetitionRatingChange, Campaign, CampaignMatter, CampaignStep, PetitionJoin),
            *source_receptions.MODELS,
        )
    }
    rows[Campaign].append(_campaign(offices[CITY_CODE]))
    for plan in _plans(offices, units):
        receptions = source_receptions.receptions_of(plan, offices[CITY_CODE])
        for model, values in (*_case(plan), *_ratings(plan), *_survey(plan), *_repeat(plan), *receptions):
            rows[model].append(values)
    for model, values_of_all in rows.items():
        await db.execute(insert(model), values_of_all)
    await insert_if_absent(db, PetitionCounter, year=2021, last=0)
    last = update(PetitionCounter).where(PetitionCounter.year == 2021)
    await db.execute(last.values(last=FIRST_NUMBER + CASES))
    await db.commit()
    return True


def handling_days() -> list[int]:
    """Between 8 and 60 for each case, together HANDLING_DAYS."""
    days = [8 + number * 37 % 53 for number in range(CASES)]
    over = sum(days) - HANDLING_DAYS
    for number in range(abs(over)):
        place = number * 7 % CASES
        days[place] = min(60, max(8, days[place] - (1 if over > 0 else -1)))
    days[0] += HANDLING_DAYS - sum(days)
    assert sum(days) == HANDLING_DAYS and all(1 <= each <= 60 for each in days)
    return days


def _plans(offices: dict[str, Organisation], units: dict[str, Organisation]) -> Iterator[_Plan]:
    codes = [code for code, share in zip(DISTRICTS, SHARES, strict=True) for _ in range(share)]
    length = (PERIOD.last - PERIOD.first).days + 1
    for number, days in enumerate(handling_days()):
        code = codes[number * 61 % len(codes)]
        concluded = PERIOD.first + DAY * (number % length)
        accepted = concluded - DAY * days
        forwarded = accepted - DAY * (number % 8)
        registered = forwarded - DAY * (number % 11)
        yield _Plan(number, offices[code], units[code], registered, forwarded, accepted, concluded)


def _case(plan: _Plan) -> Iterator[tuple[type[Base], dict[str, Any]]]:
    number, petition, person = plan.number, plan.id("c"), plan.id("p")
    origin = _origin(number)
    name = SURNAMES[number % 10] + GIVEN[number // 10 % 10]
    at = _at(plan.registered)
    yield Person, {"id": person, "name": name, "phone": f"1390000{number:04d}", "id_number_masked": None,
                   "address": None, "created_at": at}  # fmt: skip
    yield PetitionCase, {
        "id": petition, "number": f"LZ2021-{FIRST_NUMBER + number:06d}",
        "channel": CHANNELS[number * 7 % len(CHANNELS)],
        "subject": f"{plan.office.short_name[:-3]}{SUBJECTS[origin * 5 % len(SUBJECTS)]}问题",
        "description": "", "class_": PetitionClass.SUGGESTION if number % 9 == 4 else PetitionClass.CLAIM,
        "state": PetitionState.CLOSED, "petitioner_id": replace(plan, number=origin).id("p"),
        "custodian_id": plan.office.id,
        "accused_organisation_id": None, "confidential": False, "query_code_hash": "00$00", "event_count": 4,
        "registered_at": at, "way": Way.HANDLE, "handler_id": plan.unit.id, "reviewer_id": None,
        "conclusion": tuple(Conclusion)[number % 3 if number % 4 else 0],
        "accepted_on": plan.accepted, "concluded_on": plan.concluded,
    }  # fmt: skip
    for office, part in ((plan.office, Part.CUSTODIAN), (plan.unit, Part.HANDLER)):
        yield PetitionOrganisation, {"petition_id": petition, "organisation_id": office.id, "part": part}
    days = (plan.registered, plan.forwarded, plan.accepted, plan.concluded)
    kinds = ("petition.registered", "petition.forwarded", "petition.accepted", "petition.concluded")
    for sequence, (day, kind) in enumerate(zip(days, kinds, strict=True), 1):
        yield PetitionEvent, {
            "id": plan.id(f"e{sequence}"), "petition_id": petition, "sequence": sequence, "at": _at(day),
            "kind": kind, "actor_name": "演示", "official_id": None, "data": {"words": WORDS.get(kind, "")},
        }  # fmt: skip
    yield from _clocks(plan, petition)


def _clocks(plan: _Plan, petition: str) -> Iterator[tuple[type[Base], dict[str, Any]]]:
    profile = profile_for(plan.office.region_code, plan.registered, profiles())
    duties = (
        ("register_route", plan.registered, plan.forwarded, plan.office),
        ("forward_notice", plan.forwarded, plan.accepted, plan.unit),
        ("handle", plan.accepted, plan.concluded, plan.unit),
    )
    for place, (duty, start, met, bearer) in enumerate(duties):
        counted = count(profile, calendar_of(), duty, start)
        yield PetitionClock, {
            "id": plan.id(f"k{place}"), "petition_id": petition, "duty": duty, "profile": profile.code,
            "organisation_id": bearer.id, "start_on": start, "set_days": 0, "extension": 0,
            "raw_on": counted.raw, "rolled_on": counted.rolled, "pauses": [], "met_on": met,
            "begun_at": _at(start),
        }  # fmt: skip


def _ratings(plan: _Plan) -> Iterator[tuple[type[Base], dict[str, Any]]]:
    place = plan.number * 389 % CASES  # Each place once, so that the dissatisfied are everywhere.
    if place >= RATED:
        return
    for rated, satisfied, organisation in (
        (Rated.OFFICE, SATISFIED_OFFICE, plan.office),
        (Rated.UNIT, SATISFIED_UNIT, plan.unit),
    ):
        score = 3 + place % 3 if place < satisfied else 1 + place % 2
        rating, at = plan.id(f"r{rated[0]}"), _at(plan.concluded + 3 * DAY)
        given = {"score": score, "number": 1, "at": at}
        yield PetitionRating, given | {
            "id": rating, "petition_id": plan.id("c"), "rated": rated, "organisation_id": organisation.id
        }  # fmt: skip
        yield PetitionRatingChange, given | {"id": plan.id(f"g{rated[0]}"), "rating_id": rating, "words": ""}


def _campaign(city: Organisation) -> dict[str, Any]:
    return {
        "id": "campaign2021", "organisation_id": city.id, "kind": CampaignKind.SURVEY, "name": CAMPAIGN_NAME,
        "begins_on": PERIOD.first, "ends_on": PERIOD.last, "created_at": _at(PERIOD.first),
    }  # fmt: skip


def _survey(plan: _Plan) -> Iterator[tuple[type[Base], dict[str, Any]]]:
    if plan.number >= SURVEYED:
        return
    settled = plan.number * 5 % SURVEYED < SETTLED
    entered = min(max(plan.registered, PERIOD.first), PERIOD.last)
    matter, resolved = plan.id("m"), max(entered, plan.concluded)
    yield CampaignMatter, {
        "id": matter, "campaign_id": "campaign2021", "petition_id": plan.id("c"), "rank": None, "leader": "",
        "plan": "", "due_on": PERIOD.last, "entered_on": entered, "step_count": 1 + settled,
        "resolved_on": resolved if settled else None,
        "state": MatterState.STRUCK_OFF if settled else MatterState.OPEN,
    }  # fmt: skip
    steps = [(CampaignStepKind.ENTERED, entered, "排查列入。")]
    if settled:
        steps.append((CampaignStepKind.STRUCK_OFF, resolved, "双方签订调解协议书并履行完毕。"))
    for number, (kind, day, words) in enumerate(steps, 1):
        yield CampaignStep, {
            "id": plan.id(f"s{number}"), "matter_id": matter, "number": number, "kind": kind, "about": "",
            "words": words, "at": _at(day), "by_id": None, "by": "演示",
        }  # fmt: skip


def _origin(number: int) -> int:
    """The first case of the same matter; each twenty-fifth repeats one of the same office."""
    while number >= REPEATED and number % 25 == 24:
        number -= REPEATED
    return number


def _repeat(plan: _Plan) -> Iterator[tuple[type[Base], dict[str, Any]]]:
    if _origin(plan.number) != plan.number:
        before = replace(plan, number=plan.number - REPEATED)
        pair = sorted((plan.id("c"), before.id("c")))
        yield PetitionJoin, {
            "id": plan.id("j"), "petition_id": pair[0], "other_id": pair[1], "sequence": 1, "joined": True,
            "reason": "同人同事", "official_id": None, "at": _at(plan.concluded),
        }  # fmt: skip


def _at(day: date) -> datetime:
    return datetime.combine(day, time(10), BEIJING)
