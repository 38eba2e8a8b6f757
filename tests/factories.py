"""A small office world: province, city, two districts, a station, a department, and people in all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

from argon2 import PasswordHasher
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.database import new_id
from cases.organisations import Organisation, OrganisationKind, Tier
from cases.people import Official, PersonDetails, Post
from cases.petitions import Channel, PetitionCase, RegisterPetition, register_petition
from cases.policy import SYSTEM, Actor
from cases.roles import InvitationRole, Role
from cases.signin import actor_for
from scheduling.booking.slots import OpenSlots, ReceptionRoom, Slot, open_slots
from scheduling.links import exchange_link, find_link_actor, issue_link
from scheduling.session import Session
from scheduling.sessions.invitations import Invitation, Invitee, list_invitations
from scheduling.sessions.sessions import CreateSession, create_session

PASSWORD = "Yellow-River-1909"
# Cheap on purpose: a test that signs in must not spend a second on hashing.
CHEAP_HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
CHEAP_HASH = CHEAP_HASHER.hash(PASSWORD)

OFFICE, DEPARTMENT, STATION = (
    OrganisationKind.PETITION_OFFICE,
    OrganisationKind.DEPARTMENT,
    OrganisationKind.STATION,
)
# key, region code, name, short name, tier, kind, key of the parent
ORGANISATIONS = (
    ("province", "62", "甘肃省信访局", "省信访局", Tier.PROVINCE, OFFICE, None),
    ("city", "6201", "兰州市信访局", "市信访局", Tier.CITY, OFFICE, "province"),
    ("chengguan", "620102", "城关区信访局", "城关区信访局", Tier.DISTRICT, OFFICE, "city"),
    ("xigu", "620104", "西固区信访局", "西固区信访局", Tier.DISTRICT, OFFICE, "city"),
    ("station", "620102001", "酒泉路街道接访点", "酒泉路街道", Tier.TOWNSHIP, STATION, "chengguan"),
    ("housing", "620102", "城关区住建局", "城关区住建局", Tier.DISTRICT, DEPARTMENT, "chengguan"),
)
# key of the organisation -> roles held there, one official each; the official's key is `organisation.role`
_CITY = (Role.RECEPTIONIST, Role.LEADER, Role.INSPECTOR, Role.SYSADMIN, Role.AUDITOR, Role.SECURITY_ADMIN)
OFFICIALS = {
    "province": (Role.RECEPTIONIST, Role.REVIEWER),
    "city": _CITY,
    "chengguan": (Role.RECEPTIONIST, Role.LEADER, Role.RECORDER, Role.REVIEWER, Role.ARCHIVIST),
    "xigu": (Role.RECEPTIONIST, Role.LEADER),
    "station": (Role.STATION_CLERK,),
    "housing": (Role.HANDLER, Role.UNIT_HEAD),
}
NAMES = (
    *("王丽华", "李建国", "张秀英", "刘志强", "陈晓明", "杨淑珍", "赵永红", "宋安平", "黄国栋"),
    *("周文静", "吴长青", "徐桂兰", "孙立新", "胡玉梅", "朱海峰", "高凤霞", "林少华"),
    "方正",
)


@dataclass
class World:
    """Organisations and officials by key: `world.chengguan`, `world.actor("chengguan.receptionist")`."""

    organisations: dict[str, Organisation] = field(default_factory=dict)
    officials: dict[str, Official] = field(default_factory=dict)

    def actor(self, key: str) -> Actor:
        """Return the official of this key as an Actor."""
        return actor_for(self.officials[key])

    def __getattr__(self, key: str) -> Organisation:
        try:
            return self.organisations[key]
        except KeyError:
            raise AttributeError(key) from None


async def make_world(db: AsyncSession, clock: Clock) -> World:
    """Write the world into an empty database and commit."""
    world = World()
    for key, code, name, short_name, tier, kind, parent in ORGANISATIONS:
        parent_id = world.organisations[parent].id if parent else None
        row = Organisation(
            id=new_id(),
            region_code=code,
            name=name,
            short_name=short_name,
            tier=tier,
            kind=kind,
            parent_id=parent_id,
        )
        world.organisations[key] = row
        db.add(row)
    await db.flush()  # In one statement, so that those below find those above.
    names = iter(NAMES)
    for key, roles in OFFICIALS.items():
        for role in roles:
            official = make_official(clock, f"{key}-{role.value}", next(names))
            add_post(clock, official, world.organisations[key], role)
            world.officials[f"{key}.{role.value}"] = official
            db.add(official)
    await db.commit()
    return world


def make_official(clock: Clock, username: str, name: str, *, demo: bool = False) -> Official:
    """Return an official without posts whose password is PASSWORD."""
    return Official(
        id=new_id(),
        username=username,
        name=name,
        password_hash=CHEAP_HASH,
        demo=demo,
        created_at=clock.now(),
        posts=[],
    )


def add_post(clock: Clock, official: Official, organisation: Organisation, role: Role) -> Post:
    """Give an official that is not flushed yet a post."""
    return Post(
        id=new_id(), official=official, organisation=organisation, organisation_id=organisation.id,
        role=role, title="", started_at=clock.now(),
    )  # fmt: skip


async def make_petition(
    db: AsyncSession,
    clock: Clock,
    custodian: Organisation,
    subject: str = "楼道漏水三个月无人修",
    **more: object,
) -> PetitionCase:
    """Register a case of 李大爷 with `custodian` and commit; `more` are fields of RegisterPetition."""
    fields = {
        "channel": Channel.VISIT,
        "description": "多次反映，没有结果。",
        "petitioner": PersonDetails("李德福", "13800001234", address="城关区酒泉路 12 号"),
    } | more
    command = RegisterPetition(subject=subject, custodian_id=custodian.id, **fields)  # type: ignore[arg-type]
    petition, _ = await register_petition(db, clock, SYSTEM, command)
    return petition


async def make_slots(
    db: AsyncSession, clock: Clock, organisation: Organisation, count: int = 4
) -> list[Slot]:
    """Open `count` half-hour slots in a new room of `organisation`, beginning in one hour, and commit."""
    room = ReceptionRoom(
        id=new_id(), organisation_id=organisation.id, organisation=organisation, name="第一接访室"
    )
    db.add(await db.merge(room))
    await db.commit()
    start = clock.now() + timedelta(hours=1)
    command = OpenSlots(room.id, start, start + timedelta(minutes=30 * count))
    return list(await open_slots(db, clock, SYSTEM, command))


async def make_session(
    db: AsyncSession, clock: Clock, world: World, petition: PetitionCase | None = None, **more: object
) -> Session:
    """Arrange a session that starts now: 城关区 hosts, city and province join, and commit."""
    petition = petition or await make_petition(db, clock, world.chengguan)
    fields: dict[str, object] = {
        "host_organisation_id": world.chengguan.id,
        "starts_at": clock.now(),
        "ends_at": clock.now() + timedelta(minutes=30),
        "joint_organisation_ids": (world.city.id, world.province.id),
    }
    command = CreateSession(petition.id, **(fields | more))  # type: ignore[arg-type]
    return await create_session(db, clock, SYSTEM, command)


async def find_invitation(db: AsyncSession, session: Session, role: InvitationRole) -> Invitation:
    """Return the first invitation of a session with this role."""
    return next(each for each in await list_invitations(db, session.id) if each.role is role)


async def make_link_actor(db: AsyncSession, clock: Clock, invitation: Invitation) -> Actor:
    """Issue a link for an invitation, open it on a device, and return its holder as an Actor."""
    secret = await issue_link(db, clock, SYSTEM, invitation.id)
    grant = await exchange_link(db, clock, invitation.code, secret)
    actor = await find_link_actor(db, clock, invitation.code, grant.device_secret)
    assert actor is not None
    return actor


def petitioner(name: str = "") -> Invitee:
    """Return the invitee who stands for the petitioner."""
    return Invitee(InvitationRole.PETITIONER, name)
