"""`lianxin serve`, `lianxin demo`, and the processes that they start."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Annotated, Any

import typer

from web.commands.doctor import examine
from web.commands.schema import migrate_database
from web.commands.terminal import complaints, console, read_settings, stop
from web.processes.loading import loading
from web.settings import Settings

Host = Annotated[str, typer.Option(help="监听地址 address to listen on")]
Port = Annotated[int, typer.Option(help="端口 port")]
Lan = Annotated[
    bool, typer.Option("--lan", help="给局域网里的手机用：自建证书 HTTPS for phones in the local network")
]
Certificate = Annotated[str, typer.Option(help="证书 PEM certificate")]
Key = Annotated[str, typer.Option(help="私钥 PEM key")]


def serve(
    host: Host = "", port: Port = 0, lan: Lan = False, certificate: Certificate = "", key: Key = ""
) -> None:
    """启动全部进程 Start everything."""
    settings = _prepared(_chosen(host, port, certificate, key), lan)
    migrate_database(settings)
    _serve(settings)
    _leave()


def demo(
    host: Host = "", port: Port = 0, lan: Lan = False, certificate: Certificate = "", key: Key = ""
) -> None:
    """准备演示数据并启动 Seed the demo day and start everything."""
    from web.demo.prepare import prepare_demo, record_in_background, show_demo

    chosen = replace(_chosen(host, port, certificate, key), demo=True)
    settings = _prepared(chosen, lan)
    day = asyncio.run(prepare_demo(settings, past=True))
    show_demo(console, settings, day)
    _serve(settings, beside=record_in_background)
    _leave()


def web() -> None:
    """One web process (started by serve)."""
    with loading():
        from web.processes.server import run_web

    run_web(read_settings())
    _leave()


def media_worker(number: int) -> None:
    """One media worker (started by serve)."""
    from web.processes.media_process import run_media_worker

    run_media_worker(read_settings(), number)


def recordings_worker() -> None:
    """The recordings worker (started by serve)."""
    with loading():
        from web.processes.server import run_recordings

    run_recordings(read_settings())
    _leave()


def demo_reception(session_id: str, waiting: Annotated[list[str] | None, typer.Argument()] = None) -> None:
    """Hold the finished reception of the demo day with real peers, then wait in other sessions."""
    from web.demo.waiters import play

    asyncio.run(play(read_settings(), session_id, waiting or ()))


def _chosen(host: str, port: int, certificate: str, key: str) -> Settings:
    settings = read_settings()
    changes = {"host": host, "port": port, "certificate": certificate, "key": key}
    web_settings = replace(settings.web, **{name: value for name, value in changes.items() if value})  # type: ignore[arg-type]
    return replace(settings, web=web_settings)


def _prepared(settings: Settings, lan: bool) -> Settings:
    """Settings ready to serve with: network chosen, what is missing said before anything starts."""
    if bool(settings.web.certificate) != bool(settings.web.key):
        stop("--certificate 和 --key 要一起给 (both or none)")
    if lan:
        settings = _for_local_network(settings)
    _refuse_to_start(settings)
    settings.prepare_directories()
    return settings


def _for_local_network(settings: Settings) -> Settings:
    from web.processes.tls import lan_addresses, lan_certificate

    addresses = lan_addresses()
    if not addresses:
        stop("这台机器没有局域网地址 (this machine has no address in a local network)")
    made = lan_certificate(settings.state / "tls", addresses)
    web_settings = replace(
        settings.web,
        host="0.0.0.0" if settings.web.host == "127.0.0.1" else settings.web.host,
        certificate=settings.web.certificate or str(made.certificate),
        key=settings.web.key or str(made.key),
    )
    media = replace(settings.media, addresses=tuple(dict.fromkeys((*addresses, "127.0.0.1"))))
    return replace(settings, web=web_settings, media=media)


def _refuse_to_start(settings: Settings) -> None:
    for finding in examine(settings):
        if not finding.good:
            style = "red" if finding.serious else "yellow"
            complaints.print(f"[{style}]{finding.name}[/] {finding.text}", soft_wrap=True)
            if finding.serious:
                raise typer.Exit(1)


def _serve(settings: Settings, beside: Callable[[Settings], Coroutine[Any, Any, None]] | None = None) -> None:
    """Supervise until a signal comes; `beside` runs along and is cancelled at the end."""
    from web.processes.supervisor import PortTaken, Supervisor, open_listener

    try:
        listener = open_listener(settings)
    except PortTaken as error:
        stop(str(error))
    _say_where(settings)

    async def run() -> None:
        companion = asyncio.create_task(beside(settings)) if beside else None
        try:
            await Supervisor(settings, listener).run()
        finally:
            if companion:
                companion.cancel()
                await asyncio.gather(companion, return_exceptions=True)

    asyncio.run(run())


def _say_where(settings: Settings) -> None:
    from web.processes.server import base_url
    from web.qr import qr_text

    base = base_url(settings)
    running = f"\n[bold]连心桥正在运行 Lianxin is running:[/] {base}   (Ctrl+C 停止 stops it)"
    console.print(running, soft_wrap=True)
    if not settings.web.certificate.startswith(str(settings.state / "tls")):
        return
    for line in (
        f"手机第一次要先信任自建的证书机构：打开 {base}/authority.pem（浏览器提示不安全时选「继续」）",
        "  Android：设置 → 安全 → 加密与凭据 → 安装 CA 证书",
        "  iPhone：下载后到 设置 → 已下载描述文件 安装，再到 关于本机 → 证书信任设置 打开开关",
        "Phones must trust this authority once; the code leads to it.",
    ):
        console.print(line, soft_wrap=True)
    console.print(qr_text(f"{base}/authority.pem"))


def _leave() -> None:
    """End this process at once: what was opened is closed.

    Taking the interpreter apart would cost half a second of computing in each process, and people wait.
    """
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
