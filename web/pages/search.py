"""Archive: recordings found by case, date, office, person, words and what happened."""

from __future__ import annotations

from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.cursor import read_cursor, spelled
from cases.errors import Invalid
from cases.fields import clean
from cases.organisations import list_organisations
from cases.policy import Action, Actor, visible_organisation_ids, visible_prefixes
from recordings.archive.copies import aged_out
from recordings.archive.search import PAGE, ArchivePage, ArchiveQuery, Found, search_archive
from web.http.forms import Form
from web.http.paging import onward
from web.keys import ACTOR, CLOCK, DATABASE
from web.rendering import page
from web.views.cards import recording_card
from web.words import EVENTS, duration

FIELDS = ("number", "since", "until", "office", "person", "words", "happened")
# What a reviewer looks for; the words are those of the timeline.
HAPPENED = {
    kind: EVENTS[kind]
    for kind in (
        "hand.raised",
        "screen.shared",
        "session.paused",
        "deliberation.began",
        "mark.set",
        "participant.dropped",
        "participant.removed",
        "recording.faulty",
        "minutes.signed",
        "session.failed",
    )
}
EXCERPT = 60


async def show(request: web.Request) -> web.StreamResponse:
    """The form and one page of what it finds; an empty form finds the newest."""
    form = Form(request.query)
    found = ArchivePage()
    async with request.app[DATABASE].session() as db:
        offices = await _offices(db, request[ACTOR])
        query = _query(form, offices)
        if not form.errors:
            try:
                before = read_cursor(request.query.get("before", ""))
                found = await search_archive(db, request.app[CLOCK], request[ACTOR], query, before)
            except Invalid as error:
                form.fail(error.field or "words", error.message)
        gone = await aged_out(db, [each.recording.id for each in found.found])
    asked = {name: form.value(name) for name in FIELDS if form.value(name)}
    context = {
        "nav": "search",
        "form": form,
        "offices": offices,
        "happened": HAPPENED,
        "asked": bool(asked),
        "rows": [_row(each, form.value("words"), each.recording.id in gone) for each in found.found],
        "looked_back_to": found.older.at if found.older and len(found.found) < PAGE else None,
        "beside": onward("/recordings", asked, "before" in request.query, "before", spelled(found.older)),
    }
    status = 422 if form.errors else 200
    title = "错误：录像检索" if form.errors else "录像检索"
    return page(request, "search.html", context, title=title, status=status)


async def _offices(db: AsyncSession, actor: Actor) -> dict[str, str]:
    """Offices the actor may see recordings of, by id."""
    own = set(visible_organisation_ids(actor, Action.REPLAY))
    prefixes = visible_prefixes(actor, Action.REPLAY)
    found = await list_organisations(db)
    return {
        each.id: each.name
        for each in found
        if each.id in own or each.region_code.startswith(prefixes or ("x",))
    }


def _query(form: Form, offices: dict[str, str]) -> ArchiveQuery:
    for name in FIELDS:
        form.values[name] = clean(form.typed(name))[:100]
    since, until = form.day("since"), form.day("until")
    if since and until and since > until:
        form.fail("until", "结束日期早于开始日期，请改正")
    if form.value("office") not in offices:
        form.values["office"] = ""
    if form.value("happened") not in HAPPENED:
        form.values["happened"] = ""
    return ArchiveQuery(
        number=form.value("number"),
        since=since,
        until=until,
        organisation_id=form.value("office"),
        person=form.value("person"),
        words=form.value("words"),
        happened=form.value("happened"),
    )


def _row(found: Found, words: str, aged: bool) -> dict[str, Any]:
    card = recording_card(found.recording)
    card["note"] += " · 原件在归档" if aged else ""
    return card | {
        "title": found.title,
        "number": found.number,
        "office": found.office,
        "petition_id": found.recording.petition_id,
        "hits": [
            {
                "seconds": int(hit.seconds),
                "when": duration(hit.seconds),
                "what": EVENTS.get(hit.kind, "记录"),
                "who": hit.who,
                "text": _excerpt(hit.text, words),
            }
            for hit in found.hits
            if hit.seconds is not None
        ],
    }


def _excerpt(text: str, words: str) -> str:
    """The part of a text around the first word that was looked for."""
    places = [text.find(word) for word in words.split() if word in text]
    begin = max(0, min(places, default=0) - EXCERPT // 3)
    part = text[begin : begin + EXCERPT].replace("\n", " ")
    return ("…" if begin else "") + part + ("…" if begin + EXCERPT < len(text) else "")
