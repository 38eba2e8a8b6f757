"""What every command has: where it prints, the settings it reads, and how it ends with a word of why."""

from __future__ import annotations

import logging
import sys
from typing import NoReturn

import typer
from rich.console import Console

from web.settings import Settings, SettingsError, load

console = Console(highlight=False)
complaints = Console(stderr=True, highlight=False)


def read_settings() -> Settings:
    """The settings, and the log set up by them. Ends the command where one cannot be used."""
    try:
        settings = load()
    except SettingsError as error:
        stop(str(error))
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


def complain(message: object) -> None:
    """Say what went wrong, as it is."""
    complaints.print(str(message), soft_wrap=True, markup=False)


def stop(message: str) -> NoReturn:
    """End the command with exit code 1 and say why."""
    complaints.print(f"[red]{message}[/]", soft_wrap=True)
    raise typer.Exit(1)
