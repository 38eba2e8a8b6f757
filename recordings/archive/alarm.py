"""Archive alarms: a store that fails, or a copy that is not what was written, is told to officials.

A store that is away keeps all recordings waiting; that is one alarm a day, not one for each of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from cases.clock import BEIJING
from recordings.alarms import AlarmKind, Trouble
from recordings.recording import Recording

# What an official reads about a failure.
CAUSES: Mapping[str, str] = {
    "store_down": "归档存储连不上",
    "store_slow": "归档存储太慢，在限定时间内没有写完",
    "store_full": "归档存储已满",
    "store_refused": "归档存储拒绝写入，请检查账号和权限",
    "corrupted": "回读的内容与写入的不一致，归档存储可能有故障",
    "missing": "写入后读不到，归档存储可能有故障",
    "original_changed": "本机原件与封存清单不一致，没有归档，请先校验这份录像",
    "no_room": "本机磁盘放不下要取回的原件",
    "original_unreadable": "本机原件读不出来",
    "hold_refused": "归档存储没有接受依法保全的锁定，请检查存储桶的对象锁定功能和账号权限",
    "key_missing": "归档密钥文件读不到，或不是原来的那一个",
    "worker_error": "归档程序出错",
}

# Not the fault of the recording that happened to be copied.
OF_THE_STORE = frozenset({"store_down", "store_slow", "store_full", "store_refused", "key_missing"})
# One failure is made up for within the minute.
PATIENCE = 2


def copying_trouble(
    recording: Recording, cause: str, attempts: int, failing_since: datetime, now: datetime
) -> Trouble | None:
    """What to tell when copying or proving has failed ``attempts`` times; None when it is too early.

    ``cause`` is a key of CAUSES. The same trouble of one day, or of one row of failures, is one alarm.
    """
    if cause in OF_THE_STORE:
        text = f"{CAUSES[cause]}。没有归档的原件都还在本机，一份也不会删；程序不断重试，恢复以后自动补上。"
        day = now.astimezone(BEIJING).date().isoformat()
        found = Trouble(AlarmKind.NOT_ARCHIVED, "", ({"text": text, "code": cause},), occasion=day)
        return found if attempts >= PATIENCE else None
    text = f"{CAUSES[cause]}。原件不会删，程序不断重试。"
    return _of(recording, {"text": text, "code": cause}, failing_since.isoformat())


def hold_trouble(recording: Recording, cause: str, attempts: int, now: datetime) -> Trouble | None:
    """What to tell when the store has not taken a legal hold, or keeps one that was lifted; None: too early.

    Whatever the number of recordings, a store that is away or refuses is one alarm a day.
    """
    if attempts < PATIENCE:
        return None
    text = (
        f"依法保全的设置或解除没有送达归档存储：{CAUSES[cause]}。"
        "本系统里的保全照常有效，一份录像也不会删；程序不断重试，恢复以后自动补上。"
    )
    finding, day = {"text": text, "code": cause}, now.astimezone(BEIJING).date().isoformat()
    if cause in OF_THE_STORE or cause == "hold_refused":
        return Trouble(AlarmKind.NOT_ARCHIVED, "", (finding,), occasion=f"hold {day}")
    return _of(recording, finding, f"hold {day}")


def _of(recording: Recording, finding: dict[str, str], occasion: str) -> Trouble:
    return Trouble(
        AlarmKind.NOT_ARCHIVED,
        recording.directory,
        (finding,),
        0,
        recording.session_id,
        recording.id,
        occasion,
    )
