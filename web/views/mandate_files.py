"""The mandate of a proxy while a clerk fills in a form: what was sent so far, and what the page needs."""

from __future__ import annotations

import re
import secrets
from typing import Any

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from scheduling.intake.enclosing import list_of_form, withdraw
from scheduling.intake.enclosure import Purpose
from web.http.forms import Form
from web.keys import DATABASE
from web.pages.enclosures import ENCLOSURES, boot_of

FORM_ID = re.compile(r"[0-9a-z]{32}")
DROP = "drop:"


def form_id_of(form: Form) -> str:
    """A name for this filled-in form, on which its files hang until it is handed in."""
    if "form_id" not in form.values:
        found = form.typed("form_id")
        form.values["form_id"] = found if FORM_ID.fullmatch(found) else secrets.token_hex(16)
    return form.values["form_id"]


async def has_mandate(db: AsyncSession, form: Form) -> bool:
    """Whether a mandate was sent with this form."""
    return any(each.purpose is Purpose.MANDATE for each in await list_of_form(db, form_id_of(form)))


async def drop_file(db: AsyncSession, request: web.Request, form: Form) -> bool:
    """Take the file back whose button was pressed; False where it was another button."""
    act = form.typed("act")
    if not act.startswith(DROP):
        return False
    await withdraw(db, request.app[ENCLOSURES], form_id_of(form), act.removeprefix(DROP)[:32])
    return True


async def mandate_context(request: web.Request, form: Form) -> dict[str, Any]:
    """`form_id`, `mandates` and `boot` for the macro and its module."""
    form_id = form_id_of(form)
    async with request.app[DATABASE].session() as db:
        files = await list_of_form(db, form_id)
    return {
        "form_id": form_id,
        "mandates": [each for each in files if each.purpose is Purpose.MANDATE],
        "boot": boot_of(request, form_id, Purpose.MANDATE),
    }
