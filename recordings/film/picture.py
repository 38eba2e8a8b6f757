"""Picture: the canvas and the tiles drawn on it, all in yuv420p planes so that nothing is converted twice."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import NamedTuple

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from media.orientation import rotation_of
from recordings.film.captions import Lettering
from recordings.film.colour import BT709, FULL, LIMITED, Planes, chroma_of, to_film
from recordings.film.depacketise import Frame, frames_of
from recordings.film.layout import Box, Tile, fit
from recordings.film.stream import ParticipantStreams, Stream

logger = logging.getLogger(__name__)

STALE_SECONDS = 5.0  # without a new picture for so long, a tile says so
PAUSE_SECONDS = 1.0  # the recorder stops a little later than the session
# A camera's picture is drawn again when a sample differs from the one drawn by more than so many of 255,
# or after so many seconds: codecs let a still wall tremble by less.
TREMBLE, REDRAW_SECONDS = 6, 1.0
STRIP = 64  # lines that are compared at once
GONE, PAUSED, DELIBERATION = "画面中断", "暂停", "内部合议（不录制）"
NEVER = {"camera": "未开启摄像头"}
WIDEST, HIGHEST = 1920, 1920  # portrait phones too
MAX_PIXELS = 1920 * 1088
DECODERS = {"VP8": "vp8", "H264": "h264"}
BLACK = (16, 128, 128)


class Canvas:
    """The whole picture; ``planes`` has height * 3 / 2 rows of width bytes.

    ``changed``: has anything been drawn since the last ``frame``?
    """

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height, self.changed = width, height, True
        self.planes: Planes = np.empty((height * 3 // 2, width), dtype=np.uint8)
        self.fill(Box(0, 0, width, height), BLACK)

    def _views(self, planes: Planes, width: int, height: int) -> tuple[Planes, Planes, Planes]:
        quarter = height // 4
        chroma = planes[height:].reshape(2, height // 2, width // 2) if quarter else planes[height:]
        return planes[:height], chroma[0], chroma[1]

    def fill(self, box: Box, colour: tuple[int, int, int]) -> None:
        """Fill with one Y, U, V colour."""
        self.changed = True
        for plane, value, step in zip(
            self._views(self.planes, self.width, self.height), colour, (1, 2, 2), strict=True
        ):
            rows = slice(box.y // step, (box.y + box.height) // step)
            plane[rows, box.x // step : (box.x + box.width) // step] = value

    def paste(self, planes: Planes, box: Box) -> None:
        """Copy planes of the size of ``box`` to its place."""
        self.changed = True
        targets = self._views(self.planes, self.width, self.height)
        sources = self._views(planes, box.width, box.height)
        for target, source, step in zip(targets, sources, (1, 2, 2), strict=True):
            rows = slice(box.y // step, (box.y + box.height) // step)
            target[rows, box.x // step : (box.x + box.width) // step] = source

    def frame(self, number: int) -> av.VideoFrame:
        """The picture as it stands, as number ``number`` of the film."""
        self.changed = False
        frame = av.VideoFrame.from_ndarray(self.planes, format="yuv420p")
        frame.pts = number
        return frame


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
        self._scaler = VideoReformatter()
        self._next: Picture | None = next(self._pictures, None)
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
            if not self._shows_already(newest):
                self._show(newest)
        else:
            self._explain(at, pause)

    def _shows_already(self, picture: Picture) -> bool:
        """Is the picture on the canvas one that nobody can tell from this one?"""
        last, box = self._last, self._box
        if last is None or box is None or picture.rotation != last.rotation:
            return False
        tremble = TREMBLE if self._tile.source in NEVER else 0  # Of a document every pixel counts.
        if tremble and picture.at - last.at >= REDRAW_SECONDS:
            return False
        return looks_like(picture.frame, last.frame, tremble)

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
        if self._box != box:
            self._canvas.fill(self._tile.picture, BLACK)
            self._box = box
        width, height = (box.height, box.width) if sideways else (box.width, box.height)
        planes = self._scale(frame, width, height)
        self._canvas.paste(turn(planes, width, height, picture.rotation), box)
        self._remark, self._last = None, picture

    def _scale(self, frame: av.VideoFrame, width: int, height: int) -> Planes:
        """The picture in that size and in the film's colours."""
        scaled = self._scaler.reformat(
            frame, width, height, "yuv420p", BT709, BT709, "BILINEAR", _range_of(frame), LIMITED, threads=1
        )
        return to_film(np.asarray(scaled.to_ndarray(), dtype=np.uint8), width, height, frame.colorspace)


def looks_like(frame: av.VideoFrame, other: av.VideoFrame, tremble: int) -> bool:
    """Does no sample of the one differ from the other's by more than ``tremble``? False for other formats."""
    shapes = [(f.width, f.height, f.format.name, f.colorspace, f.color_range) for f in (frame, other)]
    if shapes[0] != shapes[1]:
        return False
    for one, two in zip(frame.planes, other.planes, strict=True):
        if one.line_size != two.line_size:
            return False
        samples, before = (_samples_of(plane) for plane in (one, two))
        if tremble:  # No codec changes a single line: they work in blocks of four at least.
            samples, before = samples[::2], before[::2]
        # From the middle on, where people move, so that the first strip mostly decides.
        lines = len(samples)
        for top in sorted(range(0, lines, STRIP), key=lambda row: abs(row + STRIP / 2 - lines / 2)):
            # Modulo 256: what lies within -tremble..tremble comes to 0..2 * tremble.
            apart = samples[top : top + STRIP] - before[top : top + STRIP]
            apart += np.uint8(tremble)
            if int(apart.max(initial=0)) > 2 * tremble:
                return False
    return True


def _samples_of(plane: av.video.plane.VideoPlane) -> Planes:
    """The samples of a plane where they lie, without the padding of its lines."""
    lines = np.frombuffer(plane, dtype=np.uint8)  # type: ignore[call-overload]
    return np.asarray(lines.reshape(-1, plane.line_size)[: plane.height, : plane.width], dtype=np.uint8)


def _range_of(frame: av.VideoFrame) -> int:
    """Limited unless the stream says that it uses the full range."""
    return FULL if frame.format.name == "yuvj420p" or frame.color_range == FULL else LIMITED


def turn(planes: Planes, width: int, height: int, degrees: int) -> Planes:
    """Planes of that size turned clockwise by a multiple of 90 degrees."""
    if not degrees:
        return planes
    luma = np.rot90(planes[:height], -degrees // 90)
    chroma = np.rot90(chroma_of(planes, width, height), -degrees // 90, axes=(1, 2))
    wide = luma.shape[1]
    return np.concatenate([luma, chroma.reshape(-1, wide)])
