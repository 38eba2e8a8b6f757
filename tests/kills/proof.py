"""What must hold of a recording whose workers were killed: nothing written is missing, every gap is told."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import av

from recordings.archive.key import KEY_FILE, load_master
from recordings.archive.restore import restore_files
from recordings.archive.store import DirectoryStore
from recordings.capture import segment
from recordings.capture.journal import file_sha256
from recordings.evidence.verification import verify_folder
from tests.kills.round import PAGES, Recorded, Round
from tests.kills.witness import Written, read_diary

# A killed writer loses what waited for its turn; more than this on a busy machine is a fault.
LONGEST_TAIL = 3.0
MEDIA = (segment.RTP, segment.SENDER_REPORT)
# A film may end so much before or after its recording, s.
FILM_SLACK = 1.5


@dataclass
class Findings:
    """``tails``: seconds before each kill that are lost, of each track. ``faults`` in words."""

    recordings: int = 0
    writes: int = 0
    records: int = 0
    pages: int = 0
    torn: int = 0
    gaps: int = 0
    film_seconds: float = 0.0
    tails: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def add(self, other: Findings) -> None:
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)


async def examine_round(done: Round, objects: Iterable[tuple[str, list[Any]]]) -> Findings:
    """Every check of every recording. ``objects``: recording id and its rows in the archive."""
    found, diary, stored = Findings(), read_diary(done.folder / "diary"), dict(objects)
    for each in done.recorded:
        found.recordings += 1
        manifest = json.loads((each.folder / "manifest.json").read_bytes())
        verdict = verify_folder(each.folder)
        if not verdict.intact or verdict.manifest_sha256 != each.row.manifest_sha256:
            found.faults.append(f"{each.row.id}: {verdict.lines()}")
        for fault in (
            *_missing_writes(each, manifest, diary, found),
            *_missing_records(each, manifest, found),
            *_untold_gaps(each, manifest, done.kills, found),
            *_missing_pages(each, manifest, found),
            *_undecodable(each, manifest, found),
            *_leftovers(each),
            *await _archive_faults(each, stored[each.row.id], done.folder),
        ):
            found.faults.append(f"{each.row.id}: {fault}")
    return found


def _missing_writes(
    each: Recorded, manifest: dict[str, Any], diary: list[Written], found: Findings
) -> Iterator[str]:
    """Each write that the kernel took lies in a file the manifest names, and that file is as it names it."""
    sealed = {entry["path"]: entry for track in manifest["tracks"] for entry in track["segments"]}
    for path, entry in sealed.items():
        if file_sha256(each.folder / path) != entry["sha256"]:
            yield f"{path} is not what was sealed"
    for written in diary:
        if not written.path.is_relative_to(each.folder):
            continue
        found.writes += 1
        name = str(written.path.relative_to(each.folder))
        if name not in sealed:
            yield f"{name} was written and is not sealed"
        elif not written.lies_in(written.path):
            yield f"{name}: {written.size} bytes at {written.offset} are gone"


def _missing_records(each: Recorded, manifest: dict[str, Any], found: Findings) -> Iterator[str]:
    """The manifest counts what a second reading of the bytes finds; only the end of a life is ever torn."""
    for entry in (entry for track in manifest["tracks"] for entry in track["segments"]):
        records, torn = _read(each.folder / entry["path"])
        found.records += len(records)
        found.torn += len(torn)
        if entry["records"] != len(records):
            yield f"{entry['path']}: {entry['records']} of {len(records)} records are sealed"
        if any(not damage.tail for damage in torn) or (torn and entry["closed"]):
            yield f"{entry['path']} is damaged at {torn}"


def _read(path: Path) -> tuple[list[segment.Record], list[segment.Damage]]:
    with segment.SegmentFile(path) as file:
        items = list(file.items())
    records = [item for item in items if isinstance(item, segment.Record)]
    return records, [item for item in items if isinstance(item, segment.Damage)]


def _missing_pages(each: Recorded, manifest: dict[str, Any], found: Findings) -> Iterator[str]:
    """What was shown is sealed, page by page, as it was."""
    for page, content in PAGES.items():
        named = [entry for entry in manifest["exhibits"] if entry["page"] == page]
        path = each.folder / named[0]["path"] if len(named) == 1 else None
        if path is None or not path.exists() or path.read_bytes() != content:
            yield f"page {page} that was shown is sealed as {named}"
        else:
            found.pages += 1


def _untold_gaps(
    each: Recorded, manifest: dict[str, Any], kills: list[int], found: Findings
) -> Iterator[str]:
    """Each kill lies in a gap of every track that was being recorded, from its last record on."""
    (boot,) = manifest["clock"]["boots"]
    stopped = datetime.fromisoformat(manifest["recording"]["stopped_at"])
    for track in manifest["tracks"]:
        paths = [each.folder / entry["path"] for entry in track["segments"]]
        came = [one.monotonic_ns for path in paths for one in _read(path)[0] if one.kind in MEDIA]
        told = [_span(gap) for gap in track["gaps"]]
        found.gaps += len(told)
        for earlier, kill in pairwise((0, *kills)):
            before = max((at for at in came if at <= kill), default=None)
            if before is None:
                continue
            if before > earlier:  # Else nothing of it was written in this life.
                found.tails.append((kill - before) / 1e9)
            if found.tails and found.tails[-1] > LONGEST_TAIL:
                yield f"{track['directory']}: {found.tails[-1]:.2f} s before a kill are lost"
            begin, end = (_wall(boot, at) for at in (before, kill))
            slack = timedelta(milliseconds=2)
            if not any(since <= begin + slack and min(end, stopped) <= until for since, until in told):
                yield f"{track['directory']}: no gap is told for {begin} to {end}, only {told}"


def _span(gap: dict[str, Any]) -> tuple[datetime, datetime]:
    return datetime.fromisoformat(gap["from"]), datetime.fromisoformat(gap["to"])


def _wall(boot: dict[str, Any], monotonic_ns: int) -> datetime:
    wall_ns = boot["wall_ns"] + monotonic_ns - boot["monotonic_ns"]
    return datetime.fromtimestamp(wall_ns / 1e9, UTC)


def _undecodable(each: Recorded, manifest: dict[str, Any], found: Findings) -> Iterator[str]:
    """Sound and picture decode without an error up to the end, which is where the recording ends."""
    spoken = [datetime.fromisoformat(manifest["recording"][key]) for key in ("started_at", "stopped_at")]
    length = (spoken[1] - spoken[0]).total_seconds()
    try:
        with av.open(str(each.folder / "composed.mp4")) as film:
            if [stream.type for stream in film.streams] != ["video", "audio"]:
                yield f"the film holds {film.streams}"
            ends = {"video": 0.0, "audio": 0.0}
            for packet in film.demux():
                for frame in packet.decode():
                    ends[packet.stream.type] = max(ends[packet.stream.type], float(frame.time or 0))
    except av.FFmpegError as error:
        yield f"the film does not decode: {error}"
        return
    found.film_seconds += min(ends.values())
    if any(abs(end - length) > FILM_SLACK for end in ends.values()):
        yield f"the film of {length:.1f} s decodes to {ends}"


def _leftovers(each: Recorded) -> Iterator[str]:
    """Of the attempts that were killed nothing stays."""
    known = {
        "exhibits",
        "tracks",
        "manifest.json",
        "manifest.sig",
        "composed.json",
        "composed.mp4",
        "composed.sig",
    }
    for path in each.folder.iterdir():
        if path.name not in known:
            yield f"{path.name} was left behind"


async def _archive_faults(each: Recorded, objects: list[Any], folder: Path) -> list[str]:
    """What the archive gives back is byte for byte what was sealed."""
    target = Path(tempfile.mkdtemp(dir=folder, prefix="restored-"))
    store, master = DirectoryStore(folder / "store"), load_master(folder / "keys" / KEY_FILE, create=False)
    await restore_files(store, objects, master, each.row.id, target)
    manifest = json.loads((each.folder / "manifest.json").read_bytes())
    sealed = [entry["path"] for track in manifest["tracks"] for entry in track["segments"]]
    sealed += [entry["path"] for entry in manifest["exhibits"]]
    return [
        f"{name} comes back different from the archive"
        for name in (*sealed, "manifest.json", "manifest.sig")
        if not (target / name).exists() or file_sha256(target / name) != file_sha256(each.folder / name)
    ]
