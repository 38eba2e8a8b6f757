"""A stranger's reader: knows docs/recording-format.md and nothing of ours.

Offsets, sizes, constants, kinds and types are taken from the tables of the document, so a table that is
wrong or lacks a row is a reader that does not read. Only the standard library and a cryptography package.
"""

from __future__ import annotations

import hashlib
import json
import re
import struct
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

DOCUMENT = (Path(__file__).resolve().parents[2] / "docs" / "recording-format.md").read_text(encoding="utf-8")
HEX = re.compile(r"`((?:[0-9A-F]{2} ?)+)`")


def section(heading: str) -> str:
    """The text below a heading, up to the next one of the same or a higher level."""
    found = re.search(rf"^(#+) {re.escape(heading)}\n", DOCUMENT, re.MULTILINE)
    assert found, f"no section {heading}"
    rest = DOCUMENT[found.end() :]
    end = re.search(rf"^#{{1,{len(found.group(1))}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def tables(heading: str) -> list[list[list[str]]]:
    """The tables of a section, each a list of rows without the head."""
    runs = re.findall(r"(?:^\|.*\n?)+", section(heading), re.MULTILINE)
    return [
        [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in run.splitlines()[2:]]
        for run in runs
    ]


def number_in(text: str) -> int:
    return int(text.replace(",", ""))


def sentence_number(pattern: str) -> int:
    """A number that a sentence of the document tells."""
    found = re.search(pattern, DOCUMENT)
    assert found, pattern
    return number_in(found.group(1))


def sentence_text(pattern: str) -> str:
    found = re.search(pattern, DOCUMENT)
    assert found, pattern
    return found.group(1)


# CRC-32C, from the row of parameters.

POLYNOMIAL = int(sentence_text(r"reflected polynomial `0x([0-9A-F]+)`"), 16)
ONES = int(sentence_text(r"initial value and final XOR `0x([0-9A-F]+)`"), 16)
CHECK = int(sentence_text(r"of `123456789` it is `0x([0-9A-F]+)`"), 16)
TABLE = []
for _byte in range(256):
    _value = _byte
    for _ in range(8):
        _value = _value >> 1 ^ (POLYNOMIAL if _value & 1 else 0)
    TABLE.append(_value)


def crc32c(data: bytes) -> int:
    crc = ONES
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ ONES


assert crc32c(b"123456789") == CHECK


# A file header: rows of (bytes, content).


class Headed(NamedTuple):
    """A header's JSON object, its bytes, and where it ends."""

    content: dict[str, Any]
    raw: bytes
    end: int


def read_head(rows: list[list[str]], data: bytes) -> Headed | None:
    """Follow the rows; None when the bytes are not what they say."""
    place, length, raw, content = 0, 0, b"", None
    for size, what in rows:
        count = length if size == "n" else int(size) if size.isdigit() else None
        if count is None:
            break  # The rest of the file is something else.
        part = data[place : place + count]
        if len(part) < count:
            return None
        if constant := HEX.match(what):
            if part != bytes.fromhex(constant.group(1)):
                return None
        elif what.startswith("n:"):
            (length,) = struct.unpack(">I", part)
            if length > number_in(what.split("at most ")[1]):
                return None
        elif what.startswith("CRC-32C"):
            if struct.unpack(">I", part)[0] != crc32c(data[:place]):
                return None
        else:
            try:
                raw, content = part, json.loads(part)
            except ValueError:
                return None
        place += count
    return Headed(content, raw, place) if isinstance(content, dict) else None


# Records: rows of (offset, bytes, content).

HEADER_ROWS, HEADER_KEYS = tables("File header")[0], tables("File header")[1]
RECORD_ROWS, KIND_ROWS = tables("Record")[0], tables("Record")[1]
KINDS = {int(number): name for number, name, _ in KIND_ROWS}
PAYLOADS = {name: payload for _, name, payload in KIND_ROWS}
MAGIC = bytes.fromhex(HEX.match(RECORD_ROWS[0][2]).group(1))  # type: ignore[union-attr]
CEILING = number_in(next(what for *_, what in RECORD_ROWS if what.startswith("n:")).split("at most ")[1])


class Read(NamedTuple):
    offset: int
    end: int
    kind: int
    monotonic_ns: int
    wall_ns: int
    payload: bytes


def read_record(data: bytes, place: int) -> Read | None:
    """The record that begins there, by the table; None where none does."""
    values: dict[str, Any] = {}
    length = 0
    for offset, size, what in RECORD_ROWS:
        start = place + sum(length if part == "n" else int(part) for part in offset.split(" + "))
        count = length if size == "n" else int(size)
        part = data[start : start + count]
        if len(part) < count:
            return None
        if constant := HEX.match(what):
            if part != bytes.fromhex(constant.group(1)):
                return None
        elif what.startswith("n:"):
            length = int.from_bytes(part, "big")
            if length > CEILING:
                return None
        elif what.startswith("CRC-32C"):
            if int.from_bytes(part, "big") != crc32c(data[place:start]):
                return None
        elif what != "zero":
            values[what] = part if what == "payload" else int.from_bytes(part, "big")
        end = start + count
    return Read(place, end, values["kind"], values["monotonic time"], values["wall time"], values["payload"])


def read_segment(data: bytes) -> tuple[dict[str, Any] | None, list[Read], list[tuple[int, int, bool]]]:
    """Header, whole records, and damaged ranges as [start, end) and whether it is a torn tail."""
    head = read_head(HEADER_ROWS, data)
    place = head.end if head else 0
    records: list[Read] = []
    damaged: list[tuple[int, int, bool]] = []
    since: int | None = None
    while place < len(data):
        record = read_record(data, place)
        if record is None:
            since = place if since is None else since
            found = data.find(MAGIC, place + 1)
            place = len(data) if found < 0 else found
            continue
        if since is not None:
            damaged.append((since, place, False))
            since = None
        records.append(record)
        place = record.end
    if since is not None:
        damaged.append((since, len(data), True))
    return head.content if head else None, records, damaged


def read_report(payload: bytes) -> dict[str, int]:
    """A sender report by the names and sizes of its row."""
    fields = re.findall(r"(SSRC|NTP time|RTP time) \((\d)\)", PAYLOADS["sender report"])
    values, place = {}, 0
    for name, size in fields:
        values[name] = int.from_bytes(payload[place : place + int(size)], "big")
        place += int(size)
    assert place == len(payload)
    return values


TYPES = {"text": str, "integer": int, "text or null": (str, type(None))}


def typed_keys() -> dict[str, Any]:
    """Key of the header to the Python types that its column allows."""
    found: dict[str, Any] = {}
    for keys, types, _ in HEADER_KEYS:
        names, kinds = re.findall(r"`(\w+)`", keys), types.split(", ")
        found |= dict(zip(names, (TYPES[kind] for kind in kinds * (len(names) // len(kinds))), strict=True))
    return found


def named(heading: str) -> set[str]:
    """Everything that stands as `code` in a section."""
    return set(re.findall(r"`([\w:.\-]+)`", section(heading)))


# Archived objects.


def decrypt(data: bytes, master: bytes) -> tuple[dict[str, Any], bytes]:
    """Header and plain bytes of one object. Raises what the cipher raises for a change."""
    rows = tables("Archived object")[0]
    head = read_head(rows, data)
    assert head is not None
    prefix = sentence_text(r"SHA-256 over `([\w-]+)` and its 32 bytes")
    key = head.content["key"]
    assert key["master"] == hashlib.sha256(prefix.encode() + master).hexdigest()
    session_key = AESGCM(master).decrypt(
        bytes.fromhex(key["nonce"]), bytes.fromhex(key["wrapped"]), key["session_id"].encode("ascii")
    )
    info = sentence_text(r"with `salt` and the info `([\w-]+)`")
    cipher = AESGCM(
        HKDF(SHA256(), 32, bytes.fromhex(head.content["salt"]), info.encode()).derive(session_key)
    )
    tag = sentence_number(r"each followed by its (\d+)-byte tag")
    counter = sentence_number(r"its number from 0 in (\d+) bytes, big-endian")
    bound, step, plain = hashlib.sha256(head.raw).digest(), head.content["chunk"] + tag, b""
    chunks = [data[at : at + step] for at in range(head.end, len(data), step)]
    for number, chunk in enumerate(chunks):
        nonce = number.to_bytes(counter, "big") + bytes([number == len(chunks) - 1])
        plain += cipher.decrypt(nonce, chunk, bound)
    assert len(plain) == head.content["size"]
    return head.content, plain


# Materials that were shown: rows of (kind, data), (key, content) and (missing, meaning).

SHOWING_ROWS, EXHIBIT_ROWS, MISSING_ROWS = tables("Materials that were shown")
EXHIBIT_KEYS = {name for keys, _ in EXHIBIT_ROWS for name in re.findall(r"`(\w+)`", keys)}
MISSING_CAUSES = {name.strip("`") for name, _ in MISSING_ROWS}
SHOWN, TURNED, ENDED, DRAWN, WIPED = (kind.strip("`") for kind, _ in SHOWING_ROWS)
OVER = re.findall(r"`([\w.]+)`", sentence_text(r"\n?With (`\S+` or `\S+`) nothing is shown any more either"))
REPLACED = sentence_text(r"After the cause `(\w+)` another material follows")
MOST_PAGES = sentence_number(r"A page is an integer from 1 to ([\d,]+)")
MOST_NUMBERS = sentence_number(r"`points` are at least 4 and at most ([\d,]+) integers")
MOST_LINES = sentence_number(r"over one page lie at most ([\d,]+) lines")
EXTENT = sentence_number(r"of one line over the page, in 0 to ([\d,]+) of its width")
EXHIBIT_FORM = next(content for key, content in EXHIBIT_ROWS if key == "`path`").split("`")[1]
MEDIA_TYPES = re.findall(r"`(image/\w+)`", next(what for key, what in EXHIBIT_ROWS if key == "`media_type`"))
ENDINGS = re.findall(r"(\w+)(?:,|$)", EXHIBIT_ROWS[0][1].split(": ")[1])


def keys_of_event(kind: str) -> set[str]:
    """The keys of its `data`; a row that says so has those of the row above."""
    found: set[str] = set()
    for name, told in SHOWING_ROWS:
        told = told.split(";")[0] if name.strip("`") == TURNED else told
        own = set(re.findall(r"`(\w+)`", told)) - {REPLACED}
        found = found | own if told.startswith("the same keys") else own
        if name.strip("`") == kind:
            return found
    raise KeyError(kind)


class Up(NamedTuple):
    """What everybody looks at: material, page, lines over it."""

    material_id: str
    page: int
    lines: list[list[int]]


def what_is_up(events: list[dict[str, Any]]) -> Up | None:
    """After these events, in their order, as the section tells it."""
    material, page, is_up = "", 0, False
    lines: dict[int, list[list[int]]] = {}
    for event in events:
        kind, data = event["kind"], event["data"]
        number = data.get("page")
        is_page = type(number) is int and 1 <= number <= MOST_PAGES
        if kind == SHOWN:
            named = data.get("material_id")
            is_up = is_page and isinstance(named, str) and bool(re.fullmatch(r"[A-Za-z0-9_]{1,64}", named))
            if not is_up or named != material:
                lines = {}
            material, page = (named, number) if is_up else ("", 0)
        elif kind == ENDED or kind in OVER:
            is_up = False
            if kind in OVER or data.get("cause") != REPLACED:
                material, lines = "", {}
        elif not is_up or not is_page or data.get("material_id") != material:
            continue
        elif kind == TURNED:
            page = number
        elif kind == DRAWN and is_line(data.get("points")):
            if len(lines.setdefault(number, [])) < MOST_LINES:
                lines[number].append(data["points"])
        elif kind == WIPED:
            drawn = lines.get(number, [])
            del drawn[0 if data.get("everything") is True else -1 :]
    return Up(material, page, lines.get(page, [])) if is_up else None


def is_line(points: Any) -> bool:
    return (
        isinstance(points, list)
        and len(points) in range(4, MOST_NUMBERS + 1, 2)
        and all(type(number) is int and 0 <= number <= EXTENT for number in points)
    )


def wrong_exhibits(root: Path, entries: list[dict[str, Any]]) -> list[str]:
    """Paths of the pages that are not as listed, and of files that no entry lists."""
    wrong, listed = [], set()
    for entry in entries:
        form = EXHIBIT_FORM.replace("<material_id>", entry["material_id"])
        form = form.replace("<page>", str(entry["page"])).replace(
            "<ext>", dict(zip(MEDIA_TYPES, ENDINGS, strict=True))[entry["media_type"]]
        )
        data = b""
        if "missing" not in entry:
            listed.add(entry["path"])
            data = (root / entry["path"]).read_bytes() if (root / entry["path"]).is_file() else b""
        found = (len(data), hashlib.sha256(data).hexdigest(), hashlib.new("sm3", data).hexdigest())
        right = entry["path"] == form and entry.get("missing", "empty") in MISSING_CAUSES
        if not right or found != (entry["size"], entry["sha256"], entry["sm3"]) or set(entry) - EXHIBIT_KEYS:
            wrong.append(entry["path"])
    there = (path.relative_to(root).as_posix() for path in root.glob("exhibits/**/*") if path.is_file())
    return wrong + sorted(set(there) - listed)
