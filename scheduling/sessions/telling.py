"""Telling the citizens of a sitting what was arranged, moved or called off, in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.policy import SYSTEM
from cases.roles import InvitationRole
from scheduling.links import find_link, repeat_link
from scheduling.notices.notice import NoticeChannel
from scheduling.notices.queueing import about_session, channel_for
from scheduling.notices.telling import Telling, tell
from scheduling.session import Session, SessionKind, SessionState
from scheduling.sessions.invitations import list_invitations

TOLD = (InvitationRole.PETITIONER, InvitationRole.PROXY, InvitationRole.PARTY)
LINK_STAYS, LINK_COMES = "原来的链接继续有效", "到时会发链接给您"
AFTER = timedelta(days=1)  # A notice of a cancelled sitting is still worth telling a day later.
# The ends that citizens hear of by a message; of the others they were there.
OF_ENDS: Mapping[SessionState, str] = {
    SessionState.CANCELLED: "session_cancelled",
    SessionState.NO_SHOW: "session_missed",
}

# Of these the texts for mediations promise that nothing is recorded.
SAYS_UNRECORDED = frozenset({"session_arranged", "invitation"})


def worded(session: Session, template: str) -> str:
    """The template for what kind of sitting it is: a mediation is no reception.

    One that is recorded is announced as what is recorded; later messages say nothing of that.
    """
    if session.kind is not SessionKind.MEDIATION or (session.record and template in SAYS_UNRECORDED):
        return template
    return "mediation_" + template.removeprefix("session_")


async def tell_citizens(
    db: AsyncSession, clock: Clock, telling: Telling, session: Session, template: str, reason: str = "",
    origin: str = "", was: datetime | None = None,
) -> int:  # fmt: skip
    """Queue the notice for each citizen of the session inside the caller's transaction; returns how many.

    By message where there is a mobile number, else as a telephone task, else as a slip of paper. `origin`:
    where the pages are; with it a reminder brings the personal link along. `was`: when a moved one was to be.
    """
    told, about, remind = 0, about_session(session), template == "session_reminder"
    template = worded(session, template)
    for invitation in await list_invitations(db, session.id):
        if invitation.role not in TOLD or invitation.revoked_at is not None:
            continue
        number = (invitation.person.phone if invitation.person else None) or ""
        fields = {"office": session.host.name, "when": telling.when(session.starts_at), "what": reason}
        if was is not None:
            has_link = await find_link(db, invitation.id) is not None
            fields |= {"was": telling.when(was), "link": LINK_STAYS if has_link else LINK_COMES}
        kind, until = template, max(session.ends_at, clock.now() + AFTER)
        if origin and remind and channel_for(number) is NoticeChannel.SMS:
            secret = await repeat_link(db, clock, SYSTEM, invitation.id)
            kind, fields["link"] = f"{template}_link", f"{origin}/j/{invitation.code}#{secret}"
        await tell(db, clock, telling, about, number, kind, fields, until)
        told += 1
    return told
