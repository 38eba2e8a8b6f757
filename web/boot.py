"""What a room page hands to its modules (the contract with static/js/boot.js)."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from scheduling.session import Session, SessionKind
from web.http.access import form_token
from web.keys import SETTINGS


def room_boot(request: web.Request, session: Session, role: str, ticket_url: str) -> dict[str, Any]:
    """Boot data without a ticket: a page may stay open longer than a ticket lives."""
    return {
        "ticket_url": ticket_url,
        "csrf_token": form_token(request),
        "ws_url": "/ws",
        "participant_role": role,
        "camera": "device",
        "help_phone": request.app[SETTINGS].web.help_phone,
        "session": {
            "id": session.id,
            "title": session.title,
            "state": str(session.state),
            "starts_at": session.starts_at.isoformat(),
            "ends_at": session.ends_at.isoformat(),
            "recorded": session.record,
            "mediation": session.kind is SessionKind.MEDIATION,
        },
    }


def check_boot(code: str) -> dict[str, Any]:
    """For the check of devices before the slot; its answers go beside where a ticket would be fetched."""
    return {"ticket_url": f"/j/{code}/ticket", "camera": "device"}
