"""Picture: what is decoded of a party, and the tile of the canvas that shows it or says why it does not."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import NamedTuple

import av

from media.orientation import rotation_of
from recordings.film.canvas import BLACK, Canvas
from recordings.film.captions import Lettering
from recordings.film.colour import LIMITED, Planes
from recordings.film.depacketise import Frame, frames_of
from recordings.film.layout import Box, Tile, fit
from recordings.film.pane import open_pane
from recordings.film.stream import ParticipantStreams, Stream

logger = logging.getLogger(__name__)

STALE_SECONDS = 5.0  # without a new picture for so long, a tile says so
PAUSE_SECONDS = 1.0  # the recorder stops a little later than the session
REDRAW_SECONDS = 1.0  # after which what merely trembled is drawn again, too
SETTLING_SECONDS = 3.0  # of a camera's first pictures, which get better one by one
GONE, PAUSED, DELIBERATION = "画面中断", "暂停", "内部合议（不录制）"
NEVER = {"camera": "未开启摄像头"}
WIDEST, HIGHEST = 1920, 1920  # portrait phones too
MAX_PIXELS = 1920 * 1088
DECODERS = {"VP8": "vp8", "H264": "h264"}


class Picture(NamedTuple):
    """A decoded picture, its time in seconds and by how many degrees it is turned clockwise to be upright."""

    at: float
    frame: av.VideoFrame
    rotation: int


def decode(codec: str, frames: Iterator[Frame]) -> Iterator[Picture]:
    """Decoded pictures; what the decoder refuses is left out. A rotation lasts until another is told."""
    decoder = _open_decoder(codec)
    told: dict[int, tuple[float, int]] = {}
    rotation = 0
    for number, coded in enumerate(frames):
        rotation = rotation if coded.orientation is None else rotation_of(coded.orientation)
        told[number] = (coded.at, rotation)
        packet = av.Packet(coded.data)
        packet.pts = packet.dts = number
        try:
            pictures = decoder.decode(packet)
        except av.FFmpegError as error:
            logger.debug("A picture cannot be decoded: %s", error)
            decoder = _open_decoder(codec)
            continue
        for picture in pictures:
            if codec.upper() == "VP8":
                picture.color_range = LIMITED  # ffmpeg takes the clamping bit of RFC 6386 9.2 for a range.
            if picture.width <= WIDEST and picture.height <= HIGHEST:
                at, turned = told.pop(picture.pts or 0, (coded.at, rotation))
                yield Picture(at, picture, turned)
        if len(told) > 64:
            told = {key: value for key, value in told.items() if key > number - 32}


def _open_decoder(codec: str) -> av.VideoCodecContext:
    decoder = av.CodecContext.create(DECODERS[codec.upper()], "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.thread_count = 1
    decoder.options = {"max_pixels": str(MAX_PIXELS), "flags": "low_delay"}
    return decoder


class TilePainter:
    """Keeps one tile of the canvas up to date as time goes on."""

    def __init__(self, canvas: Canvas, tile: Tile, streams: ParticipantStreams, lettering: Lettering) -> None:
        self._canvas, self._lettering = canvas, lettering
        self._pictures = self._decode_all(streams, streams.streams(tile.source))
        self._pane = open_pane(canvas)
        self._exact_at = float("-inf")  # time of the last picture that was drawn to the last sample
        self._next: Picture | None = next(self._pictures, None)
        self._first_at = self._next.at if self._next is not None else 0.0
        self._shown_at: float | None = None
        self._paused_at = float("-inf")
        self._box: Box | None = None
        self._placeholders: dict[str, Planes] = {}
        self._never = NEVER.get(tile.source, "正在出示材料")
        # A document that stands still is no interruption.
        self._patience = STALE_SECONDS if tile.source in NEVER else float("inf")
        self._last: Picture | None = None
        self._remark: str | None = self._never  # what stands in place of a picture
        self.place(tile)

    @property
    def participant_id(self) -> str:
        """Whose tile it is."""
        return self._tile.participant_id

    def place(self, tile: Tile) -> None:
        """Stand here from now on, with the picture or the words that were shown before."""
        self._tile, caption = tile, tile.caption
        self._canvas.paste(self._lettering.bar(tile.label, caption.width, caption.height), caption)
        self._placeholders.clear()
        if tile.source not in NEVER:
            self._remark = self._never  # Another document than the last one.
        remark, self._remark, self._box = self._remark, None, None
        if remark is not None:
            self._say(remark)
        elif self._last is not None:
            self._show(self._last)

    def _say(self, remark: str) -> None:
        """Put the name and a remark where the picture was."""
        if remark == self._remark:
            return
        box = self._tile.picture
        if remark not in self._placeholders:
            name = self._tile.label.split("  ")[0]
            lines = (name, remark)
            self._placeholders[remark] = self._lettering.placeholder(lines, box.width, box.height)
        self._canvas.paste(self._placeholders[remark], box)
        self._remark, self._box = remark, None

    def _decode_all(self, streams: ParticipantStreams, found: list[Stream]) -> Iterator[Picture]:
        for stream in found:
            if stream.codec.upper() in DECODERS:
                yield from decode(stream.codec, frames_of(stream.codec, streams.packets(stream)))

    def paint(self, at: float, pause: str = "") -> None:
        """Show the latest picture of time ``at`` (seconds of the recording), or say why there is none.

        ``pause``: in what words nothing is recorded then, empty while it is.
        """
        newest: Picture | None = None
        while self._next is not None and self._next.at <= at:
            newest, self._next = self._next, next(self._pictures, None)
        if pause:
            self._paused_at = at
        if newest is not None and at - newest.at < STALE_SECONDS:
            self._shown_at = newest.at
            self._show(newest)
        else:
            self._explain(at, pause)

    def _explain(self, at: float, pause: str) -> None:
        """No new picture: after a while say so, in a pause sooner and in other words."""
        quiet = at - self._shown_at if self._shown_at is not None else float("inf")
        if pause and quiet >= PAUSE_SECONDS:
            self._say(pause)
        elif self._shown_at is None:
            self._say(self._never)
        elif quiet >= self._patience and at - self._paused_at >= STALE_SECONDS:
            self._say(GONE)

    def _show(self, picture: Picture) -> None:
        frame, sideways = picture.frame, picture.rotation % 180 == 90
        size = (frame.height, frame.width) if sideways else (frame.width, frame.height)
        box = fit(*size, self._tile.picture)
        anew = self._box != box
        if anew:
            self._canvas.fill(self._tile.picture, BLACK)
            self._box = box
        is_camera = self._tile.source in NEVER  # Of a document every pixel counts.
        is_settling = picture.at - self._first_at < SETTLING_SECONDS
        is_due = is_settling or picture.at - self._exact_at >= REDRAW_SECONDS
        exact = anew or not is_camera or is_due
        if exact:
            self._exact_at = picture.at
        self._pane.show(frame, picture.rotation, box, exact, anew)
        self._remark, self._last = None, picture
