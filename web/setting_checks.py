"""What the settings of each group must be, said before anything starts. Each check raises SettingsError."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from media.addresses import read_address
from media.networks import Networks
from recordings.archive.retention import read_classes
from web.setting_groups import (
    ArchiveSettings,
    DatabaseSettings,
    MediaSettings,
    NoticesSettings,
    OidcSettings,
    ReceptionSettings,
    RecordingsSettings,
    StampsSettings,
    WebhooksSettings,
    WebSettings,
)

PREFIX = "LIANXIN_"
DATABASE_SYSTEMS = ("sqlite", "postgresql", "postgres")


class SettingsError(ValueError):
    """A setting cannot be used; the message says which one and why, in plain words."""


def check_web(web: WebSettings) -> None:
    _check_port("WEB_PORT", web.port)
    if bool(web.certificate) != bool(web.key):
        raise SettingsError("证书和私钥要一起给 certificate and key go together")


def check_recordings(recordings: RecordingsSettings) -> None:
    if not 1 <= recordings.verify_days <= 3650:
        raise SettingsError(f"{PREFIX}RECORDINGS_VERIFY_DAYS: 1..3650")
    if not 0 <= recordings.least_free_share <= 0.5:
        raise SettingsError(f"{PREFIX}RECORDINGS_LEAST_FREE_SHARE: 0..0.5")
    if recordings.spill and not Path(recordings.spill).is_absolute():
        raise SettingsError(f"{PREFIX}RECORDINGS_SPILL: 要写完整路径 an absolute path, please")


def check_reception(reception: ReceptionSettings) -> None:
    if not 10 <= reception.terminal_idle_seconds <= 3600:
        raise SettingsError(f"{PREFIX}RECEPTION_TERMINAL_IDLE_SECONDS: 10..3600")


def check_notices(notices: NoticesSettings) -> None:
    _check_http("NOTICES_GATEWAY", notices.gateway)


def check_database(database: DatabaseSettings) -> None:
    system = database.url.partition(":")[0].partition("+")[0]
    if database.url and system not in DATABASE_SYSTEMS:
        raise SettingsError(f"{PREFIX}DATABASE_URL: 只能是 SQLite 或 PostgreSQL, not {system!r}")


def check_media(media: MediaSettings) -> None:
    _check_port("MEDIA_PORT", media.port)
    if not 0 <= media.workers <= 256:
        raise SettingsError(f"{PREFIX}MEDIA_WORKERS: 0..256")
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


def check_archive(archive: ArchiveSettings) -> None:
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


def check_stamps(stamps: StampsSettings) -> None:
    if bool(stamps.authority) != bool(stamps.certificate):
        raise SettingsError("时间戳机构的地址和证书要一起给 STAMPS_AUTHORITY and _CERTIFICATE go together")
    _check_http("STAMPS_AUTHORITY", stamps.authority)
    if stamps.certificate and not Path(stamps.certificate).is_file():
        raise SettingsError(f"{PREFIX}STAMPS_CERTIFICATE: 没有这个文件 no such file: {stamps.certificate}")


def check_oidc(oidc: OidcSettings) -> None:
    needed = {name: getattr(oidc, name) for name in ("authorize", "token", "issuer", "client_id", "keys")}
    if not any(needed.values()):
        return
    if missing := [f"{PREFIX}OIDC_{name.upper()}" for name, value in needed.items() if not value]:
        raise SettingsError(f"账号核验还缺 the provider of identity needs too: {', '.join(missing)}")
    for name in ("authorize", "token"):
        _check_http(f"OIDC_{name.upper()}", needed[name])
    if not Path(oidc.keys).is_file():
        raise SettingsError(f"{PREFIX}OIDC_KEYS: 没有这个文件 no such file: {oidc.keys}")


def check_webhooks(webhooks: WebhooksSettings) -> None:
    try:
        for network in webhooks.networks:
            ipaddress.ip_network(network)
    except ValueError as error:
        raise SettingsError(f"{PREFIX}WEBHOOKS_NETWORKS: 网段写法不对 not a network: {error}") from error
    if webhooks.authority and not Path(webhooks.authority).is_file():
        reason = f"没有这个文件 no such file: {webhooks.authority}"
        raise SettingsError(f"{PREFIX}WEBHOOKS_AUTHORITY: {reason}")


CHECKS: Mapping[str, Callable[[Any], None]] = {
    "web": check_web,
    "media": check_media,
    "recordings": check_recordings,
    "archive": check_archive,
    "stamps": check_stamps,
    "reception": check_reception,
    "oidc": check_oidc,
    "notices": check_notices,
    "webhooks": check_webhooks,
    "database": check_database,
}


def _check_port(name: str, port: int) -> None:
    if not 1 <= port <= 65535:
        raise SettingsError(f"{PREFIX}{name}: 端口要在 1 到 65535 之间 a port is 1..65535, not {port}")


def _check_http(name: str, address: str) -> None:
    if address and not address.startswith(("http://", "https://")):
        raise SettingsError(f"{PREFIX}{name}: 要写 http(s):// 地址 an address of HTTP, please: {address}")
