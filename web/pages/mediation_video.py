"""A mediation without a case, met by video: arranged from its page."""

from __future__ import annotations

from datetime import timedelta

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.errors import Invalid
from scheduling.sessions.mediation_video import MOST_HELPERS, ArrangeVideo, arrange_video
from web.http.forms import Form
from web.keys import ACTOR, CLOCK
from web.pages.mediations import LENGTHS, act_on
from web.tending.messages import MESSENGER
from web.tending.session_notices import telling_of

FIELDS = ("day", "time", "length")


async def arrange(request: web.Request) -> web.StreamResponse:
    """POST {day, time, length, helper}: `helper` more than once, of the register."""
    data, where, clock = await request.post(), request.match_info, request.app[CLOCK]
    form = Form(data)
    chosen = tuple(str(each)[:32] for each in data.getall("helper", []))

    async def act(db: AsyncSession) -> None:
        begin = form.moment("day", "time", clock.now())
        if begin is None:
            field, message = next(iter(form.errors.items()))
            raise Invalid("bad_time", message, field)
        end = begin + timedelta(minutes=int(form.choice("length", LENGTHS, "") or 60))
        if len(chosen) >= MOST_HELPERS:
            raise Invalid("too_many", f"最多选择 {MOST_HELPERS} 人。", "helper")
        command = ArrangeVideo(where["mediation_id"], begin, end, chosen)
        await arrange_video(db, clock, request[ACTOR], command, telling_of(request))
        request.app[MESSENGER].ring()

    ticked = {"helper": "\n".join(chosen[:MOST_HELPERS])}
    return await act_on(request, form, "video", FIELDS, act, ticked)
