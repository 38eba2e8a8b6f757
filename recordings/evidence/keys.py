"""Key register: which key of this installation was good when; private keys are files beside it.

It lies outside the database, so that neither a copy nor a change of the database gives away or replaces a
key. ``register.json`` holds public keys only and may be published; verification takes it as true, so it
has to reach the verifier on another way than the recording.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

from recordings.evidence import ed25519, sm2
from recordings.evidence.manifest import canonical, moment_text, write_durably

REGISTER_FORMAT = "lianxin-key-register"
REGISTER_FILE = "register.json"
KEY_FILE = "manifest-ed25519.pem"  # The first key of an installation.
# A sealing that began with the old key may end after the rotation; a revocation knows no such mercy.
HANDOVER = timedelta(minutes=10)


class RegisterError(ValueError):
    """The register cannot be read, or what was asked of it cannot be; the text says it in Chinese."""


class PrivateKey(Protocol):
    """A key that signs."""

    algorithm: str
    public_key: bytes

    def sign_bytes(self, data: bytes) -> bytes:
        """The signature over ``data``."""


@dataclass(frozen=True)
class Objection:
    """Why a signature of a known key is refused."""

    code: str
    text_zh: str
    text_en: str


@dataclass(frozen=True)
class KeyEntry:
    """One key. ``public_key`` and ``fingerprint`` are hex; times are RFC 3339 in UTC or None.

    ``valid_from`` None: from the beginning. ``retired_at``: a newer key took over. ``revoked_at``: from
    then on nothing it signs is believed; what it signed before stays good.
    """

    fingerprint: str
    algorithm: str
    public_key: str
    file: str
    valid_from: str | None = None
    retired_at: str | None = None
    revoked_at: str | None = None
    reason: str | None = None

    @property
    def active(self) -> bool:
        return self.retired_at is None and self.revoked_at is None

    def objection(self, signed_at: datetime | None) -> Objection | None:
        """What speaks against a signature made at ``signed_at`` (None: nobody knows when)."""
        revoked, retired, valid = (_moment(t) for t in (self.revoked_at, self.retired_at, self.valid_from))
        key = self.fingerprint[:16]
        if revoked is not None and (signed_at is None or signed_at >= revoked):
            zh = f"签名密钥 {key}… 已于 {self.revoked_at} 吊销（{self.reason}），此后的签名不予承认。"
            en = f"Key {key}… was revoked at {self.revoked_at}; later signatures are refused."
            return Objection("key_revoked", zh, en)
        if signed_at is None:
            return None
        if retired is not None and signed_at > retired + HANDOVER:
            zh = f"签名密钥 {key}… 已于 {self.retired_at} 停用，签名却在其后。"
            en = f"Key {key}… was retired at {self.retired_at}; the signature is later."
            return Objection("key_retired", zh, en)
        if valid is not None and signed_at < valid:
            zh = f"签名时间早于密钥 {key}… 的启用时间 {self.valid_from}。"
            en = f"The signature is earlier than key {key}…, which is valid from {self.valid_from}."
            return Objection("key_not_yet_valid", zh, en)
        return None


@dataclass(frozen=True)
class KeyRegister:
    """All keys, oldest first."""

    keys: tuple[KeyEntry, ...] = ()

    def find(self, fingerprint: str) -> KeyEntry | None:
        return next((key for key in self.keys if key.fingerprint == fingerprint), None)

    @property
    def active(self) -> KeyEntry | None:
        return next((key for key in reversed(self.keys) if key.active), None)

    def content(self) -> dict[str, Any]:
        return {"format": REGISTER_FORMAT, "version": 1, "keys": [asdict(key) for key in self.keys]}


def read_register(path: Path) -> KeyRegister:
    """Raises RegisterError for anything that is not a register."""
    names = {item.name for item in fields(KeyEntry)}
    try:
        content = json.loads(path.read_bytes())
        if content["format"] != REGISTER_FORMAT or content["version"] != 1:
            raise ValueError("format")
        register = KeyRegister(tuple(KeyEntry(**{n: key.get(n) for n in names}) for key in content["keys"]))
        for key in register.keys:
            if hashlib.sha256(bytes.fromhex(key.public_key)).hexdigest() != key.fingerprint:
                raise ValueError(f"fingerprint of {key.file}")
            for text in (key.valid_from, key.retired_at, key.revoked_at):
                _moment(text)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise RegisterError(f"密钥登记簿 {path.name} 无法解读：{error}") from error
    return register


def open_register(directory: Path) -> KeyRegister:
    """The register of this installation; it and the first key are made at the first call."""
    path = directory / REGISTER_FILE
    if path.exists():
        return read_register(path)
    with _locked(directory):
        if not path.exists():
            if later := sorted({item.name for item in directory.glob("*.pem")} - {KEY_FILE}):
                # A new register would call everything unknown that was signed before.
                raise RegisterError(f"有密钥 {later[0]}，却没有登记簿 {path.name}：请从备份恢复登记簿。")
            if not (directory / KEY_FILE).exists():
                _write_key(directory / KEY_FILE, ed25519.generate())
            _save(directory, KeyRegister((_entry(directory, KEY_FILE, ed25519.ALGORITHM, None),)))
    return read_register(path)


def active_key(directory: Path) -> PrivateKey:
    """The key to sign with now. Raises RegisterError when every key is revoked or its file is gone."""
    entry = open_register(directory).active
    if entry is not None and not (directory / entry.file).exists():
        entry = open_register(directory).active  # Perhaps it was replaced just now.
    if entry is None:
        raise RegisterError("没有可用的签名密钥，请运行 lianxin keys rotate。")
    try:
        key = _load(directory, entry.file, entry.algorithm)
    except (OSError, ValueError, TypeError) as error:
        raise RegisterError(f"签名密钥文件 {entry.file} 读不了：{error}") from error
    if key.public_key.hex() != entry.public_key:
        raise RegisterError(f"签名密钥文件 {entry.file} 与登记簿不符。")
    return key


def rotate_key(directory: Path, now: datetime, algorithm: str = ed25519.ALGORITHM) -> KeyEntry:
    """Begin a new key and retire the present one, whose private half is destroyed.

    Raises RegisterError for an unknown algorithm and where openssl does not offer it.
    """
    open_register(directory)
    with _locked(directory):
        return _rotate(directory, read_register(directory / REGISTER_FILE), now, algorithm)


def revoke_key(
    directory: Path, fingerprint: str, reason: str, now: datetime, since: datetime | None = None
) -> KeyEntry:
    """Believe nothing a key signs from ``since`` (default: now) on; a new key takes over if it was in use.

    ``fingerprint`` may be its beginning, at least eight digits. Once more only with an earlier ``since``:
    the theft was older than it seemed. Raises RegisterError.
    """
    open_register(directory)
    with _locked(directory):
        register = read_register(directory / REGISTER_FILE)
        entry = _choose(register, fingerprint)
        known = _moment(entry.revoked_at)
        if known is not None and (since is None or since >= known):
            raise RegisterError(f"这把密钥已于 {entry.revoked_at} 吊销。")
        if not reason.strip():
            raise RegisterError("吊销密钥要写明原因。")
        if entry.active:
            try:
                _rotate(directory, register, now, entry.algorithm)
            except RegisterError:  # Without openssl no SM2; a stolen key is revoked all the same.
                _rotate(directory, register, now, ed25519.ALGORITHM)
            register = read_register(directory / REGISTER_FILE)
        revoked = replace(
            _choose(register, fingerprint), revoked_at=moment_text(since or now), reason=reason.strip()[:200]
        )
        keys = tuple(revoked if key.fingerprint == revoked.fingerprint else key for key in register.keys)
        _save(directory, KeyRegister(keys))
    return revoked


def _rotate(directory: Path, register: KeyRegister, now: datetime, algorithm: str) -> KeyEntry:
    makers = {ed25519.ALGORITHM: ed25519.generate, sm2.ALGORITHM: sm2.generate}
    if algorithm not in makers:
        raise RegisterError(f"没有这种签名算法：{algorithm}（可用：{'、'.join(makers)}）。")
    try:
        pem = makers[algorithm]()
    except sm2.Sm2Unavailable as error:
        raise RegisterError(f"本机的 openssl 不提供 SM2：{error}") from error
    name = f"manifest-{algorithm.split('-')[0].lower()}-{len(register.keys) + 1:03d}.pem"
    (directory / name).unlink(missing_ok=True)  # Left by somebody who died before it was registered.
    _write_key(directory / name, pem)
    at = moment_text(now)
    entry = _entry(directory, name, algorithm, at)
    old = [replace(key, retired_at=at) if key.active else key for key in register.keys]
    _save(directory, KeyRegister((*old, entry)))
    for key in register.keys:
        if key.file:
            (directory / key.file).unlink(missing_ok=True)
    return entry


def _choose(register: KeyRegister, fingerprint: str) -> KeyEntry:
    found = [key for key in register.keys if key.fingerprint.startswith(fingerprint.lower())]
    if len(fingerprint) < 8 or len(found) != 1:
        raise RegisterError(f"登记簿里没有这把密钥，或写得不够长：{fingerprint}")
    return found[0]


def _load(directory: Path, name: str, algorithm: str) -> PrivateKey:
    path = directory / Path(name).name
    return sm2.Sm2Key(path) if algorithm == sm2.ALGORITHM else ed25519.Ed25519Key(path)


def _entry(directory: Path, name: str, algorithm: str, valid_from: str | None) -> KeyEntry:
    public = _load(directory, name, algorithm).public_key
    return KeyEntry(hashlib.sha256(public).hexdigest(), algorithm, public.hex(), name, valid_from)


def _save(directory: Path, register: KeyRegister) -> None:
    write_durably(directory / REGISTER_FILE, canonical(register.content()))


def _write_key(path: Path, pem: bytes) -> None:
    fd = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(fd, "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    if moment.tzinfo is None:
        raise ValueError(f"time without zone: {text}")
    return moment


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """One process at a time changes the register."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    fd = os.open(directory / ".register.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        yield
    finally:
        os.close(fd)
