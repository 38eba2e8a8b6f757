"""What an installation is set up with and looked after by: accounts, places, figures, clocks, speed."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from web.commands.schema import migrate_database
from web.commands.terminal import console, read_settings, stop


def figures_demo() -> None:
    """写入一组演示信访件，统计结果与公开数字一致 Seed cases whose figures are the published ones."""
    from web.commands.sample_figures import write_sample_figures

    settings = read_settings()
    settings.prepare_directories()
    migrate_database(settings)
    written = asyncio.run(write_sample_figures(settings))
    console.print("已写入 written" if written else "已经有了 there already", "/figures?period=2021-H1")


def recount_clocks(
    finished: Annotated[
        bool, typer.Option("--finished", help="已经办完的也重算 those met before, too")
    ] = False,
) -> None:
    """节假日或者期限表改了以后，重算全部期限 Count all clocks again after the tables have changed."""
    from web.commands.recounting import recount

    told = asyncio.run(recount(read_settings(), finished))
    console.print(f"重算 {told.clocks} 项期限，改动 {told.changed} 项 clocks counted, {told.changed} moved")


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
        asyncio.run(add_official(read_settings(), username, name, organisation, role, password))
    except AccountRefused as error:
        stop(str(error))
    console.print(f"已建立 added: {username}")


def place(
    region: Annotated[str, typer.Argument(help="区划代码 region code of an office or station")],
    address: Annotated[str, typer.Option(prompt="地址 address")],
    hours: Annotated[str, typer.Option(prompt="接待时间 hours")],
    phone: Annotated[str, typer.Option(help="电话 telephone")] = "",
) -> None:
    """登记接访点的地址和时间 Say where people can come in person."""
    from web.commands.places import PlaceRefused, register_place

    try:
        name = asyncio.run(register_place(read_settings(), region, address, hours, phone))
    except PlaceRefused as error:
        stop(str(error))
    console.print(f"已登记 registered: {name}")


def bench(context: typer.Context) -> None:
    """测速 Measure (needs the repository)."""
    if not (Path.cwd() / "bench" / "__main__.py").exists():
        stop("在代码目录里运行 lianxin bench (run this in the repository)")
    os.execv(sys.executable, [sys.executable, "-m", "bench", *context.args])
