"""`lianxin export`: a package or a clip of one recording, as a folder or a ZIP."""

from __future__ import annotations

import asyncio
import getpass
import tempfile
from pathlib import Path

import av

from cases.clock import SystemClock
from cases.database import Database
from cases.errors import RuleError
from cases.policy import Actor, ActorKind
from recordings.evidence.signing import ManifestSigner, load_signer
from recordings.packages.clip import ClipError
from recordings.packages.export import Export, PageMaker, begin_export, build_package, finish_export
from recordings.packages.package import Package, PackageError, write_folder, write_zip
from web.package_minutes import minutes_of_package
from web.package_page import package_pages
from web.settings import Settings


class ExportRefused(RuntimeError):
    """The package cannot be made; the message says why in plain words."""


async def export_recording(
    settings: Settings, recording_id: str, target: Path, reason: str, span: tuple[float, float] | None
) -> int:
    """Write the package to ``target`` (a ZIP where the name ends so); returns its bytes.

    The audit trail names whoever runs the command on the server. Raises ExportRefused.
    """
    database, clock = Database(settings.database_url), SystemClock()
    actor = Actor(ActorKind.SYSTEM, f"命令行 {user_name()}")
    try:
        await database.migrate()
        async with database.session() as db:
            root = settings.recordings_root
            export = await begin_export(
                db, clock, actor, recording_id, reason, None, root, span, settings.archive.filing
            )
            signer = load_signer(settings.state / "keys")
            minutes = await minutes_of_package(db, clock, actor, export, signer)
        pages = package_pages(minutes=minutes)
        package, size = await asyncio.to_thread(_write, export, signer, pages, target)
        async with database.session() as db:
            await finish_export(db, clock, actor, export, package, None)
        return size
    except RuleError as error:
        raise ExportRefused(error.message) from error
    except (ClipError, PackageError) as error:
        raise ExportRefused(str(error)) from error
    except (OSError, ValueError, KeyError, TypeError, IndexError, av.FFmpegError) as error:
        raise ExportRefused(f"写不出导出包 cannot be written: {error}") from error
    finally:
        await database.close()


def _write(export: Export, signer: ManifestSigner, pages: PageMaker, target: Path) -> tuple[Package, int]:
    with tempfile.TemporaryDirectory(prefix="lianxin-export-") as room:
        package = build_package(export, signer, pages, Path(room))
        write = write_zip if target.suffix.lower() == ".zip" else write_folder
        return package, write(package, target)


def user_name() -> str:
    """Who runs a command on the server."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # A service user without an entry in the table of users.
        return "?"
