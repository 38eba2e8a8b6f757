"""A recorded reception in which a document of two pages was shown, turned, drawn on and put away."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from recordings.recording import load_recording
from scheduling.materials.material import MaterialKind
from scheduling.materials.rendering import Rendered
from scheduling.materials.uploading import Draft, keep_material
from scheduling.session_events import append_event
from signaling.seat import Seat
from tests.recordings.synthetic import START, Party, audio_packets, write_track
from tests.web.conftest import House
from tests.web.tracks import Write, record_tracks
from web.pages.materials import STORE

NAME = "租房合同 <b>.pdf"
# Page 1 from second 4, a line on it from 5; page 2 from 8; page 1 again from 12, wiped at 14; to 18.
LINE = [1000, 1000, 9000, 9000]
STEPS: tuple[tuple[float, str, dict[str, Any]], ...] = (
    (4.0, "shown", {"page": 1}),
    (5.0, "drawn", {"page": 1, "points": LINE}),
    (8.0, "turned", {"page": 2}),
    (12.0, "turned", {"page": 1}),
    (14.0, "wiped", {"page": 1, "everything": True}),
    (18.0, "ended", {"page": 1, "cause": "stopped"}),
)


@dataclass(frozen=True)
class Shown:
    recording_id: str
    session_id: str
    material_id: str
    folder: Path
    pictures: tuple[bytes, ...]


def paper(colour: str, words: str) -> bytes:
    """A page as the store holds it: JPEG, upright as A4."""
    picture = Image.new("RGB", (565, 800), colour)
    pen = ImageDraw.Draw(picture)
    for line in range(40):
        pen.text((60, 60 + 17 * line), f"{words} {line} " + "lorem ipsum dolor sit amet " * 3, "black")
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=85)
    return out.getvalue()


def a_word(folder: Path, parties: dict[str, Party]) -> None:
    """Hardly any sound, where a test is about the pages alone."""
    host = parties["host"]
    write_track(folder, host, "microphone", audio_packets(host, 0.5), 0.0, 0.02)


async def record_shown(house: House, write: Write = a_word, sealed: bool = True) -> Shown:
    """Twenty seconds."""
    pictures, kept = (paper("#fff8e0", "one"), paper("#e0f0ff", "two")), list[str]()

    async def show(db: AsyncSession, session_id: str) -> None:
        app = house.server.app
        assert app is not None
        draft = Draft(house.world.actor("chengguan.receptionist"), session_id, NAME, b"pdf", "1" * 64)
        rendered = Rendered(MaterialKind.PDF, list(pictures))
        material = await keep_material(db, house.clock, app[STORE], draft, rendered)
        kept.append(material.id)
        seat = await db.scalar(select(Seat.id).where(Seat.session_id == session_id))
        for at, kind, data in STEPS:
            house.clock.set(START + timedelta(seconds=at))
            data = {"material_id": material.id} | data
            if kind in ("shown", "turned", "ended"):
                data |= {"name": NAME, "pages": 2}
            if kind in ("shown", "turned"):
                data |= {"page_sha256": hashlib.sha256(pictures[data["page"] - 1]).hexdigest()}
            await append_event(db, house.clock, session_id, f"material.{kind}", "王芳", seat, data)

    recording_id = await record_tracks(house, 20.0, write, sealed, show)
    async with house.database.session() as db:
        recording = await load_recording(db, recording_id)
        folder = recording.folder(house.settings.recordings_root)
        return Shown(recording_id, recording.session_id, kept[0], folder, pictures)


def seal_pages(shown: Shown, **changes: Any) -> None:
    """Put the pages into the sealed folder and its manifest; ``changes`` to the entry of page 1."""
    manifest = json.loads((shown.folder / "manifest.json").read_bytes())
    listed = []
    for page, content in enumerate(shown.pictures, 1):
        path = f"exhibits/{shown.material_id}/page-{page}.jpg"
        (shown.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (shown.folder / path).write_bytes(content)
        listed.append(
            {
                "material_id": shown.material_id, "name": NAME, "page": page, "path": path,
                "media_type": "image/jpeg", "size": len(content), "sm3": "0" * 64,
                "sha256": hashlib.sha256(content).hexdigest(), "first_shown_at": "2026-11-22T00:00:00Z",
            }
        )  # fmt: skip
    listed[0] |= changes
    (shown.folder / "manifest.json").write_text(json.dumps(manifest | {"exhibits": listed}), "utf-8")
