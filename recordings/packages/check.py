"""Verification of an exported package, folder or ZIP, offline: every file listed, none other, all unchanged.

What lies in ``recording/`` is a recording folder and is proven by recordings.verification as well, which
names the changed bytes; a clip is proven by recordings.clip.
"""

from __future__ import annotations

import json
import os
import shutil
import stat
import struct
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

from recordings.capture.journal import file_sha256
from recordings.evidence.attestations import objection_to
from recordings.evidence.day_root import LEDGER
from recordings.evidence.exhibits import EXHIBITS
from recordings.evidence.inclusion import DAY_FILE, INCLUSION_FILE, check_inclusion, check_ledger
from recordings.evidence.keys import KeyRegister
from recordings.evidence.manifest import MANIFEST_FILE, canonical
from recordings.evidence.signing import check_signature
from recordings.evidence.sm2 import Sm2Unavailable
from recordings.evidence.verification import ExitCode, Finding, Verdict, unchecked, verify_folder
from recordings.packages.clip import CLIP_STATEMENT, check_clip
from recordings.packages.package import (
    CHECKSUMS_FILE,
    CHUNK,
    LAST_FILES,
    PACKAGE_FILE,
    PACKAGE_FORMAT,
    PACKAGE_SIGNATURE,
    PACKAGE_VERSION,
    checksums,
)
from recordings.packages.zipstream import ZipStream

RECORDING_FOLDER = "recording"
LOCAL_HEADER = 30
# RuntimeError and struct.error are what zipfile raises for a damaged directory.
WRONG = (
    OSError, EOFError, LookupError, TypeError, ValueError, AttributeError, RuntimeError, OverflowError,
    struct.error, zipfile.BadZipFile,
)  # fmt: skip


@dataclass
class PackageVerdict(Verdict):
    """What was found in a package. ``package_fingerprint`` is of the key that signed its list of files.

    ``register``: the keys the office published, when the reader has them; ``authority``: the certificate of
    the time-stamping authority.
    """

    files: int = 0
    package_fingerprint: str | None = None
    register: KeyRegister | None = None
    authority: Path | None = None

    def add(self, code: str, path: str, zh: str, en: str, exit_code: ExitCode = ExitCode.DAMAGED) -> None:
        self.findings.append(Finding(code, path, zh, en, exit_code))

    def lines(self) -> list[str]:
        """The report in Chinese and English, one line per finding."""
        head = f"{self.folder.name}: {self.files} 个文件 files, {self.counted}"
        if not self.intact:
            told = (f"✗ {finding.text_zh} {finding.text_en}" for finding in self.findings)
            return [head, *told, *self.noted]
        return [
            head,
            "完整：每个文件与导出时一致，签名有效。 Intact: every file is as exported, signature valid.",
            f"签名密钥指纹 key fingerprint: {self.package_fingerprint}",
            *self.noted,
        ]


def verify_path(
    path: Path,
    trusted: frozenset[str] | None = None,
    original: Path | None = None,
    register: KeyRegister | None = None,
    ledgers: Path | None = None,
    authority: Path | None = None,
) -> Verdict:
    """Check a recording folder, an exported folder or an exported ZIP, whichever it is.

    ``original``: the recording folder a clip was cut from, to compare the clip with. Never raises for what
    is wrong with the files. ``trusted`` and ``register`` as for ``verify_folder``. ``ledgers`` holds the
    day roots of all offices; a recording folder in its place is held against those beside it.
    ``authority``: certificate (PEM) of the time-stamping authority.
    """
    if register is not None and trusted is None:
        trusted = frozenset(key.fingerprint for key in register.keys)
    if path.is_file():
        return _guarded(
            PackageVerdict(path, register=register, authority=authority), trusted, original, _check_zip
        )
    if (path / PACKAGE_FILE).is_file() or (path / CHECKSUMS_FILE).is_file():
        return _guarded(
            PackageVerdict(path, register=register, authority=authority), trusted, original, _check_folder
        )
    verdict = verify_folder(path, trusted, register)
    if ledgers is None and (beside := path.resolve().parent.parent / LEDGER).is_dir():
        ledgers = beside
    if ledgers is not None:
        check_ledger(verdict, ledgers, register, authority)
    return verdict


def _guarded(
    verdict: PackageVerdict, trusted: frozenset[str] | None, original: Path | None, check: Any
) -> PackageVerdict:
    try:
        check(verdict, verdict.folder, trusted, original)
    except WRONG as error:
        text = f"{type(error).__name__}: {error}"
        zh, en = f"无法读取（{text}）。", f"Cannot be read ({text})."
        verdict.add("unreadable", "", zh, en, ExitCode.UNREADABLE)
    return verdict


# Folder


def _check_folder(
    verdict: PackageVerdict, root: Path, trusted: frozenset[str] | None, original: Path | None
) -> dict[str, Any] | None:
    package = _read_list(verdict, root, trusted)
    if package is None:
        return None
    listed = {entry["path"]: entry for entry in package["files"]}
    if len(listed) != len(package["files"]) or not all(_safe(path) for path in listed):
        zh, en = "文件清单中的路径不合规。", "The list of files holds paths that are not allowed."
        verdict.add("package_paths", PACKAGE_FILE, zh, en, ExitCode.NOT_AS_SEALED)
        return None
    changed = [finding for entry in listed.values() for finding in _check_file(verdict, root, entry)]
    inner = _check_inside(verdict, root, listed, package, trusted, original)
    named = {finding.path for finding in inner}
    if INCLUSION_FILE in listed or DAY_FILE in listed:
        check_inclusion(
            verdict, root, package["manifest_sha256"], trusted, verdict.register, verdict.authority
        )
    # Where the recording's own proof names the bytes, its finding says more.
    verdict.findings += [finding for finding in changed if finding.path not in named] + inner
    _check_last(verdict, root, package)
    _check_added(verdict, root, set(listed) | set(LAST_FILES))
    return package


def _read_list(verdict: PackageVerdict, root: Path, trusted: frozenset[str] | None) -> dict[str, Any] | None:
    path = root / PACKAGE_FILE
    if not path.is_file():
        zh, en = f"缺少文件清单 {PACKAGE_FILE}。", f"The list of files {PACKAGE_FILE} is missing."
        verdict.add("package_list_missing", PACKAGE_FILE, zh, en, ExitCode.UNREADABLE)
        return None
    data = path.read_bytes()
    try:
        verdict.package_fingerprint = _signer_of(root, data)
    except Sm2Unavailable as error:
        verdict.findings.append(unchecked(PACKAGE_SIGNATURE, error))
        return None
    if verdict.package_fingerprint is None:
        zh = "导出包的签名与文件清单不符：清单或签名在导出后被改动。"
        en = "The signature does not fit the list of files: one of them was changed after the export."
        verdict.add("package_signature_wrong", PACKAGE_SIGNATURE, zh, en, ExitCode.NOT_AS_SEALED)
    elif trusted is not None and verdict.package_fingerprint not in trusted:
        zh = f"导出包的签名密钥不在信任名单：{verdict.package_fingerprint}。"
        en = f"The package is signed by an unknown key {verdict.package_fingerprint}."
        verdict.add("package_signer_unknown", PACKAGE_SIGNATURE, zh, en, ExitCode.UNKNOWN_SIGNER)
    try:
        package = json.loads(data)
        known = package["format"] == PACKAGE_FORMAT and package["version"] == PACKAGE_VERSION
        known = known and canonical(package) == data
    except (ValueError, KeyError, TypeError, RecursionError):
        known = False
    if not known:
        zh, en = "文件清单无法解读。", "The list of files cannot be read."
        verdict.add("package_list_unreadable", PACKAGE_FILE, zh, en, ExitCode.NOT_AS_SEALED)
        return None
    _check_key(verdict, package)
    return dict(package)


def _check_key(verdict: PackageVerdict, package: dict[str, Any]) -> None:
    """A known key was good when the package was made."""
    objection = objection_to(verdict.register, verdict.package_fingerprint, package.get("made_at"))
    if objection is not None:
        verdict.add(
            objection.code, PACKAGE_SIGNATURE, objection.text_zh, objection.text_en, ExitCode.NOT_AS_SEALED
        )


def _signer_of(root: Path, data: bytes) -> str | None:
    try:
        signature = json.loads((root / PACKAGE_SIGNATURE).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    return check_signature(data, signature if isinstance(signature, dict) else {})


def _safe(path: str) -> bool:
    """Below the package, spelled in the only way, and none of the files that come last."""
    parts = PurePosixPath(path).parts
    plain = str(PurePosixPath(path)) == path and "\\" not in path and "\0" not in path
    return plain and bool(parts) and parts[0] != "/" and ".." not in parts and path not in LAST_FILES


def _regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def _check_file(verdict: PackageVerdict, root: Path, entry: dict[str, Any]) -> Iterator[Finding]:
    name = entry["path"]
    path = root / name
    if not _regular(path):
        yield Finding("package_file_missing", name, f"缺少文件 {name}。", f"File {name} is missing.")
        return
    verdict.files += 1
    size = path.stat().st_size
    if size != entry["size"]:
        zh = f"文件 {name} 有 {size} 字节，导出时是 {entry['size']} 字节。"
        en = f"File {name} has {size} bytes instead of {entry['size']}."
        yield Finding("package_file_changed", name, zh, en, start=min(size, entry["size"]), end=size)
    elif file_sha256(path) != entry["sha256"]:
        zh, en = f"文件 {name} 在导出后被改动。", f"File {name} was changed after the export."
        yield Finding("package_file_changed", name, zh, en, start=0, end=size)


def _check_inside(
    verdict: PackageVerdict,
    root: Path,
    listed: dict[str, Any],
    package: dict[str, Any],
    trusted: frozenset[str] | None,
    original: Path | None,
) -> list[Finding]:
    """The recording or the clip inside, by its own proof."""
    if f"{RECORDING_FOLDER}/{MANIFEST_FILE}" in listed:
        inner = verify_folder(root / RECORDING_FOLDER, trusted, verdict.register)
        verdict.fingerprint, verdict.manifest_sha256 = inner.fingerprint, inner.manifest_sha256
        verdict.segments, verdict.size, verdict.exhibits = inner.segments, inner.size, inner.exhibits
        verdict.notes += inner.notes
        found = [replace(one, path=f"{RECORDING_FOLDER}/{one.path}") for one in inner.findings]
        if inner.manifest_sha256 not in (None, package["manifest_sha256"]):
            zh, en = (
                "封存清单不是导出时的那一份。",
                "The manifest is not the one the package was made from.",
            )
            verdict.add("package_manifest", PACKAGE_FILE, zh, en, ExitCode.NOT_AS_SEALED)
    elif CLIP_STATEMENT in listed:
        signer, found = check_clip(root, trusted, original, verdict.register)
        verdict.fingerprint, verdict.manifest_sha256 = signer, package["manifest_sha256"]
        verdict.exhibits = sum(path.startswith(f"{EXHIBITS}/") for path in listed)
    else:
        return []
    # Keys are changed over the years, so another key is not wrong in itself, but never passes unseen.
    both = verdict.fingerprint is not None and verdict.package_fingerprint is not None
    if trusted is None and both and verdict.fingerprint != verdict.package_fingerprint:
        zh = f"导出包由另一把密钥签名：{verdict.package_fingerprint}。请与单位公布的指纹核对。"
        en = f"The package is signed by another key than the recording: {verdict.package_fingerprint}."
        verdict.add("package_signer_differs", PACKAGE_SIGNATURE, zh, en, ExitCode.UNKNOWN_SIGNER)
    return found


def _check_last(verdict: PackageVerdict, root: Path, package: dict[str, Any]) -> None:
    """The check list follows from the signed list; so it needs no signature of its own."""
    verdict.files += sum(_regular(root / name) for name in LAST_FILES)
    signature = root / PACKAGE_SIGNATURE
    if not _regular(root / CHECKSUMS_FILE):
        zh, en = f"缺少文件 {CHECKSUMS_FILE}。", f"File {CHECKSUMS_FILE} is missing."
        verdict.add("package_file_missing", CHECKSUMS_FILE, zh, en)
    elif _regular(signature):
        statement = (root / PACKAGE_FILE).read_bytes()
        if (root / CHECKSUMS_FILE).read_bytes() != checksums(
            package["files"], statement, signature.read_bytes()
        ):
            zh, en = f"文件 {CHECKSUMS_FILE} 在导出后被改动。", f"File {CHECKSUMS_FILE} was changed."
            verdict.add("package_file_changed", CHECKSUMS_FILE, zh, en)


def _check_added(verdict: PackageVerdict, root: Path, known: set[str]) -> None:
    told = {finding.path for finding in verdict.findings}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root).as_posix()
        if name in known or name in told or (path.is_dir() and not path.is_symlink()):
            continue
        zh, en = f"多出导出时没有的文件 {name}。", f"File {name} was added after the export."
        verdict.add("package_file_added", name, zh, en)


# ZIP


def _check_zip(
    verdict: PackageVerdict, path: Path, trusted: frozenset[str] | None, original: Path | None
) -> None:
    with path.open("rb") as file, zipfile.ZipFile(file) as archive:
        infos = archive.infolist()
        total = os.fstat(file.fileno()).st_size
        trouble = _trouble_of(infos, total)
        if trouble is not None:
            verdict.add("zip_refused", "", *trouble, ExitCode.UNREADABLE)
            return
        with tempfile.TemporaryDirectory(prefix="lianxin-verify-") as room:
            if shutil.disk_usage(room).free < total:
                zh = "临时目录空间不够，请解压后校验解压出的文件夹。"
                en = "Too little room for temporary files: unpack the ZIP and verify the folder."
                verdict.add("zip_no_room", "", zh, en, ExitCode.UNREADABLE)
                return
            for info in infos:
                _unpack(file, info, Path(room) / info.filename)
            root = Path(room) / infos[0].filename.partition("/")[0]
            package = _check_folder(verdict, root, trusted, original)
            # Where files differ, so does what is around them (checksums); those findings say enough.
            if package is not None and verdict.exit_code in (ExitCode.INTACT, ExitCode.UNKNOWN_SIGNER):
                _check_container(verdict, file, root, package)


def _trouble_of(infos: list[zipfile.ZipInfo], total: int) -> tuple[str, str] | None:
    names = [info.filename for info in infos]
    tops = {name.partition("/")[0] for name in names}
    if len(tops) != 1 or not all("/" in name and _safe(name) for name in names):
        return "压缩包里的路径不合规，不是导出包。", "The ZIP holds paths that are not allowed."
    if len(set(names)) != len(names):
        return "压缩包里有重名的文件。", "The ZIP holds two files of one name."
    if any(info.compress_type != zipfile.ZIP_STORED or info.flag_bits & 1 for info in infos):
        zh = "压缩包不是导出时的形式（被压缩或加密），请解压后校验文件夹。"
        return zh, "The ZIP was packed anew (compressed or encrypted): unpack it and verify the folder."
    if sum(info.file_size for info in infos) > total:
        return "压缩包里的大小不合理。", "The sizes in the ZIP are impossible."
    return None


def _unpack(file: BinaryIO, info: zipfile.ZipInfo, target: Path) -> None:
    """The bytes as they lie there, whatever their checksum: which file is changed is found later."""
    file.seek(info.header_offset)
    head = file.read(LOCAL_HEADER)
    if len(head) < LOCAL_HEADER or head[:4] != b"PK\x03\x04":
        raise zipfile.BadZipFile(f"no local header of {info.filename}")
    file.seek(int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little"), os.SEEK_CUR)
    target.parent.mkdir(parents=True, exist_ok=True)
    left = info.file_size
    with target.open("xb") as out:
        while left and (data := file.read(min(CHUNK, left))):
            out.write(data)
            left -= len(data)


def _check_container(verdict: PackageVerdict, file: BinaryIO, root: Path, package: dict[str, Any]) -> None:
    """Make the ZIP again from its files and compare: nothing hides between, before or behind them."""
    at = 0
    file.seek(0)
    for data in _again(root, package):
        found = file.read(len(data))
        if found != data:
            same = next((i for i, (a, b) in enumerate(zip(found, data, strict=False)) if a != b), len(found))
            _note_container(verdict, at + same)
            return
        at += len(data)
    if file.read(1):
        _note_container(verdict, at)


def _again(root: Path, package: dict[str, Any]) -> Iterator[bytes]:
    stream = ZipStream(package["made_at"])
    for name in [entry["path"] for entry in package["files"]] + list(LAST_FILES):
        path = root / name
        with path.open("rb") as file:
            chunks = iter(lambda file=file: file.read(CHUNK), b"")  # type: ignore[misc]
            yield from stream.add(f"{root.name}/{name}", path.stat().st_size, chunks)
    yield stream.end()


def _note_container(verdict: PackageVerdict, at: int) -> None:
    zh = f"压缩包的外壳从第 {at} 字节起与导出时不同（可能被重新打包）；其中的文件没有变。"
    en = f"The ZIP container differs from byte {at} on (packed anew?); the files in it are unchanged."
    verdict.findings.append(Finding("zip_container", "", zh, en, start=at, end=at + 1))
