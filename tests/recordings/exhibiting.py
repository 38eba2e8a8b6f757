"""Recordings in which materials were shown: their pages as pictures, and the events that tell of them."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

from PIL import Image

from recordings.evidence.manifest import MANIFEST_FILE, moment_text
from recordings.film.canvas import Canvas
from recordings.film.captions import Lettering
from recordings.film.exhibits import Exhibition
from recordings.film.layout import MATERIAL, arrange
from recordings.film.pages import PagePainter
from recordings.film.sheet import SealedPages
from tests.recordings.synthetic import PARTIES, START, START_NS

CONTRACT, LEAK = "m_contract", "m_leak"
NAMES = {CONTRACT: "供热合同.pdf", LEAK: "漏水.jpg"}


def jpeg(size: tuple[int, int], colour: Any, mode: str = "RGB", **how: Any) -> bytes:
    """A picture of one colour."""
    out = io.BytesIO()
    Image.new(mode, size, colour).save(out, how.pop("format", "JPEG"), **how)
    return out.getvalue()


class Sitting:
    """What was shown in a recording folder: pages put there one by one, events in their order."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = root
        self.events: list[dict[str, Any]] = []
        self.exhibits: list[dict[str, Any]] = []

    def add_page(self, material_id: str, page: int, content: bytes, ending: str = "jpg") -> dict[str, Any]:
        assert self.root is not None
        path = f"exhibits/{material_id}/page-{page}.{ending}"
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_bytes(content)
        self.exhibits.append(
            {
                "material_id": material_id,
                "name": NAMES.get(material_id, material_id),
                "page": page,
                "path": path,
                "media_type": "image/jpeg",
                "size": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
                "sm3": "",
                "first_shown_at": moment_text(START),
            }
        )
        return self.exhibits[-1]

    def add(self, at: float, kind: str, who: str | None = "p_city", **data: Any) -> None:
        second, rest = divmod(START_NS + round(at * 1e9), 1_000_000_000)
        stamp = START.fromtimestamp(second, START.tzinfo).replace(microsecond=rest // 1000)
        self.events.append(
            {
                "sequence": len(self.events) + 1,
                "kind": kind,
                "at": stamp.isoformat(timespec="microseconds").replace("+00:00", "Z"),
                "participant_id": who,
                "data": data,
            }
        )

    def show(self, at: float, material_id: str, page: int = 1, pages: int = 3, who: str = "p_city") -> None:
        self.add(
            at, "material.shown", who, material_id=material_id,
            name=NAMES.get(material_id, material_id), page=page, pages=pages,
        )  # fmt: skip

    def turn(self, at: float, material_id: str, page: int) -> None:
        self.add(at, "material.turned", material_id=material_id, page=page)

    def end(self, at: float, material_id: str, cause: str = "stopped") -> None:
        self.add(at, "material.ended", material_id=material_id, page=1, cause=cause)

    def draw(self, at: float, material_id: str, page: int, points: Any) -> None:
        self.add(at, "material.drawn", material_id=material_id, page=page, points=points)

    def wipe(self, at: float, material_id: str, page: int, everything: bool) -> None:
        self.add(at, "material.wiped", material_id=material_id, page=page, everything=everything)

    def manifest(self) -> dict[str, Any]:
        return {
            "participants": [],
            "tracks": [],
            "session_events": self.events,
            "exhibits": self.exhibits,
        }

    def put_into_manifest(self) -> None:
        """Write events and exhibits into the sealed folder's manifest; nothing here reads its signature."""
        assert self.root is not None
        path = self.root / MANIFEST_FILE
        content = json.loads(path.read_bytes())
        path.write_text(json.dumps({**content, "session_events": self.events, "exhibits": self.exhibits}))


class Table:
    """One page painter on a canvas, without a film."""

    def __init__(self, sitting: Sitting, width: int = 480, height: int = 320) -> None:
        self.canvas = Canvas(width, height)
        manifest = sitting.manifest()
        sealed = SealedPages(sitting.root or Path("none"), manifest)
        self.painter = PagePainter(self.canvas, Exhibition(manifest, START_NS), sealed, Lettering())
        people = [PARTIES[0].entry()]
        (self.tile,) = arrange(people, {}, width, height, "p_city", MATERIAL)
        self.painter.place(self.tile)

    def changed(self, at: float, pause: str = "") -> int:
        """Samples of luma that are others afterwards; none when nothing is to be coded."""
        luma = self.canvas.planes[: self.canvas.height]
        before = luma.copy()
        self.canvas.changed = False
        self.painter.paint(at, pause)
        count = int((before != luma).sum())
        assert self.canvas.changed or not count
        return count if self.canvas.changed else -1
