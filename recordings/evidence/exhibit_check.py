"""Checking exhibits: each page that the manifest lists lies where it says, unchanged, and none other."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Any

from recordings.evidence.digests import whole_digests
from recordings.evidence.exhibits import EXHIBITS, is_exhibit, listed_exhibits
from recordings.evidence.manifest import MANIFEST_FILE
from recordings.evidence.verdict import ExitCode, Finding, Verdict

LARGEST = 64 << 20  # bytes; no page of a material has a tenth of it, and what is read lies in memory


def check_exhibits(verdict: Verdict, manifest: dict[str, Any], file: str = MANIFEST_FILE) -> None:
    """Add what is wrong with the pages that were shown. Raises OSError, TypeError, KeyError.

    ``file``: the name of what lists them.
    """
    entries = listed_exhibits(manifest)
    owners = {entry["sha256"]: entry["path"] for entry in entries if "missing" not in entry}
    paths = [entry["path"] for entry in entries]
    if paths != sorted(set(paths)):
        zh, en = (
            "清单中出示的材料重复或顺序不对。",
            "Pages shown stand twice or out of order in the manifest.",
        )
        _listed(verdict, "exhibits_disordered", file, zh, en)
    for entry in entries:
        name = entry["path"]
        if not is_exhibit(entry) or ("missing" in entry and not _tells_nothing(entry)):
            zh, en = f"清单中出示的材料不合规：{name}。", f"Page shown that is not allowed: {name}."
            _listed(verdict, "exhibit_refused", file, zh, en)
        elif "missing" not in entry:
            _check_page(verdict, entry, owners)


def _tells_nothing(entry: dict[str, Any]) -> bool:
    """What has no picture has no bytes either: the digests beside it are of nothing."""
    return bool(entry["size"] == 0 and whole_digests(b"").items() <= entry.items())


def _listed(verdict: Verdict, code: str, file: str, zh: str, en: str) -> None:
    verdict.findings.append(Finding(code, file, zh, en, ExitCode.NOT_AS_SEALED))


def _check_page(verdict: Verdict, entry: dict[str, Any], owners: dict[str, str]) -> None:
    name, size = entry["path"], entry["size"]
    there = _size_of(verdict.folder, name)
    if there is None:
        zh, en = f"缺少出示的材料 {name}。", f"The page shown {name} is missing."
        verdict.findings.append(Finding("exhibit_missing", name, zh, en, start=0, end=size))
        return
    verdict.exhibits += 1
    verdict.size += there
    data = (verdict.folder / name).read_bytes() if there <= LARGEST else b""
    found = whole_digests(data)
    end = max(size, there)
    if found["sha256"] == entry["sha256"] and there == size:
        if found["sm3"] != entry["sm3"]:
            zh, en = (
                f"出示的材料 {name} 的 SM3 摘要与清单不符。",
                f"The SM3 digest of {name} is not as stated.",
            )
            verdict.findings.append(Finding("sm3_wrong", name, zh, en, start=0, end=end))
        return
    other = owners.get(found["sha256"])
    if other is not None and other != name:
        zh, en = (
            f"出示的材料 {name} 被换成了 {other} 的内容。",
            f"The page {name} holds the content of {other}.",
        )
        verdict.findings.append(Finding("exhibit_swapped", name, zh, en, start=0, end=end))
        return
    zh = f"出示的材料 {name}（第 0 至 {end} 字节，不含末位）被改动或损坏。"
    en = f"The page shown {name}: bytes 0 to {end} (end excluded) are changed or damaged."
    verdict.findings.append(Finding("exhibit_damaged", name, zh, en, start=0, end=end))


def _size_of(folder: Path, name: str) -> int | None:
    """Bytes of a regular file that no link leads to; None where there is none."""
    if (folder / EXHIBITS).is_symlink() or (folder / name).parent.is_symlink():
        return None
    try:
        found = (folder / name).lstat()
    except OSError:
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None
