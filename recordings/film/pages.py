"""Pages: the large place of the film while a page of a material is up, with what is drawn over it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image

from recordings.film.canvas import Canvas
from recordings.film.captions import Lettering, to_planes
from recordings.film.colour import planes_of_rgb
from recordings.film.exhibits import Exhibition, Stroke
from recordings.film.layout import Box, Tile, fit
from recordings.film.sheet import PageMissing, SealedPages, draw_strokes
from scheduling.materials.exhibition import UpPage

NAMELESS = "出示的材料"
GROUND = (16, 22, 29)  # RGB, as around a page in the room
KEPT = 4  # fitted pages: who turns to and fro need not wait for them
# A line is four pixels wide whatever the page, as in a room whose place is as high as in a film of 720 lines;
# never so thin that halved chroma takes its colour.
LINE, THINNEST = 1 / 160, 3.0
SHARP = Image.Resampling.LANCZOS


class Fitted(NamedTuple):
    """A page as large as its place lets it be, and where that is on the canvas."""

    picture: Image.Image
    box: Box


class PagePainter:
    """Keeps the large place up to date; only what changed is drawn."""

    def __init__(
        self, canvas: Canvas, exhibition: Exhibition, sealed: SealedPages, lettering: Lettering
    ) -> None:
        self._canvas, self._lettering = canvas, lettering
        self._exhibition, self._sealed = exhibition, sealed
        ground = planes_of_rgb(np.full((2, 2, 3), GROUND, dtype=np.uint8)).ravel()
        self._ground = (int(ground[0]), int(ground[4]), int(ground[5]))
        self._fitted: dict[UpPage, Fitted | str] = {}  # the last ones for this place, or why there is none
        self.place(None)

    def place(self, tile: Tile | None) -> None:
        """Stand here from now on; None: nowhere."""
        self._tile = tile
        self._width = max(THINNEST, tile.picture.height * LINE) if tile is not None else THINNEST
        self._fitted.clear()
        self._page: UpPage | None = None
        self._said: tuple[str, ...] | None = None
        self._drawn: list[Stroke] = []
        self._sheet: Image.Image | None = None

    def paint(self, at: float, pause: str = "") -> None:
        """Show the page of second ``at``; ``pause``: in what words nothing is recorded then."""
        self._exhibition.advance(at)
        page = self._exhibition.page
        if page is None or self._tile is None:
            return
        if page != self._page:
            self._open(page, self._tile)
        found = self._look_up(page, self._tile.picture)
        if pause:
            self._say((pause,), self._tile.picture)
        elif isinstance(found, str):
            self._say((page.name or NAMELESS, f"第 {page.number} 页", found), self._tile.picture)
        else:
            self._show(found, self._tile.picture)

    def _open(self, page: UpPage, tile: Tile) -> None:
        caption = tile.caption
        parts = (tile.label, page.name, f"第 {page.number} 页，共 {page.pages} 页")
        words = "  ".join(part for part in parts if part)
        self._canvas.paste(self._lettering.bar(words, caption.width, caption.height), caption)
        self._page, self._said, self._sheet = page, None, None

    def _look_up(self, page: UpPage, place: Box) -> Fitted | str:
        """The page as large as the place lets it be; words when there is none."""
        if page not in self._fitted:
            if len(self._fitted) >= KEPT:
                self._fitted.pop(next(iter(self._fitted)))
            try:
                picture = self._sealed.picture(page)
                box = fit(*picture.size, place)
                self._fitted[page] = Fitted(picture.resize((box.width, box.height), SHARP), box)
            except PageMissing as missing:
                self._fitted[page] = str(missing)
        return self._fitted[page]

    def _say(self, lines: tuple[str, ...], place: Box) -> None:
        if lines == self._said:
            return
        self._canvas.paste(self._lettering.placeholder(lines, place.width, place.height), place)
        self._said, self._sheet = lines, None

    def _show(self, fitted: Fitted, place: Box) -> None:
        strokes, box = self._exhibition.strokes, fitted.box
        if self._sheet is None or self._drawn != strokes[: len(self._drawn)]:
            is_new = self._sheet is None
            self._sheet = fitted.picture.copy()
            draw_strokes(self._sheet, strokes, self._width)
            if is_new:
                self._canvas.fill(place, self._ground)
            self._canvas.paste(to_planes(self._sheet), box)
        elif changed := draw_strokes(self._sheet, strokes[len(self._drawn) :], self._width):
            part = (changed.x, changed.y, changed.x + changed.width, changed.y + changed.height)
            target = Box(box.x + changed.x, box.y + changed.y, changed.width, changed.height)
            self._canvas.paste(to_planes(self._sheet.crop(part)), target)
        self._drawn, self._said = strokes, None
