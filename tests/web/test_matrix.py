"""Role x place x route: whoever the policy refuses is refused at every address, and told nothing besides.

Where several posts are refused alike, one official holds them all at once: any one post is enough for what it
permits, so what is refused to all of them together is refused to each. Of the accused organisation alone that
is not so: a post there takes away what another gives, so its people stand apart.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import product

import pytest
from yarl import URL

from cases.actions import ROLE_ACTIONS
from cases.casefile import PetitionClass
from cases.errors import Forbidden, NotFound
from cases.figures.measure import MEASURES, SUMS_ONLY
from cases.intake.client import ApiScope, create_client
from cases.organisations import Organisation
from cases.people import Official
from cases.petitions import let_see
from cases.policy import SYSTEM, Action, Scope, allowed, require
from cases.roles import ADMINISTRATORS, Role
from cases.signin import actor_for, sign_in
from recordings.recording_figures import RECORDED
from scheduling.afterwards.session_measure import PROMISES
from scheduling.links import exchange_link, issue_link
from scheduling.sessions.invitations import list_invitations
from tests.factories import PASSWORD, add_post, make_official, make_petition, make_session
from tests.web.conftest import Browser, House
from tests.web.hanging import NARROWER, OF_PETITION, Case, make_case, ordinary
from tests.web.test_api import MATTER, ask
from tests.web.test_routes import GUARDED, OBJECT_PAGES, make_objects
from web.http.access import LINK_COOKIE, SIGN_IN_COOKIE
from web.http.permissions import Who
from web.pages.figure_lists import PEOPLE
from web.routes import TABLE, Route

ONE = pytest.mark.parametrize("database_system", ["sqlite"])
PLACES = ("chengguan", "station", "housing", "xigu", "city", "province")
# Where the accused organisation is, and what lies below it.
ACCUSED = ("chengguan", "station", "housing")
POSTS = tuple(product(Role, PLACES))
Held = frozenset[tuple[Role, str]]
OF_A_CASE = (*OF_PETITION, "{session_id}", "{recording_id}", "{alarm_id}", "{incident_id}")
CASE_ROUTES = [route for route in GUARDED if any(name in route.path for name in OF_A_CASE)]
LISTS = [route for route in GUARDED if route.method == "GET" and "{" not in route.path]
# Lists that are empty until they are asked for something, and pages of what holds cases of several offices.
# One of each kind of row: all figures of a kind are listed by one query.
KINDS = {measure.source: name for name, measure in MEASURES.items() if name not in SUMS_ONLY}
ASKED = [f"/figures/cases?count={name}" for name in KINDS.values()] + [
    f"/figures/receptions/list?count={name}"
    for name in ("planned", *PEOPLE, sorted(PROMISES)[0], sorted(RECORDED)[0])
]
HOLDERS = ("/rota/{day_id}", "/rota/{day_id}/briefing.pdf", "/campaigns/{campaign_id}")
# What must be read nowhere: of an ordinary matter, of one that accuses and is secret, of one that accuses.
ORDINARY, SECRET, ABOUT = "楼道漏水三个月无人修", "检举城关区某人收受红包", "对城关区答复久拖不满"


@dataclass
class People:
    """Officials with any posts, made when they are first asked for, each signed in."""

    house: House
    known: dict[Held, tuple[Official, Browser]] = field(default_factory=dict)

    async def holding(self, posts: Iterable[tuple[Role, str]]) -> tuple[Official, Browser]:
        held = frozenset(posts)
        if held not in self.known:
            self.known[held] = await self._appoint(held)
        return self.known[held]

    async def _appoint(self, held: Held) -> tuple[Official, Browser]:
        house, name = self.house, f"matrix-{len(self.known)}"
        async with house.database.session() as db:
            official = make_official(house.clock, name, "某人")
            for role, place in sorted(held):
                where = await db.get_one(Organisation, house.world.organisations[place].id)
                add_post(house.clock, official, where, role)
            db.add(official)
            await db.commit()
            grant = await sign_in(db, house.clock, name, PASSWORD, f"10.0.0.{len(self.known)}")
        browser = house.browser()
        browser.http.cookie_jar.update_cookies({SIGN_IN_COOKIE: grant.token}, URL(browser.base))
        browser.http.headers["X-CSRF-Token"] = grant.csrf_token
        return official, browser


async def ask_for(browser: Browser, route: Route, path: str) -> tuple[int, str]:
    answer = await (browser.get(path) if route.method == "GET" else browser.post(path, {}))
    return answer.status, await answer.text(errors="replace")


def refusal(held: tuple[Role, str], house: House, action: Action, scope: Scope) -> int:
    """What the policy answers a holder of this one post: 0 where it permits."""
    role, place = held
    official = make_official(house.clock, "x", "某人")
    add_post(house.clock, official, house.world.organisations[place], role)
    try:
        require(actor_for(official), action)
        require(actor_for(official), action, scope)
    except Forbidden:
        return 403
    except NotFound:
        return 404
    return 0


def blind(route: Route, status: int) -> bool:
    """What auditors open of any recording is its number and who looked at it, never whose matter it is."""
    return route.permission is Action.SEE_AUDIT and status == 200


def together(posts: Iterable[tuple[Role, str]]) -> list[Held]:
    """In as few hands as may hold them: an administrator's post comes once, and alone."""
    held = sorted(set(posts))
    alone = {role: [post for post in held if post[0] is role][:1] for role in sorted(ADMINISTRATORS)}
    others = frozenset(post for post in held if post[0] not in ADMINISTRATORS)
    return [group for group in (others, *map(frozenset, alone.values())) if group]


@ONE
async def test_whoever_the_policy_refuses_is_refused_at_every_address(house: House) -> None:
    people, case = People(house), await ordinary(house)
    answers = {
        (action, of_petition): {post: refusal(post, house, action, scope) for post in POSTS}
        for action in {Action(str(route.permission)) for route in CASE_ROUTES}
        for of_petition, scope in ((True, case.petition), (False, case.session))
    }
    wrong = []
    for route in CASE_ROUTES:
        action, path = Action(str(route.permission)), case.objects.path(route.path)
        found = answers[action, case.scope(route) is case.petition]
        never = [post for post in POSTS if action not in ROLE_ACTIONS[post[0]]]
        unseen = [post for post in POSTS if found[post] == 404]
        seen = [post for post in POSTS if found[post] == 403 and post not in never]
        for posts, wanted in ((never, {403}), (unseen, {404}), (seen, {403, 404})):
            for held in together(posts):
                _, browser = await people.holding(held)
                status, text = await ask_for(browser, route, path)
                if blind(route, status):
                    status = min(wanted)
                if status not in wanted or any(words in text for words in case.words):
                    wrong.append((route.method, route.path, status, sorted(held)))
    assert not wrong, "\n".join(map(str, wrong))


@ONE
async def test_each_place_opens_what_the_policy_permits_it(house: House) -> None:
    """The roles of a place take turns over the pages."""
    people, case = People(house), await ordinary(house)
    asked = set()
    for number, route in enumerate(OBJECT_PAGES):
        action = Action(str(route.permission))
        for place in PLACES:
            may = [role for role in Role if not refusal((role, place), house, action, case.scope(route))]
            if not may or route not in CASE_ROUTES or any(name in route.path for name in NARROWER):
                continue
            role = may[number % len(may)]
            asked.add((role, place))
            _, browser = await people.holding([(role, place)])
            status, _ = await ask_for(browser, route, case.objects.path(route.path))
            assert status not in (302, 403, 500), (route.path, role, place, status)
            assert status != 404 or route.path.endswith((".json", "/proof")), (route.path, role, place)
    assert len(asked) > 20


@ONE
async def test_of_an_accusation_the_accused_learn_nothing_anywhere(house: House) -> None:
    """Nor does whoever was let see it, or is invited by name, and has a post there as well."""
    base, people = await make_objects(house), People(house)
    cases = [
        await make_case(house, base, SECRET, class_=PetitionClass.ACCUSATION),
        await make_case(house, base, ABOUT),
    ]
    accused = [post for post in POSTS if post[1] in ACCUSED]
    elsewhere = [post for post in POSTS if post[1] not in ACCUSED]
    known = [(await people.holding(held))[0].id for held in together(accused)]
    async with house.database.session() as db:
        for case, official_id in product(cases, known):
            await let_see(db, house.clock, case.objects.petition_id, official_id)
        await db.commit()
    for held in together(accused):
        await refused(people, held, cases)
    for held in together(elsewhere):  # Of the secret one nobody who was not let see it.
        await refused(people, held, cases[:1])
    for place in ("city", "province"):
        _, browser = await people.holding([(Role.RECEPTIONIST, place)])
        assert (await browser.get(f"/cases/{cases[1].objects.petition_id}")).status == 200
        assert ABOUT in await (await browser.get("/cases")).text()


async def refused(people: People, held: Held, cases: list[Case]) -> None:
    """By every address of these cases, and nothing of them is in any list."""
    official, browser = await people.holding(held)
    actor = actor_for(official)
    for case in cases:
        for route in CASE_ROUTES:
            may = allowed(actor, Action(str(route.permission)))
            status, text = await ask_for(browser, route, case.objects.path(route.path))
            wanted = 404 if may else 403
            assert blind(route, status) or status == wanted, (route.path, status, sorted(held))
            assert not [words for words in case.words if words in text], route.path
    searches = [f"{path}?{name}={words}" for case in cases for words in case.words
                for path, name in (("/cases", "search"), ("/recordings", "words"))]  # fmt: skip
    holders = [cases[0].objects.path(path) for path in HOLDERS]
    asked = ASKED if allowed(actor, Action.SEE_FIGURES) else []
    for path in [*(route.path for route in LISTS), *asked, *holders, *searches]:
        text = await (await browser.get(path)).text(errors="replace")
        told = text.replace(path.partition("=")[2] or "\0", "")  # What was typed stands in its field.
        assert not [words for case in cases for words in case.words if words in told], (path, sorted(held))


# Which cases a system of this office is given: it is like a clerk there, and nothing secret is given to any.
GIVEN = {
    "chengguan": {"own", "station"},
    "station": {"station"},
    "xigu": {"xigu"},
    "city": {"own", "station", "xigu", "about"},
    "province": {"own", "station", "xigu", "about"},
}


@ONE
async def test_a_token_is_worth_what_its_office_sees(house: House) -> None:
    clock, world = house.clock, house.world
    async with house.database.session() as db:
        accused = {"accused_organisation_id": world.chengguan.id}
        made = {
            "own": await make_petition(db, clock, world.chengguan),
            "station": await make_petition(db, clock, world.station),
            "xigu": await make_petition(db, clock, world.xigu),
            "about": await make_petition(db, clock, world.city, ABOUT, **accused),
            "secret": await make_petition(
                db, clock, world.city, SECRET, class_=PetitionClass.ACCUSATION, **accused
            ),
        }
        admin = world.actor("city.sysadmin")
        tokens = {
            (office, scope): (
                await create_client(db, clock, admin, "系统", world.organisations[office].id, scope)
            )[1]
            for office in GIVEN
            for scope in ((ApiScope.READ,), (ApiScope.WRITE,))
        }
    for office, given in GIVEN.items():
        token, writer = tokens[office, (ApiScope.READ,)], tokens[office, (ApiScope.WRITE,)]
        numbers = {made[key].number for key in given}
        assert {each["number"] for each in (await ask(house, token))[1]["cases"]} == numbers, office
        for key, petition in made.items():
            status, told, _ = await ask(house, token, f"/{petition.number}")
            assert status == (200 if key in given else 404), (office, key)
            assert SECRET not in str(told)
            assert (await ask(house, writer, f"/{petition.number}"))[0] == 403
        assert (await ask(house, writer))[0] == (await ask(house, token, told=MATTER))[0] == 403
    # What a system enters is its own office's; and a token opens no page, a sign-in no interface.
    status, entered, _ = await ask(house, tokens["xigu", (ApiScope.WRITE,)], told=MATTER)
    assert status == 201
    for office in ("xigu", "chengguan"):
        found = await ask(house, tokens[office, (ApiScope.READ,)], f"/{entered['number']}")
        assert found[0] == (200 if office == "xigu" else 404)
    clerk, program = await house.official("chengguan.receptionist"), house.browser()
    bearer = {"Authorization": f"Bearer {tokens['province', (ApiScope.READ,)]}"}
    assert (await program.get("/cases", headers=bearer)).status == 302
    for route in TABLE:
        if route.permission is Who.PROGRAM and route.path.startswith("/api/"):
            path = route.path.format(number=made["own"].number)
            assert (await ask_for(clerk, route, path))[0] == 401, route.path


LINK_ROUTES = [route for route in TABLE if route.permission is Who.LINK]


@ONE
async def test_a_link_opens_its_own_session_alone(house: House) -> None:
    """With nothing, or with another session's device: no word of the matter."""
    objects, clock = await make_objects(house), house.clock
    async with house.database.session() as db:
        other = await make_petition(db, clock, house.world.xigu, "路灯不亮")
        place = {"host_organisation_id": house.world.xigu.id, "joint_organisation_ids": ()}
        session = await make_session(db, clock, house.world, other, **place)
        mine = (await list_invitations(db, session.id))[0]
        grant = await exchange_link(db, clock, mine.code, await issue_link(db, clock, SYSTEM, mine.id))
    stranger, neighbour = house.browser(), house.browser()
    cookies = {LINK_COOKIE: grant.device_secret}
    neighbour.http.cookie_jar.update_cookies(cookies, URL(neighbour.base))
    assert (await neighbour.get(f"/j/{mine.code}/notice")).status == 200
    assert len(LINK_ROUTES) > 30
    wrong = []
    for browser in (stranger, neighbour):
        for route in LINK_ROUTES:
            named = route.path.replace("{test}", "0" * 32).replace("{question}", "timely")
            path = objects.path(named)
            status, text = await ask_for(browser, route, path)
            # What else one can do is told to everybody.
            calm = (route.method, route.path) == ("GET", "/j/{code}/declined")
            told = ORDINARY in text or "李德福" in text
            if told or status not in ((200,) if calm else (302, 303, 403, 404)):
                wrong.append((route.method, route.path, status))
    assert not wrong, wrong
