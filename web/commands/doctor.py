"""`lianxin doctor`: what must be there before a reception can be held, each with what to do about it."""

from __future__ import annotations

import socket
import sys
from dataclasses import dataclass
from pathlib import Path

import typer

from recordings.space import LEAST_FREE
from web.commands.terminal import console, read_settings
from web.settings import Settings

FONT_FILES = (
    "/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/noto/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/google-noto-cjk/NotoSansCJK-Regular.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc",
    "/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc",
)


@dataclass(frozen=True)
class Finding:
    """`serious` stops the start; otherwise the service runs without something."""

    name: str
    good: bool
    text: str
    serious: bool = True


def doctor() -> None:
    """检查端口、磁盘、字体、数据目录 Check ports, disk, fonts, state directory."""
    findings = examine(read_settings())
    for finding in findings:
        mark = "[green]✓[/]" if finding.good else ("[red]✗[/]" if finding.serious else "[yellow]![/]")
        console.print(f" {mark} {finding.name}  {finding.text}", soft_wrap=True)
    raise typer.Exit(any(not finding.good and finding.serious for finding in findings))


def examine(settings: Settings, *, ports: bool = True) -> list[Finding]:
    found = [check_python(), check_disk(settings), check_writable(settings.state), check_font(settings)]
    if ports:
        found += [check_web_port(settings), *check_media_ports(settings)]
    return found


def check_python() -> Finding:
    version = ".".join(map(str, sys.version_info[:3]))
    good = sys.version_info >= (3, 11)
    return Finding(
        "Python", good, version if good else f"{version}：需要 3.11 或更高 (3.11 or newer is needed)"
    )


def check_disk(settings: Settings) -> Finding:
    """Less than a tenth (a setting) or 1 GiB free and no recording may begin; soon above it, make room.

    Only below 1 GiB the service does not start: cases, replays and talk need no room for recordings.
    """
    space = settings.gauge.measure(settings.state)
    text = f"可用 {space.free / 1e9:.1f} GB（{space.share:.0%}），共 {space.total / 1e9:.1f} GB"
    if not space.enough:
        text += (
            "：太少，不能开始录像。请清理磁盘，或用 LIANXIN_STATE 换目录 (too little space for recordings)"
        )
    elif not space.ample:
        text += f"：快满了，低于 {space.least_share:.0%} 就不能开始录像，请尽早清理 (nearly full)"
    return Finding("磁盘 disk", space.ample, text, serious=space.free < LEAST_FREE)


def check_writable(state: Path) -> Finding:
    try:
        state.mkdir(parents=True, exist_ok=True)
        probe = state / ".writable"
        probe.write_bytes(b"")
        probe.unlink()
    except OSError as error:
        return Finding("数据目录 state", False, f"{state} 不能写 cannot be written: {error.strerror}")
    return Finding("数据目录 state", True, str(state))


def check_font(settings: Settings) -> Finding:
    named = settings.recordings.font
    path = named if named and Path(named).exists() else next((f for f in FONT_FILES if Path(f).exists()), "")
    advice = "没有中文字体，合成录像里的姓名会是方框：apt-get install fonts-noto-cjk (no Chinese font)"
    return Finding("字体 font", bool(path), path or advice, serious=False)


def check_web_port(settings: Settings) -> Finding:
    where = (settings.web.host, settings.web.port)
    good = _can_bind(where, socket.SOCK_STREAM)
    name = f"{where[0]}:{where[1]}"
    return Finding(
        "网页端口 web port", good, name if good else f"{name} 被占用，换一个 --port (taken, try another)"
    )


def check_media_ports(settings: Settings) -> list[Finding]:
    first = settings.media.port
    found = []
    for port in range(first, first + settings.media_workers):
        good = _can_bind(("0.0.0.0", port), socket.SOCK_DGRAM)
        text = f"UDP {port}" if good else f"UDP {port} 被占用，换一个 LIANXIN_MEDIA_PORT (taken)"
        found.append(Finding("媒体端口 media port", good, text))
        if settings.media.tcp and not _can_bind(("0.0.0.0", port), socket.SOCK_STREAM):
            text = f"TCP {port} 被占用，UDP 不通的人接不进来 (taken: nobody is reached over TCP)"
            found.append(Finding("媒体端口 media port", False, text, serious=False))
    return found


def _can_bind(where: tuple[str, int], kind: int) -> bool:
    with socket.socket(socket.AF_INET6 if ":" in where[0] else socket.AF_INET, kind) as probe:
        if kind == socket.SOCK_STREAM:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(where)
        except OSError:
            return False
    return True
