"""Passwords: argon2id, hashed and verified off the event loop."""

from __future__ import annotations

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from cases.errors import Invalid

HASHER = PasswordHasher()  # RFC 9106, second recommended option: 64 MiB, 3 passes, 4 lanes.
# Verified against when the user name is unknown, so that the answer takes as long as for a known one.
DECOY = "$argon2id$v=19$m=65536,t=3,p=4$v8xBYoH5sCrnuSjSgUQa7Q$OA0Un7ajF3bghqQ+6UtavMHfTGTpYEW7RkvOi69r4aA"
MIN_LENGTH = 12
MAX_LENGTH = 128  # Hashing is work; nobody may order it by the megabyte.
BLOCKED = ("password", "123456", "qwerty", "lianxin", "abcdef", "111111", "admin")


def check_strength(password: str, username: str, field: str = "password") -> None:
    """Refuse weak passwords: 12 to 128 characters, three of four classes, no common core, not the name.

    Raises Invalid `weak_password` at `field` (GB/T 22239-2019 level 3, identity).
    """
    if not MIN_LENGTH <= len(password) <= MAX_LENGTH:
        raise Invalid("weak_password", f"密码至少 {MIN_LENGTH} 位，最多 {MAX_LENGTH} 位。", field)
    if _count_classes(password) < 3:
        raise Invalid("weak_password", "密码要包含大写字母、小写字母、数字、符号中的三种。", field)
    lowered = password.lower()
    if username.lower() in lowered or any(core in lowered for core in BLOCKED):
        raise Invalid("weak_password", "密码太容易猜到，请换一个。", field)


async def hash_password(password: str) -> str:
    """Return the argon2id hash of `password` in PHC form."""
    return await asyncio.to_thread(HASHER.hash, password)


async def verify_password(digest: str | None, password: str) -> bool:
    """Tell whether `password` fits `digest`; without a digest spend the same time and say no."""
    fits = await asyncio.to_thread(_verify, digest or DECOY, password[: MAX_LENGTH + 1])
    return fits and digest is not None


def _verify(digest: str, password: str) -> bool:
    try:
        return HASHER.verify(digest, password)
    except (VerificationError, InvalidHashError):
        return False


def _count_classes(password: str) -> int:
    tests = (str.islower, str.isupper, str.isdigit, lambda c: not c.isalnum())
    return sum(any(test(c) for c in password) for test in tests)
