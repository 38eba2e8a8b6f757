"""Signed requests between systems: HMAC-SHA-256 over moment, nonce and body, as web hooks use it.

The signature is the hexadecimal HMAC of `<seconds since 1970>.<nonce>.<body>`. A moment that is off by more
than five minutes is refused, and a nonce is taken once, so a copied request does nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta

from cases.errors import Forbidden

TOLERANCE = timedelta(minutes=5)
_NONCE = re.compile(r"[0-9A-Za-z_-]{16,64}")
_SECONDS = re.compile(r"[0-9]{1,11}")


def sign(secret: str, seconds: int, nonce: str, body: bytes) -> str:
    """The signature in hex."""
    told = f"{seconds}.{nonce}.".encode() + body
    return hmac.new(secret.encode(), told, hashlib.sha256).hexdigest()


def check_signature(
    secret: str, now: datetime, seconds: str, nonce: str, signature: str, body: bytes
) -> None:
    """Raises Forbidden `bad_signature` or `stale_request`; which part was wrong is not told."""
    shaped = _SECONDS.fullmatch(seconds) and _NONCE.fullmatch(nonce) and signature.isascii()
    if not secret or not shaped:
        raise Forbidden("bad_signature", "请求的签名不对。")
    if not hmac.compare_digest(sign(secret, int(seconds), nonce, body), signature.lower()):
        raise Forbidden("bad_signature", "请求的签名不对。")
    if abs(now - datetime.fromtimestamp(int(seconds), UTC)) > TOLERANCE:
        raise Forbidden("stale_request", "请求的时间相差太多，请核对时钟后重发。")
