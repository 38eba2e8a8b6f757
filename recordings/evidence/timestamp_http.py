"""A time-stamping authority over HTTP (RFC 3161 section 3.4)."""

from __future__ import annotations

import aiohttp

from recordings.evidence.timestamp import LARGEST_ANSWER, TimeStampError

_QUERY, _REPLY = "application/timestamp-query", "application/timestamp-reply"


class HttpAuthority:
    """Given: its address, and how long to wait for an answer, in seconds."""

    def __init__(self, url: str, seconds: float = 20.0) -> None:
        self._url = url
        self._timeout = aiohttp.ClientTimeout(total=seconds)

    async def stamp(self, request: bytes) -> bytes:
        """One POST; nothing is tried again here, and no other address is followed."""
        try:
            async with (
                aiohttp.ClientSession(timeout=self._timeout) as session,
                session.post(
                    self._url, data=request, headers={"Content-Type": _QUERY}, allow_redirects=False
                ) as answer,
            ):
                if answer.status != 200:
                    raise TimeStampError("away", f"HTTP {answer.status}")
                if answer.content_type != _REPLY:
                    raise TimeStampError("wrong", f"an answer of type {answer.content_type}")
                data = b""
                async for piece in answer.content.iter_chunked(LARGEST_ANSWER):
                    data += piece
                    if len(data) > LARGEST_ANSWER:
                        raise TimeStampError("wrong", "an answer without end")
                return data
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise TimeStampError("away", str(error) or type(error).__name__) from error
