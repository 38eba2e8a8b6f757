"""metadata.xml has the structure that docs/recording-format.md tells, true digests, and bears any name."""

from __future__ import annotations

import hashlib
import random
import re
import unicodedata
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from recordings.archive.retention import period_name, read_classes
from recordings.evidence.digests import digests
from recordings.packages.metadata import MetadataSource, metadata_xml
from tests.recordings import stranger
from tests.recordings.test_package import home

__all__ = ["home"]  # A fixture: a sealed recording with its film and packages.

ROOT_ELEMENT = "电子档案元数据"
TYPES = {
    "text": r"[\s\S]+",
    "integer": r"\d+",
    "decimal": r"\d+(\.\d+)?",
    "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z",
    "hex": r"([0-9a-f]{2})+",
}
ROWS = {row[0].strip("`"): row[1:4] for row in stranger.tables("Metadata")[0]}


def matches(kind: str, text: str) -> bool:
    """Is it of the type, or the constant, of the table?"""
    plain = kind.removesuffix("?")
    return (kind.endswith("?") and not text) or bool(re.fullmatch(TYPES.get(plain, re.escape(kind)), text))


def check(element: ET.Element, path: str) -> None:
    """One element and all below it against the table; AssertionError names the place."""
    _, attributes, content = ROWS[path]
    wanted = dict(each.split("=", 1) for each in attributes.split())
    given = dict(element.attrib)
    empty = given.pop("filled", None)
    assert set(given) == set(wanted), path
    for name, kind in wanted.items():
        assert matches(kind, given[name]), (path, name, given[name])
    if content == "elements":
        assert empty is None and not (element.text or "").strip(), path
        check_children(element, path)
        return
    assert len(element) == 0, path
    text = element.text or ""
    assert (empty == "false") == (text == ""), path
    assert text == "" if content == "empty" else matches(content, text), (path, text)


def check_children(element: ET.Element, path: str) -> None:
    prefix = "" if path == ROOT_ELEMENT else f"{path}/"
    names = [p for p in ROWS if p.startswith(prefix) and "/" not in p[len(prefix) :] and p != ROOT_ELEMENT]
    found = [f"{prefix}{child.tag}" for child in element]
    assert set(found) <= set(names), set(found) - set(names)
    assert found == sorted(found, key=names.index), f"order below {path}"
    for name in names:
        low, _, high = ROWS[name][0].partition("..")
        most = float("inf") if high == "n" else int(high or low)
        assert int(low) <= found.count(name) <= most, name
    for child in element:
        check(child, f"{prefix}{child.tag}")


def parsed(data: bytes) -> ET.Element:
    root = ET.fromstring(data)  # noqa: S314 - made by us a line before.
    check(root, root.tag)
    return root


def test_the_export_has_the_structure_and_true_digests(home: Path) -> None:
    root = parsed((home / "package" / "metadata.xml").read_bytes())
    assert root.tag == ROOT_ELEMENT
    package = home / "package"
    checked = 0
    for file in root.iter("计算机文件"):
        path = package / file.attrib["path"]
        assert file.findtext("计算机文件大小") == str(path.stat().st_size)
        true = digests(path.read_bytes())
        for told in file.findall("数字摘要"):
            assert told.text == true[{"SHA-256": "sha256", "SM3": "sm3"}[told.attrib["algorithm"]]]
            checked += 1
    assert checked >= 1 + 2 * len(list((home / "rec").rglob("*.lxj")))
    manifest = (package / "recording" / "manifest.json").read_bytes()
    assert root.findtext("数字签名/数字摘要") == hashlib.sha256(manifest).hexdigest()
    related = {act.findtext("关联实体标识符") for act in root.iter("管理活动实体")}
    film = root.find("形式特征/计算机文件")
    assert film is not None and film.findtext("视频参数/色度采样率") == "4:2:0"
    assert int(film.findtext("总帧数") or 0) > 0 and film.findtext("视频参数/画面高宽比") == "16:9"
    assert related == {root.findtext("标识/唯一标识符")}


def source(**recording: Any) -> MetadataSource:
    name = recording.get("title", "")
    manifest = {
        "recording": {"id": "r1", "started_at": "2026-11-20T01:30:00Z"} | recording,
        "tracks": [{"source": name, "codec": name, "gaps": [], "segments": [], "participant_id": name}],
        "participants": [{"name": name, "role": name, "organisation": name, "participant_id": "p"}],
        "software": name,
        "sealed_at": "2026-11-20T02:30:00Z",
    }
    acts = (("2026-11-20T02:30:00Z", name, "导出", name),)
    signature = {"algorithm": "Ed25519", "signature": "00" * 64, "fingerprint": "ab" * 32}
    return MetadataSource(manifest, "cd" * 32, signature, None, acts, "2026-11-20T03:00:00Z", "x", 2, "30 年")


HOSTILE = (
    "<script>alert(1)</script>",
    "]]>&amp;&#0;&lt;",
    '"\'><题名 filled="false"/>',
    "<!DOCTYPE x [<!ENTITY e SYSTEM 'file:///etc/passwd'>]>&e;",
    "<!-- -- --><?xml version='1.0'?>",
    "\x00\x01\x08\x0b\x0c\x1b\x7f\x85",
    "\ud800\udfff\ufffe\uffff",
    "\U0001f600\U0010ffff𠮷马",
    "\u202e\u2066\u200b\ufeff名",
    "王" * 10_000,
    "e" + "\u0301" * 10_000,
    "../../etc/passwd\\C:\\x",
    "=cmd|' /C calc'!A0",
    "\u2028\u2029",
)


@pytest.mark.parametrize("name", HOSTILE)
def test_any_name_stays_a_text_in_its_place(name: str) -> None:
    root = parsed(metadata_xml(source(title=name)))
    for told in (root.findtext("内容描述/题名"), root.findtext("机构人员/机构人员实体/机构人员名称")):
        kept = re.sub("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", "\ufffd", name)
        assert (told or "").strip() == kept.strip()
    assert root.findtext("标识/案件内顺序号") == "2" and root.findtext("标识/保管期限") == "30 年"


def test_two_thousand_seeded_names() -> None:
    seeded = random.Random(63)
    pieces = (
        "<",
        ">",
        "&",
        "]]>",
        "'",
        '"',
        "\x00",
        "\ud800",
        "\r",
        "\n",
        "\t",
        " ",
        "名",
        "\U0001f600",
        "&#x0;",
        "<!--",
    )
    for _ in range(300):
        name = "".join(seeded.choices(pieces, k=seeded.randrange(12)))
        root = ET.fromstring(metadata_xml(source(title=name)))  # noqa: S314 - made by us.
        told = root.findtext("内容描述/人物") or ""
        assert unicodedata.is_normalized("NFC", told) and "\x00" not in told
        assert len(root) == 8 and len(root.findall("内容描述/人物")) == 1


def test_what_is_missing_is_empty_and_says_so() -> None:
    bare = MetadataSource(
        {"recording": {"id": "r"}, "tracks": []}, "", {}, None, (), "2026-11-20T03:00:00Z", ""
    )
    root = parsed(metadata_xml(bare))
    assert root.find("内容描述/题名").get("filled") == "false"  # type: ignore[union-attr]
    with pytest.raises(AssertionError, match="order"):
        first = root.find("标识")
        assert first is not None
        first.append(first[0])
        first.remove(first[0])
        check(root, root.tag)


def test_a_period_is_told_as_the_archive_keeps_it() -> None:
    recorded = datetime(2026, 12, 31, 17, 0, tzinfo=UTC)  # Already the next year in Beijing.
    for klass in read_classes(("permanent=0", "long=30", "short=10")).values():
        assert period_name(recorded, klass.keep_until(recorded)) == klass.name
