"""What the reviewer's desk on the replay page shows to one official; forms and states, no player."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import BEIJING
from cases.organisations import short_names
from cases.policy import Action, Actor, Scope, allowed
from recordings.recording import Recording
from recordings.review.authorship import office_of
from recordings.review.finding import KINDS, FindingState, list_findings
from recordings.review.note import list_notes
from recordings.review.review import ANSWERABLE, ReviewState, load_review
from recordings.review.view_purpose import purpose_of
from web.keys import ACTOR, CLOCK
from web.words import office_words

DEEP_LINK = re.compile(r"[0-9hms:.]{1,20}", re.ASCII)
# As parseTime in web/static/js/replay/timeline.js.
MOMENT = re.compile(r"(?:(\d{1,4})h)?(?:(\d{1,6})m)?(?:(\d{1,7})(?:\.\d{1,9})?s?)?", re.ASCII)


async def build_desk(
    request: web.Request, db: AsyncSession, recording: Recording, scope: Scope
) -> dict[str, Any]:
    """Values of the templates replay_purpose.html and replay_desk.html; the policy was asked before."""
    actor: Actor = request[ACTOR]
    purpose = await purpose_of(db, actor, recording.id)
    reviews = allowed(actor, Action.REVIEW_RECORDING, scope)
    return {
        "recording_id": recording.id,
        "purpose": purpose,
        "mark": await mark_of(db, actor),
        "now_ms": round(request.app[CLOCK].now().timestamp() * 1000),
        "sees_log": allowed(actor, Action.SEE_VIEW_LOG, scope),
        "reviews": reviews,
        "official_id": actor.official_id,
        "notes": await list_notes(db, recording.id) if reviews else [],
        **(await _review(request, db, recording, scope) if reviews else {"review": None}),
        **await _findings(request, db, recording, scope, reviews),
    }


async def mark_of(db: AsyncSession, actor: Actor) -> str:
    """What stands over every picture: the viewer's name and office."""
    return f"{actor.name} {office_words(await office_of(db, actor))}".strip()


async def _review(
    request: web.Request, db: AsyncSession, recording: Recording, scope: Scope
) -> dict[str, Any]:
    review = await load_review(db, recording.id)
    offices = await short_names(db, scope.organisation_ids)
    may_second = request[ACTOR].official_id not in review.first_reviewer_ids
    return {
        "review": review,
        "answerable": review.state in ANSWERABLE,
        "may_submit": review.state in ANSWERABLE and not review.unanswered,
        "may_second": review.state is ReviewState.SUBMITTED and may_second,
        "offices": dict(sorted(offices.items(), key=lambda item: item[1])),
        "kinds": KINDS,
    }


async def _findings(
    request: web.Request, db: AsyncSession, recording: Recording, scope: Scope, reviews: bool
) -> dict[str, Any]:
    """All of them for a reviewer, those of their own office for who puts them right, none for others."""
    actor: Actor = request[ACTOR]
    answers = allowed(actor, Action.ANSWER_FINDING, scope)
    own = actor.organisation_ids if answers else frozenset()
    shown = await list_findings(db, recording.id) if reviews or answers else []
    today = request.app[CLOCK].now().astimezone(BEIJING).date()
    return {
        "kind_names": KINDS,
        "findings": [
            {
                "tracked": tracked,
                "overdue": tracked.overdue(today),
                "remedies": tracked.state is FindingState.OPEN and tracked.finding.organisation_id in own,
                "decides": reviews and tracked.state in (FindingState.OPEN, FindingState.REMEDIED),
            }
            for tracked in shown
            if reviews or tracked.finding.organisation_id in own
        ],
    }


def asked_moment(typed: str) -> str:
    """`?t=` of a deep link if it is one, else nothing; it goes back into an address."""
    return typed if DEEP_LINK.fullmatch(typed) else ""


def asked_second(typed: str) -> float:
    """The second that `?t=` names, whole; 0 for anything else."""
    found = MOMENT.fullmatch(typed)
    hours, minutes, seconds = (int(each or 0) for each in found.groups()) if found else (0, 0, 0)
    return float(hours * 3600 + minutes * 60 + seconds)

