"""Settings: environment and an optional TOML file into frozen dataclasses, one group per package.

Order of precedence: environment (`LIANXIN_*`), then the TOML file named by `LIANXIN_SETTINGS`, then defaults.
`Settings.environment()` is the inverse of `load`, so that a parent process hands its settings to children.
"""

from __future__ import annotations

import ipaddress
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from media.addresses import read_address
from media.networks import Networks
from recordings.archive.retention import DEFAULT_CLASSES, read_classes
from recordings.packages.filing import Filing, read_filing
from recordings.space import LEAST_SHARE, DiskGauge

PREFIX = "LIANXIN_"
DEMO_SHARE = 0.01
DATABASE_SYSTEMS = ("sqlite", "postgresql", "postgres")


class SettingsError(ValueError):
    """A setting cannot be used; the message says which one and why, in plain words."""


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


@dataclass(frozen=True)
class Settings:
    state: Path = Path("var")
    demo: bool = False
    log_level: str = "INFO"
    web: WebSettings = field(default_factory=WebSettings)
    media: MediaSettings = field(default_factory=MediaSettings)
    recordings: RecordingsSettings = field(default_factory=RecordingsSettings)
    archive: ArchiveSettings = field(default_factory=ArchiveSettings)
    stamps: StampsSettings = field(default_factory=StampsSettings)
    reception: ReceptionSettings = field(default_factory=ReceptionSettings)
    oidc: OidcSettings = field(default_factory=OidcSettings)
    notices: NoticesSettings = field(default_factory=NoticesSettings)
    inbound: InboundSettings = field(default_factory=InboundSettings)
    webhooks: WebhooksSettings = field(default_factory=WebhooksSettings)
    database: DatabaseSettings = field(default_factory=DatabaseSettings)

    @property
    def database_url(self) -> str:
        return self.database.url or f"sqlite+aiosqlite:///{self.state / 'lianxin.db'}"

    @property
    def recordings_root(self) -> Path:
        return self.state / "recordings"

    @property
    def faces(self) -> Path:
        """Where small faces of letters are kept; they can be made again at any time."""
        return self.state / "faces"

    @property
    def gauge(self) -> DiskGauge:
        """Measures the disk of the recordings. A demonstration may be seen on a nearly full laptop."""
        least = self.recordings.least_free_share
        return DiskGauge(min(least, DEMO_SHARE) if self.demo else least)

    @property
    def spill_root(self) -> Path | None:
        """Where recordings go on when the first disk cannot take them; a folder on another one."""
        return Path(self.recordings.spill) if self.recordings.spill else None

    @property
    def secure(self) -> bool:
        """True when browsers reach us by HTTPS."""
        return bool(self.web.certificate) or self.web.public_url.startswith("https://")

    @property
    def media_workers(self) -> int:
        return self.media.workers or max(1, (os.cpu_count() or 1) - 1)

    def media_socket(self, number: int) -> Path:
        return self.state / "run" / f"media-{number}.sock"

    def prepare_directories(self) -> None:
        """Create the state directory and its rooms, readable by the owner only."""
        for name in ("", "recordings", "run", "keys", "outbox", "tls", "materials", "enclosures"):
            (self.state / name).mkdir(mode=0o700, parents=True, exist_ok=True)

    def environment(self) -> dict[str, str]:
        """Every setting as `LIANXIN_*` variables."""
        found = {name: getattr(self, name) for name in ("state", "demo", "log_level")}
        for group in GROUPS:
            values = getattr(self, group)
            found |= {f"{group}_{item.name}": getattr(values, item.name) for item in fields(values)}
        return {PREFIX + name.upper(): _dump(value) for name, value in found.items()}


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


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings. Raises SettingsError naming the variable that cannot be used."""
    variables = os.environ if environment is None else environment
    document = _read_toml(variables.get(PREFIX + "SETTINGS", ""))
    settings = Settings(**_top_level(document, variables))
    groups = {name: _group(kind(), name, document.get(name, {}), variables) for name, kind in GROUPS.items()}
    settings = replace(settings, state=settings.state.absolute(), **groups)
    _check(settings)
    return settings


def _read_toml(path: str) -> dict[str, Any]:
    if not path:
        return {}
    try:
        return tomllib.loads(Path(path).read_text("utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{PREFIX}SETTINGS: 读不了 cannot read {path}: {error}") from error


def _top_level(document: Mapping[str, Any], variables: Mapping[str, str]) -> dict[str, Any]:
    default = Settings()
    found: dict[str, Any] = {}
    for name in ("state", "demo", "log_level"):
        raw = variables.get(PREFIX + name.upper(), document.get(name))
        if raw not in (None, ""):
            found[name] = _convert(getattr(default, name), raw, PREFIX + name.upper())
    return found


def _group(default: Any, name: str, document: Mapping[str, Any], variables: Mapping[str, str]) -> Any:
    known = {item.name for item in fields(default)}
    if unknown := set(document) - known:
        raise SettingsError(f"[{name}]: 没有这个设置 unknown setting: {', '.join(sorted(unknown))}")
    found = {}
    for item in known:
        variable = f"{PREFIX}{name}_{item}".upper()
        raw = variables.get(variable, document.get(item))
        if raw not in (None, ""):
            found[item] = _convert(getattr(default, item), raw, variable)
    return replace(default, **found)


def _convert(default: Any, raw: Any, variable: str) -> Any:
    try:
        if isinstance(default, bool):
            return raw if isinstance(raw, bool) else _boolean(raw)
        if isinstance(default, tuple):
            parts = raw.split(",") if isinstance(raw, str) else raw
            return tuple(str(part).strip() for part in parts if str(part).strip())
        return type(default)(raw) if not isinstance(default, Path) else Path(raw)
    except (TypeError, ValueError) as error:
        raise SettingsError(f"{variable}: 不能用这个值 cannot use {raw!r}") from error


def _boolean(raw: str) -> bool:
    if raw.lower() in ("1", "true", "yes", "on"):
        return True
    if raw.lower() in ("0", "false", "no", "off"):
        return False
    raise ValueError(raw)


def _check(settings: Settings) -> None:
    for name, port in (("WEB_PORT", settings.web.port), ("MEDIA_PORT", settings.media.port)):
        if not 1 <= port <= 65535:
            raise SettingsError(f"{PREFIX}{name}: 端口要在 1 到 65535 之间 a port is 1..65535, not {port}")
    system = settings.database_url.partition(":")[0].partition("+")[0]
    if system not in DATABASE_SYSTEMS:
        raise SettingsError(f"{PREFIX}DATABASE_URL: 只能是 SQLite 或 PostgreSQL, not {system!r}")
    if bool(settings.web.certificate) != bool(settings.web.key):
        raise SettingsError("证书和私钥要一起给 certificate and key go together")
    if not 0 <= settings.media.workers <= 256:
        raise SettingsError(f"{PREFIX}MEDIA_WORKERS: 0..256")
    if not 1 <= settings.recordings.verify_days <= 3650:
        raise SettingsError(f"{PREFIX}RECORDINGS_VERIFY_DAYS: 1..3650")
    if not 0 <= settings.recordings.least_free_share <= 0.5:
        raise SettingsError(f"{PREFIX}RECORDINGS_LEAST_FREE_SHARE: 0..0.5")
    _check_reach(settings.media)
    if not 10 <= settings.reception.terminal_idle_seconds <= 3600:
        raise SettingsError(f"{PREFIX}RECEPTION_TERMINAL_IDLE_SECONDS: 10..3600")
    if settings.recordings.spill and not Path(settings.recordings.spill).is_absolute():
        raise SettingsError(f"{PREFIX}RECORDINGS_SPILL: 要写完整路径 an absolute path, please")
    _check_archive(settings.archive)
    _check_stamps(settings.stamps)
    _check_oidc(settings.oidc)
    _check_webhooks(settings.webhooks)
    if settings.notices.gateway and not settings.notices.gateway.startswith(("http://", "https://")):
        raise SettingsError(f"{PREFIX}NOTICES_GATEWAY: 要写 http(s):// 地址 an address of HTTP, please")


def _check_reach(media: MediaSettings) -> None:
    for text in media.addresses:
        try:
            read_address(text)
        except ValueError as error:
            reason = f"不能作为媒体地址 not an address for browsers: {text} ({error})"
            raise SettingsError(f"{PREFIX}MEDIA_ADDRESSES: {reason}") from error
    try:
        Networks(media.networks)
    except ValueError as error:
        raise SettingsError(f"{PREFIX}MEDIA_NETWORKS: 网段写法不对 not a network: {error}") from error
    if wrong := [url for url in media.turn_urls if not url.startswith(("turn:", "turns:"))]:
        raise SettingsError(f"{PREFIX}MEDIA_TURN_URLS: 要以 turn: 或 turns: 开头: {wrong[0]}")
    if bool(media.turn_urls) != bool(media.turn_secret):
        raise SettingsError("TURN 地址和密钥要一起给 MEDIA_TURN_URLS and MEDIA_TURN_SECRET go together")


def _check_archive(archive: ArchiveSettings) -> None:
    place = archive.store
    named = place.startswith("/") or (place.startswith("s3://") and place[5:6].isalnum())
    if place and not named:
        raise SettingsError(f"{PREFIX}ARCHIVE_STORE: 要写绝对路径或 s3://桶/前缀 a path or s3://: {place}")
    try:
        classes = read_classes(archive.classes)
    except ValueError as error:
        raise SettingsError(f"{PREFIX}ARCHIVE_CLASSES: 保管期限写法不对 {error}") from error
    if archive.retention not in classes:
        raise SettingsError(f"{PREFIX}ARCHIVE_RETENTION: 没有这个保管期限 no such class: {archive.retention}")
    try:
        archive.filing  # noqa: B018 - read to see whether it can be.
    except ValueError as error:
        raise SettingsError(f"{PREFIX}ARCHIVE_REPOSITORY, _FONDS: 写法不对 {error}") from error
    if archive.local_days < 0 or archive.poll_seconds <= 0:
        raise SettingsError(f"{PREFIX}ARCHIVE_LOCAL_DAYS, _POLL_SECONDS: 不能是负数 not negative")


def _check_stamps(stamps: StampsSettings) -> None:
    if bool(stamps.authority) != bool(stamps.certificate):
        raise SettingsError("时间戳机构的地址和证书要一起给 STAMPS_AUTHORITY and _CERTIFICATE go together")
    if stamps.authority and not stamps.authority.startswith(("http://", "https://")):
        raise SettingsError(f"{PREFIX}STAMPS_AUTHORITY: 要写 http(s):// 地址: {stamps.authority}")
    if stamps.certificate and not Path(stamps.certificate).is_file():
        raise SettingsError(f"{PREFIX}STAMPS_CERTIFICATE: 没有这个文件 no such file: {stamps.certificate}")


def _check_oidc(oidc: OidcSettings) -> None:
    needed = {name: getattr(oidc, name) for name in ("authorize", "token", "issuer", "client_id", "keys")}
    if not any(needed.values()):
        return
    if missing := [f"{PREFIX}OIDC_{name.upper()}" for name, value in needed.items() if not value]:
        raise SettingsError(f"账号核验还缺 the provider of identity needs too: {', '.join(missing)}")
    for name in ("authorize", "token"):
        if not needed[name].startswith(("http://", "https://")):
            raise SettingsError(f"{PREFIX}OIDC_{name.upper()}: 要写 http(s):// 地址: {needed[name]}")
    if not Path(oidc.keys).is_file():
        raise SettingsError(f"{PREFIX}OIDC_KEYS: 没有这个文件 no such file: {oidc.keys}")


def _check_webhooks(webhooks: WebhooksSettings) -> None:
    try:
        for network in webhooks.networks:
            ipaddress.ip_network(network)
    except ValueError as error:
        raise SettingsError(f"{PREFIX}WEBHOOKS_NETWORKS: 网段写法不对 not a network: {error}") from error
    if webhooks.authority and not Path(webhooks.authority).is_file():
        reason = f"没有这个文件 no such file: {webhooks.authority}"
        raise SettingsError(f"{PREFIX}WEBHOOKS_AUTHORITY: {reason}")


def _dump(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return ",".join(value) if isinstance(value, tuple) else str(value)
