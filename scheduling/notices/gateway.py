"""The port through which messages leave, and the envelope in which they wait for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from cryptography.fernet import Fernet, InvalidToken

from scheduling.notices.notice import NoticeChannel


@dataclass(frozen=True, slots=True)
class Message:
    """What a gateway gets."""

    id: str
    channel: NoticeChannel
    recipient: str
    text: str = field(repr=False)


class GatewayError(Exception):
    """A message did not leave; the text says why. It is tried again."""


class Gateway(Protocol):
    """Whatever carries messages to phones. `keeps_text`: what was sent may be read on (demonstration)."""

    keeps_text: bool

    async def send(self, message: Message) -> None:
        """Hand one message over. Raises GatewayError."""


class Envelope:
    """Seals drafts with a key that is not in the database (Fernet: AES-128-CBC and HMAC-SHA-256)."""

    def __init__(self, key: bytes) -> None:
        self._fernet = Fernet(key)

    def seal(self, text: str) -> str:
        return self._fernet.encrypt(text.encode()).decode("ascii")

    def open(self, sealed: str) -> str | None:
        """The text, or None when it was sealed with another key."""
        try:
            return self._fernet.decrypt(sealed.encode("ascii")).decode()
        except InvalidToken:
            return None
