"""A thousand seeded manipulations of sealed recordings: each is found where it is; no false alarm."""

from __future__ import annotations

import hashlib
import json
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from recordings.capture import segment
from recordings.capture.journal import Disk, TrackJournal
from recordings.evidence.manifest import MANIFEST_FILE, SIGNATURE_FILE, canonical
from recordings.evidence.signing import load_signer
from recordings.evidence.verdict import Finding
from recordings.evidence.verification import verify_folder
from recordings.store import COMPOSED_FILE, COMPOSED_SIGNATURE, COMPOSED_STATEMENT
from tests.recordings.synthetic import MONOTONIC_NS, PARTIES, START_NS, identity, rtp, seal, write_exhibits

MANIPULATIONS = 1_000
# A manifest and its signature accuse each other, a film and its statement too: a finding names the first.
PART_OF = {
    SIGNATURE_FILE: MANIFEST_FILE,
    COMPOSED_SIGNATURE: COMPOSED_FILE,
    COMPOSED_STATEMENT: COMPOSED_FILE,
}


def make_recording(root: Path, source: random.Random, seconds: int, packet: int) -> None:
    """Two parties with camera and microphone; segments of two seconds, pages of two materials, and a film."""
    for party in PARTIES[:2]:
        for name in ("camera", "microphone"):
            journal = TrackJournal(root, identity(party, name), Disk(), roll_seconds=2)
            for number in range(seconds * 10):
                at = number * 100_000_000
                data = rtp(number, number * 9_000, 7, source.randbytes(source.randint(20, packet)), True, 96)
                journal.append(segment.RTP, MONOTONIC_NS + at, START_NS + at, data)
                if number % 10 == 9:
                    journal.drain(MONOTONIC_NS + at, START_NS + at)
            journal.finish(MONOTONIC_NS + at, START_NS + at, "session closed")
    pages = {(name, page): source.randbytes(packet * 9) for name in ("paper", "photo") for page in (1, 12)}
    seal(root, float(seconds), PARTIES[:2], write_exhibits(root, pages))
    film = source.randbytes(5_000)
    manifest = (root / MANIFEST_FILE).read_bytes()
    statement = canonical(
        {
            "manifest_sha256": hashlib.sha256(manifest).hexdigest(),
            "sha256": hashlib.sha256(film).hexdigest(),
        }
    )
    (root / COMPOSED_FILE).write_bytes(film)
    (root / COMPOSED_STATEMENT).write_bytes(statement)
    signed = load_signer(root.parent / "keys").sign(statement)
    (root / COMPOSED_SIGNATURE).write_bytes(canonical(signed))


@dataclass
class Sealed:
    """A sealed folder that can be brought back to what it was."""

    root: Path
    whole: dict[str, bytes] = field(default_factory=dict)

    def __post_init__(self) -> None:
        files = sorted(path for path in self.root.rglob("*") if path.is_file())
        self.whole = {path.relative_to(self.root).as_posix(): path.read_bytes() for path in files}
        self.journals = [name for name in self.whole if name.endswith(".lxj")]
        self.pages = [name for name in self.whole if name.startswith("exhibits/")]
        self.tracks = sorted({name.rpartition("/")[0] for name in self.journals})
        self.trusted = frozenset({load_signer(self.root.parent / "keys").fingerprint})

    def write(self, contents: dict[str, bytes | None]) -> None:
        for name, data in contents.items():
            path = self.root / name
            if data is None:
                path.unlink()
            else:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)

    def findings(self) -> list[Finding]:
        return verify_folder(self.root, self.trusted).findings


Change = dict[str, bytes | None]  # By path what stands there afterwards; None: nothing any more.


def flip(sealed: Sealed, source: random.Random) -> Change:
    name = source.choice(list(sealed.whole))
    data = bytearray(sealed.whole[name])
    data[source.randrange(len(data))] ^= 1 << source.randrange(8)
    return {name: bytes(data)}


def cut(sealed: Sealed, source: random.Random) -> Change:
    """The end is missing, or a piece of the middle."""
    name = source.choice(list(sealed.whole))
    data = sealed.whole[name]
    begin = source.randrange(len(data))
    end = source.choice((len(data), min(len(data), begin + source.randint(1, 200))))
    return {name: data[:begin] + data[end:]}


def drop(sealed: Sealed, source: random.Random) -> Change:
    gone: Change = {source.choice(sorted(sealed.whole)): None}
    if MANIFEST_FILE not in gone and source.random() < 0.2:  # A whole track, or a whole material.
        track = source.choice([*sealed.tracks, "exhibits/paper"])
        gone |= {name: None for name in (*sealed.journals, *sealed.pages) if name.startswith(track)}
    return gone


def add(sealed: Sealed, source: random.Random) -> Change:
    """Bytes at the end of a file, bytes inside it, or another file; whole records too."""
    name, data = source.choice(list(sealed.whole.items()))
    more = source.choice((source.randbytes(source.randint(1, 300)), b"\0", b"\n", b" "))
    record = segment.encode_record(segment.RTP, MONOTONIC_NS, START_NS, b"\x80" + bytes(30))
    way = source.randrange(4)
    if way == 0:
        return {name: data + more}
    if way == 1:
        place = source.randrange(len(data))
        return {name: data[:place] + more + data[place:]}
    if way == 2:
        journal = source.choice(sealed.journals)
        return {journal: sealed.whole[journal] + record}
    number, track = source.randint(90, 999), source.choice([*sealed.tracks, "tracks/p_new-camera", "tracks"])
    if source.random() < 0.3:
        folder = source.choice(("exhibits/paper", "exhibits/new", "exhibits"))
        return {f"{folder}/page-{number}.{source.choice(('jpg', 'png', 'bin'))}": more}
    return {f"{track}/{number:06}.{source.choice(('lxj', 'bin'))}": more}


def swap(sealed: Sealed, source: random.Random) -> Change:
    """Two segments, of one track or of two, two pages, a page for a segment, or two pieces of one of them."""
    if source.random() < 0.6:
        one, two = source.sample(
            source.choice((sealed.journals, sealed.pages, [*sealed.journals, *sealed.pages])), 2
        )
        return {one: sealed.whole[two], two: sealed.whole[one]}
    name = source.choice([*sealed.journals, *sealed.pages])
    data = bytearray(sealed.whole[name])
    size = source.randint(1, 60)
    one, two = sorted(source.sample(range(0, len(data) - size, size), 2))  # type: ignore[assignment]
    a, b = int(one), int(two)
    data[a : a + size], data[b : b + size] = data[b : b + size], data[a : a + size]
    return {name: bytes(data)}


def reorder(sealed: Sealed, source: random.Random) -> Change:
    """Segments of a track or pages of a material under each other's names, or records in another order."""
    if source.random() < 0.5:
        track = source.choice([*sealed.tracks, "exhibits/paper", "exhibits/photo"])
        names = [name for name in (*sealed.journals, *sealed.pages) if name.startswith(track + "/")]
        order = names[1:] + names[:1]
        return {name: sealed.whole[other] for name, other in zip(names, order, strict=True)}
    name = source.choice(sealed.journals)
    with segment.SegmentFile(sealed.root / name) as file:
        records = [item for item in file.items() if isinstance(item, segment.Record)]
    data = sealed.whole[name]
    if len(records) < 2:
        return {}
    place = source.randrange(len(records) - 1)
    one, two = records[place], records[place + 1]
    turned = data[two.offset : two.end] + data[one.offset : one.end]
    return {name: data[: one.offset] + turned + data[two.end :]}


def edit(sealed: Sealed, source: random.Random) -> Change:
    """A value of a statement is another, in proper form; sometimes signed, by a key of the forger's own."""
    name = source.choice((MANIFEST_FILE, *PART_OF))
    content = json.loads(sealed.whole[name])
    holder: Any = content
    key: Any = source.choice(sorted(holder))
    while isinstance(holder[key], dict | list) and holder[key]:
        holder = holder[key]
        key = source.choice(sorted(holder)) if isinstance(holder, dict) else source.randrange(len(holder))
    value = holder[key]
    holder[key] = value + 1 if isinstance(value, int) else f"{value or ''}x"
    if isinstance(value, str) and value.upper() != value and source.random() < 0.5:
        holder[key] = value.upper()
    edited: Change = {name: canonical(content)}
    if name == MANIFEST_FILE and source.random() < 0.3:
        forger = load_signer(sealed.root.parent / "forger")
        edited[SIGNATURE_FILE] = canonical(forger.sign(canonical(content)))
    return edited


KINDS: tuple[Callable[[Sealed, random.Random], Change], ...] = (flip, cut, drop, add, swap, reorder, edit)


def is_named(name: str, before: bytes | None, after: bytes | None, findings: list[Finding]) -> bool:
    """Does a finding name this part, and do the ranges it gives contain the bytes that differ?"""
    part = PART_OF.get(name, name)
    own = [finding for finding in findings if finding.path == part]
    if any(finding.start is None for finding in own) or before is None or after is None or not own:
        return bool(own)
    shorter = min(len(before), len(after))
    first = next((n for n in range(shorter) if before[n] != after[n]), shorter)
    places = [first]
    if len(before) == len(after):
        places.append(next(n for n in range(shorter - 1, -1, -1) if before[n] != after[n]))
    spans = [(finding.start or 0, finding.end or 0) for finding in own]
    return all(any(start <= place < end for start, end in spans) for place in places)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> list[Sealed]:
    source, made = random.Random(2026), []
    for number, (seconds, packet) in enumerate([(5, 60), (5, 400), (6, 900), (7, 200), (9, 100), (5, 30)]):
        root = tmp_path_factory.mktemp("manipulated") / f"rec{number}"
        root.mkdir()
        make_recording(root, source, seconds, packet)
        made.append(Sealed(root))
    return made


def test_a_thousand_manipulations_are_found_and_a_thousand_clean_runs_are_clean(
    recordings: list[Sealed],
) -> None:
    missed, unnamed, false_alarms, done = [], [], 0, Counter[str]()
    for number in range(MANIPULATIONS):
        source = random.Random(number)
        sealed, kind = source.choice(recordings), KINDS[number % len(KINDS)]
        change = {name: data for name, data in kind(sealed, source).items() if sealed.whole.get(name) != data}
        if not change:  # What was exchanged is equal.
            change = flip(sealed, source)
        sealed.write(change)
        findings = sealed.findings()
        if not findings:
            missed.append((number, kind.__name__, sorted(change)))
        elif not all(is_named(name, sealed.whole.get(name), data, findings) for name, data in change.items()):
            unnamed.append((number, kind.__name__, sorted(change), [(f.path, f.start) for f in findings]))
        sealed.write({name: sealed.whole.get(name) for name in change})
        false_alarms += bool(sealed.findings())
        done[kind.__name__] += 1
    assert (missed, unnamed, false_alarms) == ([], [], 0)
    assert sum(done.values()) == MANIPULATIONS and min(done.values()) > 100
