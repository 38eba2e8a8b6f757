"""Short-lived credentials for our TURN server, given to people inside the room and to nobody else.

The server shares a secret with us and keeps no accounts (coturn's `use-auth-secret`): the user name says
until when it is good, the password is its HMAC (draft-uberti-behave-turn-rest-00).
"""

from __future__ import annotations

import hmac
from base64 import b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta

from signaling.pushes import Relay

# A sitting may run over; a personal link is good for as long.
AFTERWARDS = timedelta(hours=4)
LONGEST = timedelta(hours=12)


@dataclass(frozen=True)
class Relays:
    """`urls` as browsers want them, `turn:host:port?transport=udp`; none, and nobody is given any."""

    urls: tuple[str, ...] = ()
    secret: str = ""

    def grant(self, participant_id: str, ends_at: datetime, now: datetime) -> list[Relay]:
        """Credentials for one person, good until some hours after the end of the sitting at `ends_at`."""
        if not self.urls:
            return []
        expires = max(now, min(ends_at + AFTERWARDS, now + LONGEST))
        username = f"{int(expires.timestamp())}:{participant_id}"
        digest = hmac.digest(self.secret.encode(), username.encode(), "sha1")
        return [Relay(list(self.urls), username, b64encode(digest).decode())]
