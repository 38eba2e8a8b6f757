"""The demonstration's campaign with matters in every state, and mediations of a community on their way."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.campaigns.campaign import Campaign, CampaignKind, CampaignStepKind, FourDuty, Rank
from cases.campaigns.conducting import OpenCampaign, TakeInCharge, open_campaign, take_in_charge
from cases.campaigns.following import Evidence, note_step
from cases.casefile import Channel, PetitionCase
from cases.clock import BEIJING, Clock
from cases.documents.delivering import Upload
from cases.handling.clocks import today
from cases.handling.taking import take_step
from cases.mediation.agreement import conclude_agreement
from cases.mediation.consenting import record_consent
from cases.mediation.matter import Mediation, Side
from cases.mediation.mediating import (
    NewMediation,
    NewParty,
    arrange_sitting,
    open_mediation,
    take_mediation_step,
    turn_into_petition,
)
from cases.mediation.place import add_place
from cases.mediation.third_party import add_third_party, name_conflict
from cases.people import Official, PersonDetails
from cases.petitions import RegisterPetition, register_petition
from cases.policy import Actor
from cases.signin import actor_for
from scheduling.booking.engagements import refuse_engaged_mediator
from web.demo.people import CITY, HANDLER, HOST, LEADERS
from web.demo.then import Turns
from web.letters.pdf import drawing

CAMPAIGN = "十百千领导包案（演示）"
DISTRICT_LEADER, CITY_LEADER = LEADERS
K = CampaignStepKind
BEFORE = timedelta(days=25)
# Title, petitioner, telephone, days from then until it is to be solved, and what has been done since.
CHARGED = (
    ("小区供水管网老化停水频繁", "孙桂英", "13893100011", 60, (K.DUTY, K.PROGRESS)),
    ("征地补偿款发放有争议", "魏国强", "13893100012", 20, (K.PROGRESS,)),
    ("学校门口早晚拥堵", "杨彩霞", "13893100013", 40, (K.DUTY, K.PROPOSED)),
    ("楼顶违建影响防水", "蒋志明", "13893100014", 30, (K.DUTY, K.PROPOSED, K.STRUCK_OFF)),
    ("商户油烟扰民", "邱秀珍", "13893100015", 45, (K.PROPOSED, K.STRUCK_OFF, K.TAKEN_UP_AGAIN)),
)
WORDS = {
    K.DUTY: "到现场见了本人，问清了来龙去脉。",
    K.PROGRESS: "召集住建、街道开了协调会，定了分工。",
    K.PROPOSED: "问题已经解决，本人签字认可。",
    K.STRUCK_OFF: "电话回访本人，情况属实。",
    K.TAKEN_UP_AGAIN: "问题有反复，继续办理。",
}
PROOF = b"%PDF-1.4\n% demonstration\n"
PLACES = (
    ("mediation_station", "酒泉路人民调解室", "酒泉路街道便民服务中心二楼"),
    ("talk_room", "畅家巷居民说事室", "畅家巷社区居委会一楼"),
)
PEOPLE = (
    ("mediator", "马秀英", "酒泉路街道人民调解委员会"),
    ("lawyer", "钱正", "金城律师事务所"),
    ("psychologist", "周静", "心桥心理咨询中心"),
    ("delegate", "白建华", "区人大代表"),
)


async def seed_community(db: AsyncSession, clock: Clock) -> None:
    """Once; what is there already stays as it is."""
    turns = Turns()
    await turns.tell(campaign_story(db, clock, turns))
    if await db.scalar(select(Mediation.id).limit(1)) is None:
        host = (await db.scalars(select(Official).where(Official.username == HOST.username))).unique().one()
        await _mediations(db, clock, actor_for(host))


async def campaign_story(db: AsyncSession, clock: Clock, turns: Turns) -> None:
    """The campaign and its matters of the last weeks; once."""
    began = clock.now() - BEFORE
    then = await turns.at(began)
    if await db.scalar(select(Campaign.id).where(Campaign.name == CAMPAIGN)) is not None:
        return
    names = HOST.username, CITY.username, HANDLER.username, *(leader.username for leader in LEADERS)
    found = (await db.scalars(select(Official).where(Official.username.in_(names)))).unique()
    officials = {each.username: each for each in found}
    city, day = officials[CITY_LEADER.username], today(then)
    targets = {Rank.CITY: 2, Rank.COUNTY: 5, Rank.SECTION: 10}
    office = city.posts[0].organisation_id
    opened = OpenCampaign(office, CampaignKind.LEADERS, CAMPAIGN, day, day + timedelta(days=180), targets)
    campaign = await open_campaign(db, then, actor_for(city), opened)
    keeper, steps_then = actor_for(officials[HOST.username]), []
    for number, (subject, name, phone, days, steps) in enumerate(CHARGED):
        petition = await _matter(db, then, officials, subject, name, phone)
        high = number % 2 == 0
        leader = officials[(CITY_LEADER if high else DISTRICT_LEADER).username]
        rank = Rank.CITY if high else Rank.COUNTY
        plan = "第一周见面，第二周召集有关单位，限期解决。"
        command = TakeInCharge(
            campaign.id, petition.id, rank, "", plan, day + timedelta(days=days), leader.id
        )
        matter = await take_in_charge(db, then, keeper, command)
        other = officials[(DISTRICT_LEADER if high else CITY_LEADER).username]
        for step, kind in enumerate(steps, 1):
            actor = actor_for(other) if kind is K.STRUCK_OFF else keeper
            steps_then.append((step, matter.id, kind, actor))
    for step, matter_id, kind, actor in sorted(steps_then, key=lambda each: each[0]):
        about = str(FourDuty.SITUATION) if kind is K.DUTY else ""
        proof = Evidence(upload=Upload("现场照片和本人意见.pdf", PROOF)) if kind is K.PROPOSED else None
        at = await turns.at(began + timedelta(days=step * 5))
        await note_step(db, at, actor, matter_id, kind, WORDS[kind], about, proof)


async def _matter(
    db: AsyncSession, then: Clock, officials: dict[str, Official], subject: str, name: str, phone: str
) -> PetitionCase:
    """Registered, forwarded to the unit and accepted there."""
    host, handler = officials[HOST.username], officials[HANDLER.username]
    person = PersonDetails(name, phone)
    command = RegisterPetition(
        Channel.VISIT, subject, "多次反映，请求解决。", person, host.posts[0].organisation_id
    )
    keeper = actor_for(host)
    petition, _ = await register_petition(db, then, keeper, command)
    given = {"class": "claim", "way": "handle", "words": "请求明确，属于住建部门职责。"}
    unit = handler.posts[0].organisation_id
    await take_step(db, then, keeper, petition.id, "classify", given)
    await take_step(db, then, keeper, petition.id, "forward", {"unit": unit, "words": "请依法办理。"})
    await take_step(db, then, actor_for(handler), petition.id, "accept", {"words": "属于本单位职责，受理。"})
    return petition


async def _mediations(db: AsyncSession, clock: Clock, keeper: Actor) -> None:
    office = keeper.posts[0].organisation_id
    hours = {"days": "0,1,2,3,4,5,6", "opens": "08:30", "closes": "18:00", "phone": ""}
    places = [
        await add_place(db, clock, keeper, office, {"kind": kind, "name": name, "address": address} | hours)
        for kind, name, address in PLACES
    ]
    since = {"phone": "", "since": f"{today(clock).year}-01-01", "until": ""}
    people = [
        await add_third_party(
            db, clock, keeper, office, {"kind": kind, "name": name, "employer": employer} | since
        )
        for kind, name, employer in PEOPLE
    ]
    await name_conflict(db, clock, keeper, people[1].id, "宏远物业公司", "是这家公司的法律顾问")
    tomorrow = today(clock) + timedelta(days=1)
    for number, (subject, facts, one, other, steps) in enumerate(MEDIATIONS):
        parties = NewParty(Side.APPLICANT, one, "", "酒泉路街道"), NewParty(Side.RESPONDENT, other)
        command = NewMediation(office, subject, facts, parties, people[0].id)
        made = await open_mediation(db, clock, keeper, command)
        if "consent" in steps:
            for party in made.parties:
                words = "我愿意坐下来谈。"
                await record_consent(db, clock, keeper, made.id, party.id, True, "spoken", words)
        if "sit" in steps:
            begin = datetime.combine(tomorrow, time(9 + number), BEIJING).astimezone(UTC)
            end = begin + timedelta(hours=1)
            await arrange_sitting(
                db, clock, keeper, made.id, places[number % 2].id, begin, end, refuse_engaged_mediator
            )
        if "agree" in steps:
            days = {"effective_on": today(clock), "due_on": today(clock) + timedelta(days=20)}
            given = AGREED | {name: day.isoformat() for name, day in days.items()}
            await conclude_agreement(db, clock, keeper, made.id, given, drawing(clock.now))
        if "turn" in steps:
            await take_mediation_step(db, clock, keeper, made.id, "end", "物业公司不愿意调解。")
            await turn_into_petition(db, clock, keeper, made.id, Channel.VISIT)


AGREED = {
    "facts": "楼上卫生间漏水，泡坏楼下客厅吊顶和地板。",
    "dispute": "赔偿数额。楼上业主承认漏水，承担全部责任。",
    "content": "一、楼上业主十日内修好防水。\n二、楼上业主赔偿楼下业主四千元。",
    "performance": "防水修好后双方到场查看；赔偿款银行转账，一次付清。",
}
# Subject, facts, applicant, respondent, and how far it has come.
MEDIATIONS = (
    ("空调外机噪声", "外机正对卧室，夜里睡不着。", "丁秀兰", "罗平", ()),
    ("楼道堆放杂物", "堵住楼道，担心起火。", "汪建军", "卢艳", ("consent",)),
    ("宠物伤人赔偿", "狗没有拴绳，咬伤老人。", "尹秀芳", "贾斌", ("consent", "sit")),
    ("楼上漏水赔偿", "楼上漏水，泡坏客厅。", "龚德明", "史丽", ("consent", "sit", "agree")),
    ("物业费纠纷", "电梯长期停用，拒交物业费。", "常玉兰", "宏远物业公司", ("turn",)),
)
