"""What a link holder does before entering: consent to the notice, and the check of camera and microphone."""

from __future__ import annotations

import json
import re
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from cases.clock import Clock
from cases.errors import Forbidden, Invalid
from cases.fields import clean
from cases.policy import Action, Actor, Scope, require
from scheduling.invitation import Invitation
from scheduling.reach import get_invitation
from scheduling.session_events import add_event

MAX_DEVICE_CHECK_BYTES = 4096


async def record_consent(
    db: AsyncSession, clock: Clock, actor: Actor, version: str, digest: str
) -> Invitation:
    """Note that the link holder read the notice of `version`, whose text has the SHA-256 `digest` (hex)."""
    invitation = await _own(db, actor)
    if not re.fullmatch(r"[0-9a-f]{64}", digest) or not clean(version):
        raise Invalid("bad_consent", "告知书版本不对，请刷新页面后重试。", "version")
    if invitation.consent_version != version or invitation.consent_digest != digest:
        invitation.consent_version, invitation.consent_digest = clean(version)[:32], digest
        invitation.consented_at = clock.now()
        data = {"invitation_id": invitation.id, "version": invitation.consent_version, "digest": digest}
        await add_event(db, clock, invitation.session_id, "consent.given", actor.name, data=data)
        await db.commit()
    return invitation


async def decline_consent(db: AsyncSession, clock: Clock, actor: Actor) -> Invitation:
    """Note that the link holder does not agree; an earlier consent no longer counts."""
    invitation = await _own(db, actor)
    invitation.consent_version = invitation.consent_digest = invitation.consented_at = None
    data = {"invitation_id": invitation.id}
    await add_event(db, clock, invitation.session_id, "consent.declined", actor.name, data=data)
    await db.commit()
    return invitation


async def record_device_check(
    db: AsyncSession, clock: Clock, actor: Actor, result: dict[str, Any]
) -> Invitation:
    """Keep the outcome of the camera and microphone check: a small JSON object. Raises Invalid `result`."""
    invitation = await _own(db, actor)
    try:
        size = len(json.dumps(result, allow_nan=False).encode())
    except (TypeError, ValueError) as error:
        raise Invalid("bad_device_check", "设备检查结果格式不对。", "result") from error
    if size > MAX_DEVICE_CHECK_BYTES:
        raise Invalid("bad_device_check", "设备检查结果太大。", "result")
    invitation.device_check = {**result, "checked_at": clock.now().isoformat()}
    await db.commit()
    return invitation


async def _own(db: AsyncSession, actor: Actor) -> Invitation:
    require(actor, Action.JOIN, Scope(session_id=actor.session_id))
    if actor.invitation_id is None:
        raise Forbidden()
    return await get_invitation(db, actor.invitation_id)
