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
    "lock_refused": "归档存储没有接受保管期限的锁定，请检查存储桶的对象锁定功能和账号权限",
    "still_locked": "归档存储还锁着对象，锁定到期以前不能删除",
    "still_held": "归档存储里还有依法保全，解除以前不能删除",
    "delete_refused": "归档存储拒绝删除，请检查账号有没有删除旧版本的权限",
    "versions_refused": "归档存储不让列出旧版本，不能证明已经删净，请检查访问密钥和权限",
    "still_there": "归档存储说已经删除，但是还列得出来",
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
    return _once_a_day(recording, text, cause, now, "hold")


def lock_trouble(recording: Recording, cause: str, attempts: int, now: datetime) -> Trouble | None:
    """What to tell when the store does not lock objects for as long as they are kept; None: too early.

    Told like holds: a store that is away or refuses is one alarm a day.
    """
    if attempts < PATIENCE:
        return None
    text = (
        f"保管期限没有锁定到归档存储：{CAUSES[cause]}。"
        "本系统照常按保管期限保管，一份录像也不会提前删；程序不断重试，恢复以后自动补上。"
    )
    return _once_a_day(recording, text, cause, now, "lock")


def _once_a_day(recording: Recording, text: str, cause: str, now: datetime, what: str) -> Trouble:
    """What the store as a whole does not do is told of no recording in particular."""
    finding, day = {"text": text, "code": cause}, now.astimezone(BEIJING).date().isoformat()
    if cause in OF_THE_STORE or cause == f"{what}_refused":
        return Trouble(AlarmKind.NOT_ARCHIVED, "", (finding,), occasion=f"{what} {day}")
    return _of(recording, finding, f"{what} {day}")


def destruction_trouble(recording: Recording, cause: str, attempts: int, proposal_id: str) -> Trouble | None:
    """What to tell when an approved deletion is not complete; one alarm for each reason, None: too early."""
    if cause in OF_THE_STORE and attempts < PATIENCE:
        return None
    text = (
        f"批准的销毁没有完成：{CAUSES[cause]}。"
        "销毁申请还开着，程序不断重试；证明一个版本也不剩以后，才写进销毁清册。"
    )
    finding, kind = {"text": text, "code": cause}, AlarmKind.NOT_DESTROYED
    return _of(recording, finding, f"{proposal_id} {cause}", kind)


def _of(
    recording: Recording, finding: dict[str, str], occasion: str, kind: AlarmKind = AlarmKind.NOT_ARCHIVED
) -> Trouble:
    return Trouble(
        kind,
        recording.directory,
        (finding,),
        0,
        recording.session_id,
        recording.id,
        occasion,
    )
