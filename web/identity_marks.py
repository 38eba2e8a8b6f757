"""The key by which identity numbers become marks; it stays outside the database (state directory)."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import replace

from aiohttp import web

from cases.fields import clean, mark_id_number
from cases.people import PersonDetails
from web.keys import SERVER_KEY


def identity_key(app: web.Application) -> bytes:
    """The key of this installation."""
    return hmac.new(app[SERVER_KEY], b"identity marks", hashlib.sha256).digest()


def marked(app: web.Application, person: PersonDetails) -> PersonDetails:
    """The same person with the mark of the number, where one was given. Raises Invalid at `id_number`."""
    if not clean(person.id_number):
        return person
    return replace(person, id_mark=mark_id_number(identity_key(app), person.id_number))
