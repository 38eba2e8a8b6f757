"""Stage: what a film shows at a moment: title and running time, everybody's tile, a material's page."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from recordings.evidence.pauses import deliberations_of, pauses_of
from recordings.evidence.veils import CARD, veils_of, without_names
from recordings.film.canvas import BLACK, Canvas
from recordings.film.captions import Lettering
from recordings.film.direction import Direction, Large
from recordings.film.exhibits import Exhibition
from recordings.film.layout import MATERIAL, TITLE_HEIGHT, Box, Tile, arrange
from recordings.film.pages import PagePainter
from recordings.film.picture import DELIBERATION, PAUSED, TilePainter
from recordings.film.plan import CompositionPlan, Span
from recordings.film.sheet import SealedPages
from recordings.film.stream import ParticipantStreams

BEIJING = timezone(timedelta(hours=8))
CLOCK_WIDTH = 340


class Stage:
    """``canvas`` as it is at the second to which it was painted last; time goes forwards only."""

    def __init__(
        self,
        folder: Path,
        manifest: dict[str, Any],
        span: Span,
        streams: dict[str, ParticipantStreams],
        plan: CompositionPlan,
    ) -> None:
        self._manifest, self._span, self._streams, self._plan = manifest, span, streams, plan
        self._lettering = Lettering(plan.font)
        self._pauses = [
            (pause, words)
            for words, pauses in ((DELIBERATION, deliberations_of), (PAUSED, pauses_of))
            for pause in pauses(manifest, span.start_ns, span.seconds)
        ]
        self._veils = veils_of(manifest, span.start_ns, span.seconds)
        self._direction = Direction(manifest, span.start_ns, plan.layout, plan.spotlight)
        self._large: Large | None = None
        self.canvas = Canvas(plan.width, plan.height)
        self._painters: dict[tuple[str, str], TilePainter] = {}
        self._visible: list[TilePainter] = []
        # Who is screened is named nowhere in the film: not by the name that they gave a file, either.
        exhibition = Exhibition(manifest, span.start_ns, unnamed=frozenset(self._veils))
        self._pages = PagePainter(self.canvas, exhibition, SealedPages(folder, manifest), self._lettering)
        self._clock_second = -1
        self._draw_title()
        self._place_tiles()

    def paint(self, at: float) -> None:
        """Show second ``at`` of the recording."""
        self._tell_time(at)
        pause = next((words for (since, until), words in self._pauses if since <= at < until), "")
        large = self._direction.large_at(at)
        if large != self._large:
            self._large = large
            self._place_tiles()
        self._pages.paint(at, pause)
        # The nearest picture, not the one before: half a picture early or late instead of a whole one late.
        nearest = at + 0.5 / self._plan.fps
        for painter in self._visible:
            painter.paint(nearest, pause or self._veiled(painter.participant_id, at))

    def _tell_time(self, at: float) -> None:
        """Date and time of day in Beijing, where another second has begun."""
        second = int((self._span.start_ns + int(at * 1e9)) // 1_000_000_000)
        if second != self._clock_second:
            self._clock_second = second
            moment = datetime.fromtimestamp(second, UTC).astimezone(BEIJING)
            text = moment.strftime("北京时间 %Y-%m-%d %H:%M:%S")
            box = Box(self._plan.width - CLOCK_WIDTH, 0, CLOCK_WIDTH, TITLE_HEIGHT)
            self.canvas.paste(self._lettering.bar(text, box.width, box.height, "right"), box)

    def _veiled(self, participant_id: str, at: float) -> str:
        spans = self._veils.get(participant_id, ())
        return CARD if any(since <= at < until for since, until in spans) else ""

    def _draw_title(self) -> None:
        plan, recording = self._plan, self._manifest["recording"]
        title = f"{recording.get('petition_number') or ''}  {recording.get('title') or ''}".strip()
        width = plan.width - CLOCK_WIDTH
        self.canvas.paste(self._lettering.bar(title, width, TITLE_HEIGHT), Box(0, 0, width, TITLE_HEIGHT))

    def _place_tiles(self) -> None:
        """Everybody at their place, with a document or a person on the stage or without."""
        plan, sources = self._plan, sources_of(self._manifest)
        people = without_names(everybody(self._manifest, sources), self._veils)
        self.canvas.fill(Box(0, TITLE_HEIGHT, plan.width, plan.height - TITLE_HEIGHT), BLACK)
        tiles = arrange(people, sources, plan.width, plan.height, *(self._large or ()))
        self._visible = [self._painter(tile) for tile in tiles if tile.source != MATERIAL]
        self._pages.place(next((tile for tile in tiles if tile.source == MATERIAL), None))

    def _painter(self, tile: Tile) -> TilePainter:
        key = (tile.participant_id, tile.source)
        if key in self._painters:
            self._painters[key].place(tile)
        else:
            streams = self._streams[tile.participant_id]
            self._painters[key] = TilePainter(self.canvas, tile, streams, self._lettering)
        return self._painters[key]


def sources_of(manifest: dict[str, Any]) -> dict[str, set[str]]:
    """Participant id to the sources that were recorded."""
    sources: dict[str, set[str]] = {}
    for track in manifest["tracks"]:
        sources.setdefault(track["participant_id"], set()).add(track["source"])
    return sources


def everybody(manifest: dict[str, Any], sources: dict[str, set[str]]) -> list[dict[str, Any]]:
    """Participants of the manifest, and a nameless one for a track that none of them owns."""
    people = {person["participant_id"]: person for person in manifest["participants"]}
    for participant_id in sources:
        people.setdefault(participant_id, {"participant_id": participant_id, "role": "observer"})
    return list(people.values())
