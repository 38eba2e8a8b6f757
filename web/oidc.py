"""A provider of identity, by OpenID Connect (Core 1.0): authorization code with PKCE, state and nonce.

Everything about the provider is told by the operator, its keys too: nothing is looked up anywhere. Of what it
says about a person only name and number are read, and neither is kept here.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import aiohttp
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from cases.errors import RuleError
from web.setting_groups import OidcSettings

LIFETIME = timedelta(minutes=10)  # From leaving for the provider to coming back.
MOST_UNDERWAY = 1000
SKEW = 60  # Seconds that two clocks may be apart.
OLDEST = 600  # Seconds since an ID token was issued.
LONGEST = 16 * 1024  # Of an ID token.
SECONDS = 10.0
RSA_BITS = 2048
FAILED = "账号核验没有成功，请再试一次，或者换一种方式核验。"

Key = rsa.RSAPublicKey | ec.EllipticCurvePublicKey


class TokenRefused(ValueError):
    """The ID token is not what it has to be; the message is for the log and names no person."""


@dataclass(frozen=True, slots=True)
class Journey:
    """Somebody who left for the provider: whose link, on which device (hash), and what must come back."""

    code: str
    device: str
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    until: datetime


class Journeys:
    """Who is underway, by state; each comes back once, the oldest go first when there are too many."""

    def __init__(self) -> None:
        self._underway: OrderedDict[str, Journey] = OrderedDict()

    def begin(self, code: str, device: str, now: datetime) -> tuple[str, Journey]:
        """A new state (43 characters) and what belongs to it."""
        state = secrets.token_urlsafe(32)
        made = Journey(
            code, hash_of(device), secrets.token_urlsafe(32), secrets.token_urlsafe(48), now + LIFETIME
        )
        self._underway[state] = made
        while len(self._underway) > MOST_UNDERWAY:
            self._underway.popitem(last=False)
        return state, made

    def code_of(self, state: str) -> str | None:
        """Whose link this state belongs to."""
        found = self._underway.get(state)
        return found.code if found else None

    def end(self, state: str, code: str, device: str, now: datetime) -> Journey | None:
        """What belongs to a state, once, for the device that set out with it and in time."""
        found = self._underway.get(state)
        if found is None or found.code != code or not hmac.compare_digest(found.device, hash_of(device)):
            return None
        del self._underway[state]
        return found if now < found.until else None


def hash_of(text: str) -> str:
    """SHA-256 in hex."""
    return hashlib.sha256(text.encode()).hexdigest()


def departure(provider: OidcSettings, back: str, state: str, journey: Journey) -> str:
    """The provider's address to go to (RFC 6749 4.1.1, RFC 7636 4.3); `back` is where it sends people."""
    challenge = _encode(hashlib.sha256(journey.verifier.encode()).digest())
    wanted = {
        "response_type": "code", "client_id": provider.client_id, "redirect_uri": back,
        "scope": provider.scope, "state": state, "nonce": journey.nonce,
        "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    return f"{provider.authorize}{'&' if '?' in provider.authorize else '?'}{urlencode(wanted)}"


async def fetch_token(provider: OidcSettings, back: str, grant: str, journey: Journey) -> str:
    """The ID token for a code (RFC 6749 4.1.3). Raises RuleError `provider_failed`."""
    form = {
        "grant_type": "authorization_code", "code": grant, "redirect_uri": back,
        "code_verifier": journey.verifier, "client_id": provider.client_id,
    }  # fmt: skip
    headers = {}
    if provider.client_secret:  # RFC 6749 2.3.1: both are form-encoded first.
        pair = f"{quote(provider.client_id, '')}:{quote(provider.client_secret, '')}"
        headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
    try:
        timeout = aiohttp.ClientTimeout(total=SECONDS)
        async with (
            aiohttp.ClientSession(timeout=timeout) as client,
            client.post(provider.token, data=form, headers=headers, allow_redirects=False) as answer,
        ):
            body = json.loads(await answer.content.read(4 * LONGEST)) if answer.status == 200 else {}
    except (aiohttp.ClientError, TimeoutError, ValueError, RecursionError) as error:
        raise RuleError("provider_failed", FAILED) from error
    token = body.get("id_token") if isinstance(body, dict) else None
    if not isinstance(token, str):
        raise RuleError("provider_failed", FAILED)
    return token


def read_claims(token: str, provider: OidcSettings, nonce: str, now: datetime) -> Mapping[str, Any]:
    """The claims of an ID token that proves itself (OpenID Connect Core 3.1.3.7). Raises TokenRefused."""
    if len(token) > LONGEST or token.count(".") != 2:
        raise TokenRefused("no token")
    head, body, signature = token.split(".")
    header, claims = _object(head), _object(body)
    _verify(provider, header, f"{head}.{body}".encode(), _decode(signature))
    audience = claims.get("aud")
    audience = audience if isinstance(audience, list) else [audience]
    if claims.get("iss") != provider.issuer or provider.client_id not in audience:
        raise TokenRefused("issuer or audience")
    if (len(audience) > 1 or "azp" in claims) and claims.get("azp") != provider.client_id:
        raise TokenRefused("authorized party")
    moment, expires, issued = now.timestamp(), _number(claims.get("exp")), _number(claims.get("iat"))
    if moment >= expires + SKEW or not moment - OLDEST <= issued <= moment + SKEW:
        raise TokenRefused("expired")
    given = claims.get("nonce")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), nonce.encode()):
        raise TokenRefused("nonce")
    return claims


def load_keys(path: str) -> dict[tuple[str, str], Key]:
    """Public keys of a JWK set (RFC 7517) by algorithm and key id. Raises ValueError, OSError."""
    found: dict[tuple[str, str], Key] = {}
    for row in json.loads(Path(path).read_text("utf-8"))["keys"]:
        if row.get("use", "sig") != "sig":
            continue
        if row["kty"] == "RSA":
            key: Key = rsa.RSAPublicNumbers(_integer(row["e"]), _integer(row["n"])).public_key()
            if key.key_size < RSA_BITS:
                raise ValueError("an RSA key of less than 2048 bits")
            found["RS256", str(row.get("kid", ""))] = key
        elif row["kty"] == "EC" and row["crv"] == "P-256":
            point = ec.EllipticCurvePublicNumbers(_integer(row["x"]), _integer(row["y"]), ec.SECP256R1())
            found["ES256", str(row.get("kid", ""))] = point.public_key()
    if not found:
        raise ValueError("no key for RS256 or ES256")
    return found


def _verify(provider: OidcSettings, header: Mapping[str, Any], signed: bytes, signature: bytes) -> None:
    """The algorithm is the key's: what the token says of it only chooses among our keys."""
    try:
        keys = load_keys(provider.keys)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise TokenRefused("keys cannot be read") from error
    key = keys.get((str(header.get("alg")), str(header.get("kid", ""))))
    if key is None or "crit" in header:
        raise TokenRefused("no such key")
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, signed, padding.PKCS1v15(), SHA256())
        elif len(signature) == 64:
            r, s = (int.from_bytes(half) for half in (signature[:32], signature[32:]))
            key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(SHA256()))
        else:
            raise TokenRefused("signature")
    except InvalidSignature as error:
        raise TokenRefused("signature") from error


def _object(part: str) -> Mapping[str, Any]:
    try:
        found = json.loads(_decode(part))
    except (ValueError, RecursionError) as error:
        raise TokenRefused("not JSON") from error
    if not isinstance(found, dict):
        raise TokenRefused("not an object")
    return found


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenRefused("times")
    return value


def _integer(text: str) -> int:
    return int.from_bytes(_decode(text))


def _decode(text: str) -> bytes:
    """Base64url without padding (RFC 7515 2)."""
    try:
        return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise TokenRefused("not base64url") from error


def _encode(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
