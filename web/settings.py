"""Settings: environment and an optional TOML file into frozen dataclasses (web/setting_groups.py).

Order of precedence: environment (`LIANXIN_*`), then the TOML file named by `LIANXIN_SETTINGS`, then defaults.
`Settings.environment()` is the inverse of `load`, so that a parent process hands its settings to children.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from recordings.space import DiskGauge
from web.setting_checks import CHECKS, PREFIX, SettingsError
from web.setting_groups import (
    GROUPS,
    ArchiveSettings,
    DatabaseSettings,
    InboundSettings,
    MediaSettings,
    NoticesSettings,
    OidcSettings,
    ReceptionSettings,
    RecordingsSettings,
    StampsSettings,
    WebhooksSettings,
    WebSettings,
)

__all__ = ("Settings", "SettingsError", "load")
DEMO_SHARE = 0.01


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


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings. Raises SettingsError naming the variable that cannot be used."""
    variables = os.environ if environment is None else environment
    document = _read_toml(variables.get(PREFIX + "SETTINGS", ""))
    settings = Settings(**_top_level(document, variables))
    groups = {name: _group(kind(), name, document.get(name, {}), variables) for name, kind in GROUPS.items()}
    settings = replace(settings, state=settings.state.absolute(), **groups)
    for name, check in CHECKS.items():
        check(getattr(settings, name))
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


def _dump(value: Any) -> str:
    if isinstance(value, bool):
        return "1" if value else "0"
    return ",".join(value) if isinstance(value, tuple) else str(value)
