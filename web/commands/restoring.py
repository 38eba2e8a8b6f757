"""`lianxin archive restore`: an original that aged out comes back to this machine now."""

from __future__ import annotations

import os
import socket

from cases.clock import SystemClock
from cases.database import Database, new_id
from cases.errors import RuleError
from cases.policy import Actor, ActorKind
from recordings.archive.alarm import CAUSES
from recordings.archive.copies import Archive, ArchiveState, archive_of
from recordings.archive.returning import Returner, ask_for_original
from recordings.archive.store import StoreError
from web.commands.exporting import user_name
from web.processes.server import archiver_settings
from web.settings import Settings


class RestoreRefused(RuntimeError):
    """The original did not come back; the message says why in plain words."""


async def restore_original(settings: Settings, recording_id: str) -> None:
    """Fetch it and wait until it is there, proven. Raises RestoreRefused.

    The audit trail names whoever runs the command on the server. Where the archiver of the running service
    takes it up first, it goes on there.
    """
    database, clock = Database(settings.database_url), SystemClock()
    actor = Actor(ActorKind.SYSTEM, f"命令行 {user_name()}")
    owner = f"{socket.gethostname()[:20]}-{os.getpid()}-{new_id()[:8]}"
    try:
        await database.migrate()
        async with database.session() as db:
            await ask_for_original(db, clock, actor, recording_id, None)
        chosen = archiver_settings(settings)
        if chosen.store is None:
            raise RestoreRefused("没有设置归档存储（LIANXIN_ARCHIVE_STORE）")
        await Returner(database, clock, chosen, owner).restore_now(recording_id)
        async with database.session() as db:
            _require_here(await archive_of(db, recording_id))
    except RuleError as error:
        raise RestoreRefused(error.message) from error
    except (StoreError, OSError, ValueError) as error:
        raise RestoreRefused(str(error)) from error
    finally:
        await database.close()


def _require_here(archive: Archive | None) -> None:
    if archive is None or archive.state is not ArchiveState.LOCAL_REMOVED:
        return
    raise RestoreRefused(CAUSES.get(archive.cause or "", "另一个进程正在取回，请稍候再看。"))
