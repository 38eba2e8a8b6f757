"""The command line `lianxin`: each command translates its options and calls what does the work."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from web.commands import doctor as doctors
from web.commands import keys as key_commands
from web.commands import ledger as ledger_commands
from web.commands.passwords import password
from web.commands.verify import verify
from web.commands.verify_audit import verify_audit
from web.settings import Settings, SettingsError, load

app = typer.Typer(
    help="连心桥 Lianxin：视频接访 video reception",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(key_commands.app, name="keys")
app.add_typer(ledger_commands.app, name="ledger")
app.command()(verify)
app.command()(password)
app.command("verify-audit")(verify_audit)
archive = typer.Typer(help="归档 archive", no_args_is_help=True)
app.add_typer(archive, name="archive")
console = Console(highlight=False)
complaints = Console(stderr=True, highlight=False)

Host = Annotated[str, typer.Option(help="监听地址 address to listen on")]
Port = Annotated[int, typer.Option(help="端口 port")]
Lan = Annotated[
    bool, typer.Option("--lan", help="给局域网里的手机用：自建证书 HTTPS for phones in the local network")
]
Certificate = Annotated[str, typer.Option(help="证书 PEM certificate")]
Key = Annotated[str, typer.Option(help="私钥 PEM key")]


def main() -> None:
    app()


@app.command()
def serve(
    host: Host = "", port: Port = 0, lan: Lan = False, certificate: Certificate = "", key: Key = ""
) -> None:
    """启动全部进程 Start everything."""
    settings = _prepared(_chosen(host, port, certificate, key), lan)
    _migrate(settings)
    _serve(settings)
    _leave()


@app.command()
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


@app.command("figures-demo")
def figures_demo() -> None:
    """写入一组演示信访件，统计结果与公开数字一致 Seed cases whose figures are the published ones."""
    from web.commands.sample_figures import write_sample_figures

    settings = _settings()
    settings.prepare_directories()
    _migrate(settings)
    written = asyncio.run(write_sample_figures(settings))
    console.print("已写入 written" if written else "已经有了 there already", "/figures?period=2021-H1")


@app.command("recount-clocks")
def recount_clocks(
    finished: Annotated[
        bool, typer.Option("--finished", help="已经办完的也重算 those met before, too")
    ] = False,
) -> None:
    """节假日或者期限表改了以后，重算全部期限 Count all clocks again after the tables have changed."""
    from web.commands.recounting import recount

    told = asyncio.run(recount(_settings(), finished))
    console.print(f"重算 {told.clocks} 项期限，改动 {told.changed} 项 clocks counted, {told.changed} moved")


@app.command(hidden=True)
def web() -> None:
    """One web process (started by serve)."""
    from web.processes.server import run_web

    run_web(_settings())
    _leave()


@app.command("media-worker", hidden=True)
def media_worker(number: int) -> None:
    """One media worker (started by serve)."""
    from web.processes.media_process import run_media_worker

    run_media_worker(_settings(), number)


@app.command("recordings-worker", hidden=True)
def recordings_worker() -> None:
    """The recordings worker (started by serve)."""
    from web.processes.server import run_recordings

    run_recordings(_settings())
    _leave()


@app.command("demo-reception", hidden=True)
def demo_reception(session_id: str) -> None:
    """Hold the finished reception of the demo day with four real peers (started by demo)."""
    from web.demo.reception import hold_reception

    asyncio.run(hold_reception(_settings(), session_id))


@app.command()
def migrate() -> None:
    """建立或升级数据库 Create or upgrade the database."""
    settings = _settings()
    settings.prepare_directories()
    _migrate(settings)
    console.print("数据库已是最新 The database is up to date")


@app.command()
def user(
    username: Annotated[str, typer.Argument(help="用户名 username")],
    name: Annotated[str, typer.Option(prompt="姓名 name")],
    organisation: Annotated[str, typer.Option(prompt="单位区划代码 region code, e.g. 620102")],
    role: Annotated[str, typer.Option(help="receptionist, leader, inspector …")] = "receptionist",
    password: Annotated[
        str, typer.Option(prompt="密码 password", hide_input=True, confirmation_prompt=True)
    ] = "",
) -> None:
    """建一个工作人员账号 Add an official."""
    from web.commands.accounts import AccountRefused, add_official

    try:
        asyncio.run(add_official(_settings(), username, name, organisation, role, password))
    except AccountRefused as error:
        _stop(str(error))
    console.print(f"已建立 added: {username}")


@app.command()
def place(
    region: Annotated[str, typer.Argument(help="区划代码 region code of an office or station")],
    address: Annotated[str, typer.Option(prompt="地址 address")],
    hours: Annotated[str, typer.Option(prompt="接待时间 hours")],
    phone: Annotated[str, typer.Option(help="电话 telephone")] = "",
) -> None:
    """登记接访点的地址和时间 Say where people can come in person."""
    from web.commands.places import PlaceRefused, register_place

    try:
        name = asyncio.run(register_place(_settings(), region, address, hours, phone))
    except PlaceRefused as error:
        _stop(str(error))
    console.print(f"已登记 registered: {name}")


@app.command()
def compose(
    folder: Annotated[Path, typer.Argument(help="录像目录 folder of a recording")],
    layout: Annotated[str, typer.Option(help="版式 session, grid, speaker or spotlight")] = "session",
    spotlight: Annotated[str, typer.Option(help="大画面是谁 who is large, name or id (spotlight)")] = "",
    out: Annotated[Path | None, typer.Option(help="写到哪里 file to write")] = None,
) -> None:
    """按另一种版式再合成一次 Compose a sealed recording again; its own film stays as it is."""
    from recordings.film.encoder import CompositionError, make_film
    from recordings.film.plan import CompositionPlan

    path = out or Path(f"{folder.resolve().name}-{layout}.mp4")
    plan = replace(CompositionPlan(), layout=layout, spotlight=spotlight)
    try:
        asyncio.run(make_film(folder, path, plan, lambda text: console.print(text, end="\r")))
    except (CompositionError, OSError) as error:
        _stop(f"没有合成：{error}")
    console.print(f"已合成 composed: {path}", soft_wrap=True)


@app.command()
def export(
    recording: Annotated[str, typer.Argument(help="录像编号 id of the recording")],
    target: Annotated[Path, typer.Argument(help="新文件夹，或以 .zip 结尾的文件 new folder, or file.zip")],
    reason: Annotated[str, typer.Option(prompt="导出理由 reason", help="写入审计记录 is logged")],
    since: Annotated[str, typer.Option("--from", help="片段开始 clip from, e.g. 0:12:30")] = "",
    until: Annotated[str, typer.Option("--to", help="片段结束 clip to, e.g. 0:15:00")] = "",
) -> None:
    """刻录导出 Export a recording or a clip of it, with everything needed to play and to verify it."""
    from web.commands.exporting import ExportRefused, export_recording
    from web.pages.export import parse_time

    try:
        span = (parse_time(since or "0"), parse_time(until)) if since or until else None
    except ValueError:
        _stop("时间请写成 时:分:秒 (times look like 0:12:30)")
    try:
        size = asyncio.run(export_recording(_settings(), recording, target, reason, span))
    except ExportRefused as error:
        _stop(str(error))
    console.print(f"已导出 exported: {target}（{size} 字节 bytes）", soft_wrap=True, markup=False)


@archive.command()
def restore(
    recording: Annotated[str, typer.Argument(help="录像编号 id of the recording")],
) -> None:
    """取回按期移入归档的原件 Fetch an original that aged out back to this machine."""
    from web.commands.restoring import RestoreRefused, restore_original

    try:
        asyncio.run(restore_original(_settings(), recording))
    except RestoreRefused as error:
        _stop(f"没有取回：{error}")
    console.print(f"已取回，与封存清单一致 restored: {recording}")


@app.command()
def doctor() -> None:
    """检查端口、磁盘、字体、数据目录 Check ports, disk, fonts, state directory."""
    findings = doctors.examine(_settings())
    for finding in findings:
        mark = "[green]✓[/]" if finding.good else ("[red]✗[/]" if finding.serious else "[yellow]![/]")
        console.print(f" {mark} {finding.name}  {finding.text}", soft_wrap=True)
    raise typer.Exit(any(not finding.good and finding.serious for finding in findings))


@app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def bench(context: typer.Context) -> None:
    """测速 Measure (needs the repository)."""
    if not (Path.cwd() / "bench" / "__main__.py").exists():
        _stop("在代码目录里运行 lianxin bench (run this in the repository)")
    os.execv(sys.executable, [sys.executable, "-m", "bench", *context.args])


def _migrate(settings: Settings) -> None:
    """Bring the schema up to date and the organisation tree in, before any child looks for them."""
    from cases.database import Database
    from cases.lanzhou import seed_lanzhou
    from cases.schema import SchemaTooNew

    async def work() -> None:
        database = Database(settings.database_url)
        try:
            await database.migrate()
            async with database.session() as db:
                await seed_lanzhou(db)  # What is there already stays as it is.
        finally:
            await database.close()

    try:
        asyncio.run(work())
    except SchemaTooNew as error:
        _stop(f"数据库来自更新的版本，请升级程序。 The database is newer than this program: {error}")


def _settings() -> Settings:
    try:
        settings = load()
    except SettingsError as error:
        _stop(str(error))
    logging.basicConfig(
        level=settings.log_level.upper(),
        format="%(asctime)s %(levelname)s %(name)s %(message)s",
        stream=sys.stderr,
    )
    # SQL parameters are personal data, whatever the level; the demo's terminal is for its links.
    quiet = ("alembic", "aiosqlite", "sqlalchemy", "fontTools")
    for name in quiet + (("aioice", "aiohttp.access") if settings.demo else ()):
        logging.getLogger(name).setLevel(logging.WARNING)
    return settings


def _chosen(host: str, port: int, certificate: str, key: str) -> Settings:
    settings = _settings()
    changes = {"host": host, "port": port, "certificate": certificate, "key": key}
    web_settings = replace(settings.web, **{name: value for name, value in changes.items() if value})  # type: ignore[arg-type]
    return replace(settings, web=web_settings)


def _prepared(settings: Settings, lan: bool) -> Settings:
    """Settings ready to serve with: network chosen, what is missing said before anything starts."""
    if bool(settings.web.certificate) != bool(settings.web.key):
        _stop("--certificate 和 --key 要一起给 (both or none)")
    if lan:
        settings = _for_local_network(settings)
    _refuse_to_start(settings)
    settings.prepare_directories()
    return settings


def _for_local_network(settings: Settings) -> Settings:
    from web.processes.tls import lan_addresses, lan_certificate

    addresses = lan_addresses()
    if not addresses:
        _stop("这台机器没有局域网地址 (this machine has no address in a local network)")
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
    for finding in doctors.examine(settings):
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
        _stop(str(error))
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


def _stop(message: str) -> NoReturn:
    complaints.print(f"[red]{message}[/]", soft_wrap=True)
    raise typer.Exit(1)


if __name__ == "__main__":
    main()
