"""Every setting by its group, with what it is when nobody says otherwise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from recordings.archive.retention import DEFAULT_CLASSES
from recordings.packages.filing import Filing, read_filing
from recordings.space import LEAST_SHARE


@dataclass(frozen=True)
class WebSettings:
    host: str = "127.0.0.1"
    port: int = 8080
    public_url: str = ""  # Scheme and host as people type it; empty: taken from each request.
    certificate: str = ""  # PEM chain; together with `key` the server speaks HTTPS itself.
    key: str = ""
    trusted_proxies: tuple[str, ...] = ()  # Addresses whose X-Forwarded-* headers are believed.
    idle_minutes: int = 15
    help_phone: str = "12345"
    follow_browser: bool = False  # English for browsers that ask for it and for no Chinese.
    session_minutes: int = 60  # Length offered for a new sitting.
    listen_descriptor: int = -1  # A listening socket inherited from the supervisor.


@dataclass(frozen=True)
class MediaSettings:
    port: int = 43000  # Worker n uses port + n.
    workers: int = 0  # 0: one per core less one, at least one.
    # Addresses offered to browsers as ICE candidates: `address` or `address=local`.
    addresses: tuple[str, ...] = ("127.0.0.1",)
    networks: tuple[str, ...] = ()  # CIDR blocks that peers may come from; empty: any.
    tcp: bool = True  # Media over TCP as well, on the same port numbers.
    fast_path: bool = True  # The compiled packet path where it was built; docs/packet-path.md.
    turn_urls: tuple[str, ...] = ()  # turn:host:port?transport=udp and the like; docs/turn.md.
    turn_secret: str = ""  # Shared with coturn's static-auth-secret.


@dataclass(frozen=True)
class RecordingsSettings:
    poll_seconds: float = 1.0
    verify_days: int = 90  # Every byte of every sealed recording is read again within so many days.
    spill: str = ""  # An existing folder on a second disk, for what the first one cannot take.
    least_free_share: float = LEAST_SHARE  # Of the disk; below it no recording begins.
    font: str = ""  # A font with Chinese glyphs; empty: look where systems keep them.


@dataclass(frozen=True)
class ArchiveSettings:
    store: str = ""  # A directory, or s3://bucket/prefix; empty: nothing is copied.
    endpoint: str = ""  # https://host of an S3-compatible store; empty: Amazon's own.
    region: str = "us-east-1"
    access_key: str = ""
    secret_key: str = ""
    lock: bool = False  # S3 Object Lock until the retention ends.
    key_file: str = ""  # Wraps the sessions' keys; empty: in the state directory.
    local_days: int = 0  # Originals age out so long after they were archived; 0: never.
    retention: str = "permanent"  # The class of new recordings.
    classes: tuple[str, ...] = DEFAULT_CLASSES  # name=years, 0 for ever.
    repository: str = ""  # 档案馆代码, for the metadata of exported packages.
    fonds: tuple[str, ...] = ()  # office=全宗号
    poll_seconds: float = 5.0

    @property
    def filing(self) -> Filing:
        """Raises ValueError naming what cannot be used."""
        return read_filing(self.repository, self.fonds)


@dataclass(frozen=True)
class StampsSettings:
    authority: str = ""  # Address of a time-stamping authority (RFC 3161); empty: no time stamps.
    certificate: str = ""  # PEM of its root and what lies between.


@dataclass(frozen=True)
class ReceptionSettings:
    identity: bool = True  # Petitioners and proxies prove who they are before they enter.
    unrecorded: bool = False  # A host may grant a reception without recording to who does not agree to it.
    terminal_idle_seconds: int = 120  # Until a station's terminal asks whether anybody is there.


@dataclass(frozen=True)
class OidcSettings:
    """A provider of identity (OpenID Connect). Nothing is looked up: each address and key is told here."""

    authorize: str = ""  # Address people are sent to; empty: there is no provider.
    token: str = ""  # Address that gives the ID token for a code.
    issuer: str = ""
    client_id: str = ""
    client_secret: str = ""
    keys: str = ""  # File with its public keys (JWK set; RS256 or ES256).
    scope: str = "openid profile"
    name_claim: str = "name"  # Compared with the name that was registered, and not kept.
    number_claim: str = ""  # Number of the identity card, where a case needs it.


@dataclass(frozen=True)
class NoticesSettings:
    gateway: str = ""  # Address that messages are posted to as JSON; empty: none leave.
    token: str = ""  # Bearer token for it.


@dataclass(frozen=True)
class InboundSettings:
    sms_secret: str = ""  # Signs what the SMS gateway hands in at /inbound/sms; empty: nothing is taken.
    wechat_secret: str = ""
    office: str = "6201"  # Region code of the office for messages that name none.


@dataclass(frozen=True)
class WebhooksSettings:
    plain_hosts: tuple[str, ...] = ()  # Hosts that may be told of events by http; all others by https.
    networks: tuple[str, ...] = ()  # CIDR blocks that may be reached beside the addresses of the internet.
    authority: str = ""  # PEM of those who sign the receivers' certificates; empty: the system's.


@dataclass(frozen=True)
class DatabaseSettings:
    url: str = ""  # Empty: SQLite in the state directory.


GROUPS: dict[str, type[Any]] = {
    "web": WebSettings,
    "media": MediaSettings,
    "recordings": RecordingsSettings,
    "archive": ArchiveSettings,
    "stamps": StampsSettings,
    "reception": ReceptionSettings,
    "oidc": OidcSettings,
    "notices": NoticesSettings,
    "inbound": InboundSettings,
    "webhooks": WebhooksSettings,
    "database": DatabaseSettings,
}
