"""Verification of a sealed recording folder, offline: no database, no network, only the files.

A signature proves that the manifest is what the holder of the key sealed. Whose key it is must be
known from elsewhere: compare the fingerprint with the one the office published.
"""

from __future__ import annotations

import json
import stat
from pathlib import Path, PurePosixPath
from typing import Any

from recordings.capture import segment
from recordings.evidence.attestations import check_key, objection_to
from recordings.evidence.digests import BLOCK, block_digests, file_digests, whole_digests
from recordings.evidence.exhibit_check import check_exhibits
from recordings.evidence.exhibits import EXHIBITS, kept_exhibits
from recordings.evidence.keys import KeyRegister
from recordings.evidence.manifest import (
    CHAIN_START,
    MANIFEST_FILE,
    MANIFEST_FORMAT,
    MANIFEST_VERSION,
    SIGNATURE_FILE,
    canonical,
    chain_next,
    sha256_hex,
)
from recordings.evidence.signing import check_signature
from recordings.evidence.sm2 import Sm2Unavailable
from recordings.evidence.verdict import ExitCode, Finding, Verdict
from recordings.store import COMPOSED_FILE, COMPOSED_SIGNATURE, COMPOSED_STATEMENT

__all__ = ["ExitCode", "Finding", "KeyRegister", "Verdict", "verify_folder"]


def verify_folder(
    path: Path, trusted: frozenset[str] | None = None, register: KeyRegister | None = None
) -> Verdict:
    """Check a recording folder against its manifest.

    ``trusted``: fingerprints of acceptable keys; None accepts any key and leaves the comparison to
    the reader. ``register``: the keys the office published; then only these are good, each in its time.
    Never raises for what is wrong in the folder.
    """
    if register is not None and trusted is None:
        trusted = frozenset(key.fingerprint for key in register.keys)
    verdict = Verdict(path)
    try:
        manifest = _read_manifest(verdict, trusted)
        if manifest is not None:
            check_key(verdict, manifest, register)
            _check_tracks(verdict, manifest)
            check_exhibits(verdict, manifest)
            _check_added(verdict, manifest)
            _check_derivative(verdict, trusted, register)
    except (OSError, KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        text = f"{type(error).__name__}: {error}"
        verdict.findings.append(
            Finding(
                "unreadable", "", f"无法读取（{text}）。", f"Cannot be read ({text}).", ExitCode.UNREADABLE
            )
        )
    return verdict


def _read_manifest(verdict: Verdict, trusted: frozenset[str] | None) -> dict[str, Any] | None:
    path = verdict.folder / MANIFEST_FILE
    if not path.is_file():
        _sealed(verdict, "not_sealed", "没有封存清单。", "There is no manifest.", ExitCode.UNREADABLE)
        return None
    data = path.read_bytes()
    verdict.manifest_sha256 = sha256_hex(data)
    _check_signature(verdict, data, trusted)
    try:
        manifest = json.loads(data)
        known = manifest["format"] == MANIFEST_FORMAT and manifest["version"] == MANIFEST_VERSION
    except (ValueError, KeyError, TypeError, RecursionError):
        known = False
    if not known:
        _sealed(verdict, "manifest_unreadable", "封存清单无法解读。", "The manifest cannot be read.")
        return None
    if canonical(manifest) != data:
        _sealed(verdict, "manifest_form", "封存清单不是规范形式。", "The manifest is not in canonical form.")
    return dict(manifest)


def _sealed(
    verdict: Verdict, code: str, zh: str, en: str, exit_code: ExitCode = ExitCode.NOT_AS_SEALED
) -> None:
    verdict.findings.append(Finding(code, MANIFEST_FILE, zh, en, exit_code))


def _check_signature(verdict: Verdict, data: bytes, trusted: frozenset[str] | None) -> None:
    path = verdict.folder / SIGNATURE_FILE
    if not path.is_file():
        _sealed(verdict, "signature_missing", "没有签名文件。", "The signature file is missing.")
        return
    try:
        verdict.fingerprint = check_signature(data, _read_signature(path))
    except Sm2Unavailable as error:
        verdict.findings.append(unchecked(MANIFEST_FILE, error))
        return
    if verdict.fingerprint is None:
        zh = "签名与封存清单不符：清单或签名在封存后被改动。"
        en = "The signature does not fit the manifest: one of them was changed after sealing."
        _sealed(verdict, "signature_wrong", zh, en)
    elif trusted is not None and verdict.fingerprint not in trusted:
        zh, en = (
            f"签名密钥不在信任名单：{verdict.fingerprint}。",
            f"Signed by an unknown key {verdict.fingerprint}.",
        )
        _sealed(verdict, "signer_unknown", zh, en, ExitCode.UNKNOWN_SIGNER)


def unchecked(path: str, error: Sm2Unavailable) -> Finding:
    """A signature that this machine cannot check; that does not make it wrong."""
    zh = f"本机的 openssl 不能核对 SM2 签名（{error}）。"
    en = "The openssl program of this machine cannot check SM2 signatures."
    return Finding("signature_unchecked", path, zh, en, ExitCode.UNREADABLE)


def _read_signature(path: Path) -> dict[str, Any]:
    """The statement, empty unless it is an object in canonical form."""
    data = path.read_bytes()
    try:
        content = json.loads(data)
        return content if isinstance(content, dict) and canonical(content) == data else {}
    except (ValueError, TypeError, RecursionError):
        return {}


def _check_tracks(verdict: Verdict, manifest: dict[str, Any]) -> None:
    entries = [entry for track in manifest["tracks"] for entry in track["segments"]]
    owners = {entry["sha256"]: entry["path"] for entry in entries}
    chain = CHAIN_START
    for entry in entries:
        chain = chain_next(chain, entry["sha256"])
        if entry["chain_sha256"] != chain:
            zh, en = "清单中的摘要链断开。", "The chain of digests in the manifest is broken"
            _sealed(verdict, "chain_broken", f"{zh}（{entry['path']}）", f"{en} at {entry['path']}.")
            chain = entry["chain_sha256"]
        _check_segment(verdict, entry, owners)


def _check_segment(verdict: Verdict, entry: dict[str, Any], owners: dict[str, str]) -> None:
    name = entry["path"]
    parts = PurePosixPath(name).parts
    path = verdict.folder / name
    if len(parts) != 3 or parts[0] != "tracks" or ".." in parts:
        _sealed(verdict, "path_refused", f"清单中的路径不合规：{name}。", f"Path not allowed: {name}.")
        return
    try:
        regular = stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        regular = False
    if not regular:
        text = (f"缺少分段 {name}。", f"Segment {name} is missing.")
        verdict.findings.append(Finding("segment_missing", name, *text, start=0, end=entry["size"]))
        return
    verdict.segments += 1
    with segment.SegmentFile(path) as file:
        verdict.size += file.size
        found = whole_digests(file.data)
        if found["sha256"] != entry["sha256"]:
            _localise(verdict, entry, file, found, owners)
        elif found["sm3"] != entry.get("sm3", found["sm3"]):
            zh, en = f"分段 {name} 的 SM3 摘要与清单不符。", f"The SM3 digest of {name} is not as stated."
            verdict.findings.append(Finding("sm3_wrong", name, zh, en, start=0, end=file.size))
        verdict.sm3_segments += "sm3" in entry


def _localise(
    verdict: Verdict,
    entry: dict[str, Any],
    file: segment.SegmentFile,
    found: dict[str, Any],
    owners: dict[str, str],
) -> None:
    """Name the changed bytes: by record CRC where that tells, else by the digests of the blocks."""
    name = entry["path"]
    other = owners.get(found["sha256"])
    if other is not None and other != name:
        zh, en = f"分段 {name} 被换成了 {other} 的内容。", f"Segment {name} holds the content of {other}."
        verdict.findings.append(Finding("segment_swapped", name, zh, en, start=0, end=file.size))
        return
    for start, end in _changed_ranges(entry, file, block_digests(file.data)):
        zh = f"分段 {name} 的第 {start} 至 {end} 字节（不含末位）被改动或损坏。"
        en = f"Segment {name}: bytes {start} to {end} (end excluded) are changed or damaged."
        verdict.findings.append(Finding("segment_damaged", name, zh, en, start=start, end=end))


def _changed_ranges(
    entry: dict[str, Any], file: segment.SegmentFile, blocks: list[str]
) -> list[tuple[int, int]]:
    size, sealed = file.size, entry["blocks_sha256"]
    ranges: list[tuple[int, int]] = []
    if size < entry["size"]:
        ranges.append((size, entry["size"]))
    elif size > entry["size"]:
        ranges.append((entry["size"], size))
    damaged = _new_damage(entry, file)
    if size != entry["size"]:  # What is left of a record ends where something is missing: at the next byte.
        damaged = [(start, min(end + 1, size)) for start, end in damaged]
    for number, digest in enumerate(sealed):
        start, end = number * BLOCK, min((number + 1) * BLOCK, entry["size"])
        if start >= size or (number < len(blocks) and blocks[number] == digest) or end > size:
            continue
        inside = [(a, b) for a, b in damaged if a < end and b > start]
        ranges.extend(inside or [(start, end)])
    ranges.extend(item for item in damaged if item not in ranges)
    return sorted(set(ranges)) or [(0, size)]


def _new_damage(entry: dict[str, Any], file: segment.SegmentFile) -> list[tuple[int, int]]:
    """Unreadable ranges that were readable when the recording was sealed."""
    known = {tuple(item) for item in entry["damaged"]}
    found = [(i.offset, i.end) for i in file.items() if isinstance(i, segment.Damage)]
    return [item for item in found if item not in known]


def _check_added(verdict: Verdict, manifest: dict[str, Any]) -> None:
    root = verdict.folder
    listed = {entry["path"] for track in manifest["tracks"] for entry in track["segments"]}
    listed |= {entry["path"] for entry in kept_exhibits(manifest)}
    places = [root / "tracks", root / EXHIBITS]
    links = [place for place in places if place.is_symlink()]
    for path in sorted([*links, *(path for place in places for path in place.rglob("*"))]):
        name = path.relative_to(root).as_posix()
        if name not in listed and (path.is_symlink() or not path.is_dir()):
            zh, en = f"多出封存时没有的文件 {name}。", f"File {name} was added after sealing."
            verdict.findings.append(Finding("file_added", name, zh, en))


def _check_derivative(verdict: Verdict, trusted: frozenset[str] | None, register: KeyRegister | None) -> None:
    """The composed film against its own signed statement; the originals do not depend on it."""
    film, statement = verdict.folder / COMPOSED_FILE, verdict.folder / COMPOSED_STATEMENT
    if not film.is_file() and not statement.is_file():
        return
    if not _derivative_fits(verdict, film, statement, trusted, register):
        zh = "合成录像与其签名说明不符，可由原始分段重新合成；原始分段不受影响。"
        en = "The composed film does not fit its signed statement; it can be made again from the segments."
        verdict.findings.append(Finding("derivative_changed", COMPOSED_FILE, zh, en))


def _derivative_fits(
    verdict: Verdict,
    film: Path,
    statement: Path,
    trusted: frozenset[str] | None,
    register: KeyRegister | None,
) -> bool:
    try:
        data = statement.read_bytes()
        signer = check_signature(data, _read_signature(verdict.folder / COMPOSED_SIGNATURE))
        content = json.loads(data)
        known = signer is not None and (trusted is None or signer in trusted)
        known = known and objection_to(register, signer, content.get("made_at")) is None
        fits = content["manifest_sha256"] == verdict.manifest_sha256
        return known and fits and content["sha256"] == file_digests(film)["sha256"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError, Sm2Unavailable):
        return False
