"""办理期限: the duties of a region with their days, its versions, what differs, a new version typed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.administration.deadline_proposals import (
    Effect,
    list_regions,
    list_versions,
    preview_rules,
    propose_rules,
)
from cases.administration.deadline_rules import TypedDuty, TypedRules
from cases.administration.deadline_version import DeadlineVersion
from cases.administration.rule_proposal import RuleKind, list_proposals
from cases.deadlines.comparing import (
    BEARER_NAMES,
    POINT_NAMES,
    UNIT_NAMES,
    Point,
    differences,
    length_of,
)
from cases.deadlines.explaining import STARTS
from cases.deadlines.in_force import BUILT_IN_PROFILES, profiles
from cases.deadlines.profile import NATIONAL, Duty, Profile, profile_for
from cases.errors import Conflict, Invalid, NotFound
from cases.handling.clocks import today
from cases.policy import Action, allowed
from web.http.errors import status_of
from web.http.flash import keep_once, take_once
from web.http.forms import Form
from web.keys import ACTOR, CLOCK, DATABASE
from web.pages.signin import see_other
from web.rendering import page

HERE = "/administration/deadlines"
PARTS = ("days", "unit", "extension", "article")
UNITS = {str(unit): name for unit, name in UNIT_NAMES.items()}
MOST_DIGITS = 3


async def show(request: web.Request) -> web.StreamResponse:
    """GET: `region`; `old`, `new`: the versions to compare, 0 for what comes with the program."""
    actor, now = request[ACTOR], today(request.app[CLOCK])
    async with request.app[DATABASE].session() as db:
        region, regions = await _region(request, db)
        versions = await list_versions(db, actor, region)
        waiting = await list_proposals(db, actor)
    held = profile_for(region, now, profiles())
    compared = _compared(request, region, versions)
    context = {
        "nav": "administration",
        "region": region,
        "regions": regions,
        "held": held,
        "rows": [row_of(duty, held) for duty in held.duties.values()],
        "versions": versions,
        "now": now,
        "numbers": [row.version for row in versions] + [0],
        "compared": compared,
        "changes": changes_of(*compared["profiles"]) if compared else [],
        "waiting": any(row.kind is RuleKind.DEADLINES and row.subject == region for row in waiting),
        "may_edit": allowed(actor, Action.CONFIGURE),
        "done": take_once(request, "deadlines"),
    }
    return page(request, "deadline_rules.html", context, title="办理期限")


async def edit(request: web.Request) -> web.StreamResponse:
    """GET: `region`, its rules as they hold, to be changed."""
    async with request.app[DATABASE].session() as db:
        region, regions = await _region(request, db)
    held = profile_for(region, today(request.app[CLOCK]), profiles())
    form = Form()
    form.values = {"region": region, "roll": "yes" if held.roll_on_holiday else ""}
    for duty in fixed_duties(held):
        form.values |= {
            f"days-{duty.code}": str(duty.days), f"unit-{duty.code}": str(duty.unit),
            f"extension-{duty.code}": str(duty.most_extension), f"article-{duty.code}": duty.article,
        }  # fmt: skip
    return _edit_page(request, form, held, None, regions[region])


async def submit(request: web.Request) -> web.StreamResponse:
    """POST {region, effective_on, law, reason, roll, days-*, unit-*, …, act}: `preview` shows the effect."""
    posted = await request.post()
    form, status, effect = Form(posted), 200, None
    for name in ("region", "effective_on", "law", "reason"):
        form.values[name] = form.typed(name)[:800]
    region, roll = form.value("region"), form.ticked("roll")
    held = profile_for(region, today(request.app[CLOCK]), profiles())
    duties = {}
    for duty in fixed_duties(held):
        names = [f"{part}-{duty.code}" for part in PARTS]
        if names[0] not in posted:
            continue
        form.values |= {name: form.typed(name)[:200] for name in names}
        duties[duty.code] = TypedDuty(*(form.value(name) for name in names))
    typed = TypedRules(region, form.value("effective_on"), form.value("law"), roll, duties)
    async with request.app[DATABASE].session() as db:
        regions = {each.region_code: each.name for each in await list_regions(db, request[ACTOR])}
        told = (db, request.app[CLOCK], request[ACTOR], typed)
        try:
            effect = await preview_rules(*told)
            if form.typed("act") == "propose":
                await propose_rules(*told, form.value("reason"))
                keep_once(request, "deadlines", region)
                return see_other(f"{HERE}?region={region}")
        except (Invalid, Conflict) as error:
            form.refuse(error, "effective_on")
            status = status_of(error)
    return _edit_page(request, form, held, effect, regions.get(region, region), status)


def fixed_duties(profile: Profile) -> list[Duty]:
    """Those whose days a region may set."""
    return [duty for duty in profile.duties.values() if not (duty.set_each or duty.at_once)]


def row_of(duty: Duty, profile: Profile) -> dict[str, Any]:
    """A duty as the table shows it."""
    return {
        "code": duty.code,
        "title": duty.title,
        "right": duty.right,
        "by": BEARER_NAMES[duty.by],
        "starts": STARTS[duty.starts],
        "length": length_of(duty),
        "extension": f"{duty.most_extension} 日" if duty.most_extension else "",
        "source": duty.source,
        "rolls": ("顺延" if profile.roll_on_holiday else "不顺延") if duty.days else "",
    }


def changes_of(old: Profile, new: Profile) -> list[dict[str, Any]]:
    """What differs, in words; `quoted`: what laws are called is not translated."""
    return [
        {
            "title": each.duty.title if each.duty else "全部期限",
            "point": POINT_NAMES[each.point],
            "before": each.before or "没有",
            "after": each.after or "没有",
            "quoted": each.point is Point.SOURCE,
        }
        for each in differences(old, new)
    ]


def _edit_page(
    request: web.Request, form: Form, held: Profile, effect: Effect | None, place: str, status: int = 200
) -> web.Response:
    context = {
        "nav": "administration",
        "form": form,
        "region": form.value("region"),
        "place": place,
        "duties": [row_of(duty, held) for duty in fixed_duties(held)],
        "units": UNITS,
        "effect": effect,
        "changes": changes_of(effect.draft.before, effect.draft.profile) if effect else [],
    }
    title = "错误：办理期限的新版本" if form.errors else "办理期限的新版本"
    return page(request, "deadline_rules_edit.html", context, title=title, status=status)


async def _region(request: web.Request, db: AsyncSession) -> tuple[str, dict[str, str]]:
    """The region that is asked for, or the first, and all that may be asked for. Raises NotFound."""
    regions = {each.region_code: each.name for each in await list_regions(db, request[ACTOR])}
    region = request.query.get("region", "") or next(iter(regions), "")
    if region not in regions:
        raise NotFound()
    return region, regions


def _compared(
    request: web.Request, region: str, versions: Sequence[DeadlineVersion]
) -> dict[str, Any] | None:
    asked = [request.query.get(name, "") for name in ("old", "new")]
    if not all(each.isascii() and each.isdigit() and len(each) <= MOST_DIGITS for each in asked):
        return None
    old, new = (_profile_of(region, int(each), versions) for each in asked)
    if old is None or new is None:
        raise NotFound()
    return {"old": int(asked[0]), "new": int(asked[1]), "profiles": (old, new)}


def _profile_of(region: str, number: int, versions: Sequence[DeadlineVersion]) -> Profile | None:
    newest = max((row.effective_on for row in versions), default=None)
    if number == 0:
        # What the program brings for the day on which the newest version begins.
        day = newest or BUILT_IN_PROFILES[NATIONAL].since
        return profile_for(region, day, BUILT_IN_PROFILES)
    return profiles().get(f"{region}@{number}")
