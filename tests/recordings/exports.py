"""A sealed recording with a small film, and packages made of it without a database."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from recordings.capture.journal import file_sha256
from recordings.evidence.manifest import canonical, moment_text, sha256_hex, without_floats
from recordings.evidence.signing import load_signer
from recordings.packages.acts import Act
from recordings.packages.export import Export, PageContent, build_package
from recordings.packages.package import Package
from recordings.recording import CompositionState, Recording, RecordingState
from recordings.store import COMPOSED_FILE, COMPOSED_SIGNATURE, COMPOSED_STATEMENT
from tests.recordings.synthetic import PARTIES, START, manifest_content, write_session

SECONDS = 8.0
FPS, GROUP, RATE = 15, 30, 48_000
TWO = PARTIES[:2]
MADE = datetime(2026, 11, 22, 2, 30, tzinfo=UTC)
CHAIN_NUMBER = 3
ACTS = (
    Act(START + timedelta(hours=1), "系统", "封存", "计算摘要、写入清单并签名"),
    Act(START + timedelta(hours=2), "系统", "格式转换", "由原始轨道合成 MP4"),
    Act(MADE, "赵敏", "导出", "市局复查调阅"),
)
RECORDING_ID = "0123456789abcdef0123456789abcdef"


def write_film(path: Path, seconds: float = SECONDS, shade: int = 0) -> None:
    """H.264 with a key frame every two seconds and AAC, as the composition writes them."""
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as output:
        options = {"preset": "veryfast", "g": str(GROUP), "sc_threshold": "0"}
        video = output.add_stream("libx264", rate=FPS, options=options)
        video.width, video.height, video.pix_fmt = 320, 180, "yuv420p"
        audio = output.add_stream("aac", rate=RATE)
        audio.layout = "mono"
        sent = 0
        for number in range(round(seconds * FPS)):
            while sent < (number + 1) * RATE / FPS:
                tone = 0.2 * np.sin(np.arange(sent, sent + 1024) * 2 * np.pi * 440 / RATE)
                sound = av.AudioFrame.from_ndarray(tone.astype("float32").reshape(1, -1), "fltp", "mono")
                sound.sample_rate, sound.pts = RATE, sent
                output.mux(audio.encode(sound))
                sent += 1024
            picture = np.full((180, 320, 3), (number * 2 + shade) % 256, np.uint8)
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts, frame.time_base = number, Fraction(1, FPS)
            output.mux(video.encode(frame))
        output.mux(video.encode(None))
        output.mux(audio.encode(None))


def session_events() -> list[dict[str, object]]:
    """A session that pauses from the second to the third second, and one span of speech."""
    began = round(START.timestamp() * 1000)
    told = (
        (-60.0, "participant.joined", "马秀英", {}),
        (0.5, "session.opened", "王芳", {}),
        (2.0, "session.paused", "王芳", {"reason": "<b>核对材料</b>"}),
        (3.0, "session.resumed", "王芳", {}),
        (5.0, "hand.raised", "<img onerror=1>\u202e", {}),
        (7.0, "speech.noted", None, {"spans": [["p_citizen", began + 4000, 1500]]}),
        (7.5, "session.closed", "王芳", {}),
    )
    return [
        {
            "sequence": number, "at": moment_text(START + timedelta(seconds=at)), "monotonic_ms": 0,
            "kind": kind, "actor_name": who, "participant_id": None, "data": data,
        }
        for number, (at, kind, who, data) in enumerate(told, 1)
    ]  # fmt: skip


def write_recording(folder: Path, keys: Path, title: str = "城关区供暖问题联合接访") -> None:
    """Journals, a signed manifest with events, a film and its signed statement."""
    folder.mkdir(parents=True)
    write_session(folder, SECONDS, TWO, (160, 90), roll_seconds=5)
    content = manifest_content(folder, SECONDS, TWO) | {
        "session_events": session_events(),
        "sealed_at": moment_text(MADE - timedelta(hours=1)),
        "software": "lianxin 0.1.0",
        "consents": [],
        "chain": {"number": CHAIN_NUMBER, "previous_manifest_sha256": "0" * 64},
    }
    office = {"id": "o", "name": "城关区信访局", "region_code": "620102"}
    content["recording"] |= {"id": RECORDING_ID, "title": title, "organisation": office}
    signer = load_signer(keys)
    data = canonical(without_floats(content))
    (folder / "manifest.json").write_bytes(data)
    (folder / "manifest.sig").write_bytes(canonical(signer.sign(data)))
    write_film(folder / COMPOSED_FILE)
    statement = canonical(
        {
            "format": "lianxin-derivative",
            "manifest_sha256": sha256_hex(data),
            "sha256": file_sha256(folder / COMPOSED_FILE),
        }
    )
    (folder / COMPOSED_STATEMENT).write_bytes(statement)
    (folder / COMPOSED_SIGNATURE).write_bytes(canonical(signer.sign(statement)))


def make_export(
    folder: Path,
    span: tuple[float, float] | None = None,
    number: str = "LZ2026-000123",
    ledger: Path | None = None,
) -> Export:
    """What ``begin_export`` would have permitted."""
    manifest = (folder / "manifest.json").read_bytes()
    recording = Recording(
        id=RECORDING_ID,
        state=RecordingState.SEALED,
        composition=CompositionState.DONE,
        manifest_sha256=sha256_hex(manifest),
        composed_sha256=file_sha256(folder / COMPOSED_FILE),
        composed_ms=round(SECONDS * 1000),
        composed_at=MADE - timedelta(minutes=30),
    )
    title = json.loads(manifest)["recording"]["title"]
    return Export(recording, number, title, folder, "赵敏", "市局复查调阅", MADE, span, ACTS, ledger)


def plain_pages(content: PageContent) -> Mapping[str, bytes]:
    """In place of the real pages, which belong to another floor of the house."""
    return {"index.html": content.export.title.encode(), "player/player.js": b"// nothing\n"}


def make_package(
    folder: Path,
    keys: Path,
    room: Path,
    span: tuple[float, float] | None = None,
    ledger: Path | None = None,
) -> Package:
    room.mkdir(exist_ok=True)
    return build_package(make_export(folder, span, ledger=ledger), load_signer(keys), plain_pages, room)
