"""A large register, written by the database itself: cases with history, clocks, terms and sessions.

Each table is filled from one row that the program made by itself, so that a new column needs nothing here.
Subjects and names are made from parts; their terms are those of the program.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import product

from sqlalchemy import Connection, select, text

from cases.casefile import Channel, Part, PetitionCase, PetitionEvent, PetitionOrganisation
from cases.database import Database
from cases.handling.clocks import PetitionClock
from cases.lanzhou import seed_lanzhou
from cases.mediation.matter import OPEN, Mediation, MediationParty, MediationState, Side
from cases.organisations import Organisation, OrganisationKind
from cases.people import Person
from cases.register.terms import terms_of_initials, terms_of_name, terms_of_words
from cases.roles import Role
from scheduling.session import Session, SessionOrganisation
from tests.cases.register.desks import add_samples, fill_desks
from tests.cases.register.rows import Rows
from tests.clock import FixedClock
from tests.factories import World, add_post, make_official, make_petition, make_session

EVERY = 190  # seconds between two cases: a million of them in six years
A_DAY = 86_400 // EVERY
PEOPLE_SHARE = 3  # cases of one person, in the mean
PLACES = ("酒泉路", "西站", "雁滩", "安宁堡", "红古镇", "什川", "夏官营", "龙家湾", "十里店", "盐场堡")
MATTERS = (
    *("供暖不足", "路灯不亮", "拖欠工资", "下水道堵塞", "占道停车", "电梯停运", "噪声扰民", "房产证没有办"),
    *("征地补偿", "低保没有批", "学校乱收费", "医保报销", "公交改线", "井盖缺失", "违章搭建", "用水浑浊"),
)
TIMES = ("", "三个月", "一年多", "反映两次", "无人管理", "请尽快解决")
SURNAMES = "李王张刘陈杨赵黄周吴徐孙胡朱高林单曾欧马"
GIVEN = ("德福", "秀英", "建国", "丽", "志强", "桂兰", "永红", "文静", "海峰", "凤霞", "少华", "立新")

READERS = {
    "province": Role.RECEPTIONIST,
    "city": Role.RECEPTIONIST,
    "chengguan": Role.RECEPTIONIST,
    "housing": Role.HANDLER,
    "inspector": Role.INSPECTOR,
    "leader": Role.LEADER,
    "auditor": Role.AUDITOR,
}
# Where those sit whose name is not their office's.
AT = {"inspector": "chengguan", "leader": "chengguan", "auditor": "city"}

KINDS = (("s", "state"), ("c", "channel"), ("k", "class"), ("h", "custodian_id"))

SUBJECTS = [place + matter + time for place, matter, time in product(PLACES, MATTERS, TIMES)]
NAMES = [surname + given for surname, given in product(SURNAMES, GIVEN)]


async def make_places(database: Database, clock: FixedClock) -> World:
    """The offices of Lanzhou and one department, with those who look through the register."""
    world = World()
    async with database.session() as db:
        await seed_lanzhou(db)
        places = (await db.scalars(select(Organisation))).all()
        offices = {each.region_code: each for each in places if each.kind is not OrganisationKind.DEPARTMENT}
        for key, code in (("province", "62"), ("city", "6201"), ("chengguan", "620102")):
            world.organisations[key] = offices[code]
        units = (each for each in places if each.kind is OrganisationKind.DEPARTMENT)
        world.organisations["housing"] = next(units)
        for key, role in READERS.items():
            official = make_official(clock, key, "读者")
            add_post(clock, official, world.organisations[AT.get(key, key)], role)
            world.officials[key] = official
            db.add(official)
        await db.commit()
    return world


async def write_register(database: Database, clock: FixedClock, world: World, count: int) -> None:
    """`count` cases with three lines of history and two clocks each, a session for every fifth, a mediation
    for every twentieth, and what lies on the desks around them.
    """
    async with database.session() as db:
        petition = await make_petition(db, clock, world.chengguan)
        await add_samples(db, clock, world, petition, await make_session(db, clock, world, petition))
        db.add(
            Mediation(
                number="TJ2020-000000", organisation_id=world.chengguan.id, subject="楼上漏水赔偿",
                facts="楼上漏水泡坏屋顶。", state=MediationState.ENDED, at=clock.now(), by="调解员",
                parties=[MediationParty(number=1, side=Side.APPLICANT, name="李德福", address="西站")],
            )
        )  # fmt: skip
        await db.commit()
        offices = await db.scalars(
            select(Organisation)
            .where(Organisation.kind != OrganisationKind.DEPARTMENT)
            .order_by("region_code")
        )
        # Most matters come to districts and townships.
        keepers = [(each.id, each.region_code) for each in offices if len(each.region_code) > 4]
    async with database.engine.begin() as connection:
        await connection.run_sync(lambda sync: _Writer(sync, clock, count).write(keepers, world))
    await _settle(database)


async def _settle(database: Database) -> None:
    """What autovacuum would do in the minutes after, and beside whatever is measured then: rows that the
    visibility map does not know are looked up one by one, even where an index alone has the answer.
    """
    if database.engine.dialect.name != "postgresql":
        return
    async with database.engine.connect() as plain:
        connection = await plain.execution_options(isolation_level="AUTOCOMMIT")
        await connection.execute(text("VACUUM (ANALYZE)"))


class _Writer(Rows):
    def __init__(self, db: Connection, clock: FixedClock, count: int) -> None:
        super().__init__(db)
        self._count = count
        # What came in within the last sixty days is open, and of what is older by a few days some is late.
        self._done = f"n.i >= {70 * A_DAY} OR (n.i >= {60 * A_DAY} AND n.i % 20 > 0)"
        self._now = int((clock.now() - timedelta(minutes=1)).timestamp())

    def write(self, keepers: Sequence[tuple[str, str]], world: World) -> None:
        if self._postgresql:
            # What refers to what is known here; to ask it of thirty million rows takes an hour.
            self.run("SET session_replication_role = replica")
            self.run("SET work_mem = '256MB'")
        self.list_rows("scale_subjects", ("text",), [(each,) for each in SUBJECTS])
        self.list_rows("scale_names", ("text",), [(each,) for each in NAMES])
        self.list_rows("scale_keepers", ("id", "code"), keepers)
        self._numbers()
        self._cases(world)
        self._terms()
        self._sessions()
        self._mediations()
        fill_desks(self, world, self._done)
        self.run("ANALYZE")

    def _numbers(self) -> None:
        """`scale_n`: a row for each case, with all that its other rows are made from."""
        self.run(
            "CREATE TEMPORARY TABLE scale_n (i INTEGER, id TEXT, at TEXT, subject INTEGER, name INTEGER, "
            "keeper INTEGER, person TEXT)"
            if not self._postgresql
            else "CREATE TEMPORARY TABLE scale_n (i INTEGER, id TEXT, at TIMESTAMPTZ, subject INTEGER, "
            "name INTEGER, keeper INTEGER, person TEXT)"
        )
        # Primes, so that no two of these go in step.
        values = (
            f"SELECT i, {self.key('p')}, {self.at(f'{self._now} - i * {EVERY}')}, "
            f"(i * 7919) % {len(SUBJECTS)}, ((i / {PEOPLE_SHARE}) * 104729) % {len(NAMES)}, "
            f"(i * 31) % (SELECT count(*) FROM scale_keepers), {self.key('h', f'(i / {PEOPLE_SHARE})')}"
        )
        self.run(f"INSERT INTO scale_n {self.each(self._count, values)}")

    def _cases(self, world: World) -> None:
        people = "(SELECT DISTINCT person, name FROM scale_n) n JOIN scale_names m ON m.k = n.name"
        self.copy(Person, {"id": "n.person", "name": "m.text"}, people)
        joined = "scale_n n JOIN scale_subjects s ON s.k = n.subject JOIN scale_keepers o ON o.k = n.keeper"
        self.copy(
            PetitionCase,
            {
                "id": "n.id", "number": f"'LZ' || {self.year('n.at')} || '-' || {self.padded('n.i + 2', 7)}",
                "subject": "s.text", "petitioner_id": "n.person", "custodian_id": "o.id",
                "registered_at": "n.at", "channel": self.one_of([str(each) for each in Channel]),
                "confidential": "n.i % 50 = 0",
                "state": self.one_of(["closed"] * 8 + ["accepted", "registered"]),
                "handler_id": f"'{world.housing.id}'", "event_count": "3",
                "accepted_on": self.day("n.at"),
                "concluded_on": f"CASE WHEN {self._done} THEN {self.day('n.at')} END",
            },
            joined,
        )  # fmt: skip
        for part, office in ((Part.CUSTODIAN, "o.id"), (Part.HANDLER, f"'{world.housing.id}'")):
            fields = {"petition_id": "n.id", "organisation_id": office, "part": f"'{part}'"}
            chosen = joined if part is Part.CUSTODIAN else joined + " WHERE n.i % 10 = 0"
            self.copy(PetitionOrganisation, fields, chosen)
        for line in range(3):
            fields = {"id": self.key(f"e{line}", "n.i"), "petition_id": "n.id", "sequence": str(line + 1),
                      "at": "n.at"}  # fmt: skip
            self.copy(PetitionEvent, fields, "scale_n n")
        for duty, met in (("register_route", "n.i >= 0"), ("handle", self._done)):
            day = self.day("n.at")
            fields = {"id": self.key(duty[:1], "n.i"), "petition_id": "n.id", "duty": f"'{duty}'",
                      "start_on": day, "begun_at": "n.at", "met_on": f"CASE WHEN {met} THEN {day} END",
                      "raw_on": self.later(day), "rolled_on": self.later(day)}  # fmt: skip
            self.copy(PetitionClock, fields, "scale_n n")

    def _terms(self) -> None:
        def of(texts: Sequence[str], made: Iterable[set[str]]) -> list[tuple[str, str]]:
            return [
                (str(k), term) for (k, _), terms in zip(enumerate(texts), made, strict=True) for term in terms
            ]

        names = [
            terms_of_words(each) | terms_of_initials(each) | {t for t in terms_of_name(each) if len(t) == 3}
            for each in NAMES
        ]
        subjects = of(SUBJECTS, map(terms_of_words, SUBJECTS))
        self.list_rows("scale_subject_terms", ("subject", "term"), subjects)
        self.list_rows("scale_name_terms", ("name", "term"), of(NAMES, names))
        case = "p.registered_at, p.id FROM petitions p"
        of_n = "n.at, n.id FROM scale_n n JOIN"
        sources = [
            f"SELECT t.term, {of_n} scale_subject_terms t ON CAST(t.subject AS INTEGER) = n.subject",
            f"SELECT t.term, {of_n} scale_name_terms t ON CAST(t.name AS INTEGER) = n.name",
            *(f"SELECT '{kind}:' || p.{of}, {case}" for kind, of in KINDS),
            "SELECT 'n:' || (n.i + 2), n.at, n.id FROM scale_n n",
            f"SELECT 'a:', {case}",
            "SELECT 'o:' || q.organisation_id, p.registered_at, p.id FROM petition_organisations q "
            "JOIN petitions p ON p.id = q.petition_id WHERE NOT p.confidential",
        ]
        for length in (2, 4, 6, 9):
            keeper = "JOIN scale_keepers o ON o.id = p.custodian_id WHERE NOT p.confidential"
            region = f"SELECT 'r:' || substr(o.code, 1, {length})"
            sources.append(f"{region}, {case} {keeper} AND length(o.code) >= {length}")
        self.run("DELETE FROM petition_terms")
        self.run(
            "INSERT INTO petition_terms (term, at, petition_id) "
            f"SELECT * FROM ({' UNION '.join(sources)}) u ORDER BY 1, 2, 3"
        )
        self.run("DELETE FROM due_dates")
        self.run(
            "INSERT INTO due_dates (reach, rolled_on, clock_id, raw_on, petition_id) "
            "SELECT t.term, c.rolled_on, c.id, c.raw_on, c.petition_id FROM petition_clocks c "
            "JOIN petition_terms t ON t.petition_id = c.petition_id "
            "WHERE c.met_on IS NULL AND substr(t.term, 1, 2) IN ('r:', 'o:', 'g:', 'a:')"
        )

    def _sessions(self) -> None:
        source = "scale_n n JOIN scale_keepers o ON o.k = n.keeper WHERE n.i % 5 = 0"
        fields = {"id": self.key("s", "n.i"), "petition_id": "n.id", "starts_at": "n.at", "ends_at": "n.at",
                  "host_organisation_id": "o.id", "opened_at": "n.at", "closed_at": "n.at",
                  "state": "'closed'", "created_at": "n.at"}  # fmt: skip
        self.copy(Session, fields, source)
        fields = {"session_id": self.key("s", "n.i"), "organisation_id": "o.id"}
        self.copy(SessionOrganisation, fields, source)

    def _mediations(self) -> None:
        """One for every twentieth case, with a party; of the newest hundred days those that are open."""
        source = "scale_n n JOIN scale_keepers o ON o.k = n.keeper WHERE n.i % 20 = 0"
        state = self.one_of([str(each) for each in sorted(OPEN)], "(n.i / 20)")
        fields = {"id": self.key("m", "n.i"), "number": f"'TJ2021-' || {self.padded('n.i', 7)}",
                  "organisation_id": "o.id", "at": "n.at",
                  "state": f"CASE WHEN n.i < {100 * A_DAY} THEN {state} ELSE 'ended' END"}  # fmt: skip
        self.copy(Mediation, fields, source)
        fields = {"id": self.key("w", "n.i"), "mediation_id": self.key("m", "n.i")}
        self.copy(MediationParty, fields, "scale_n n WHERE n.i % 20 = 0")
