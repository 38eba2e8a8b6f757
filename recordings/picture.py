"""Picture: the canvas and the tiles drawn on it, all in yuv420p planes so that nothing is converted twice."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from recordings.captions import Lettering, Planes
from recordings.depacketise import Frame, frames_of
from recordings.layout import Box, Tile, fit
from recordings.stream import ParticipantStreams, Stream

logger = logging.getLogger(__name__)

STALE_SECONDS = 5.0  # without a new picture for so long, a tile says so
WIDEST, HIGHEST = 1920, 1920  # portrait phones too
MAX_PIXELS = 1920 * 1088
DECODERS = {"VP8": "vp8", "H264": "h264"}
BLACK = (16, 128, 128)


class Canvas:
    """The whole picture; ``planes`` has height * 3 / 2 rows of width bytes."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.planes: Planes = np.empty((height * 3 // 2, width), dtype=np.uint8)
        self.fill(Box(0, 0, width, height), BLACK)

    def _views(self, planes: Planes, width: int, height: int) -> tuple[Planes, Planes, Planes]:
        quarter = height // 4
        chroma = planes[height:].reshape(2, height // 2, width // 2) if quarter else planes[height:]
        return planes[:height], chroma[0], chroma[1]

    def fill(self, box: Box, colour: tuple[int, int, int]) -> None:
        """Fill with one Y, U, V colour."""
        for plane, value, step in zip(
            self._views(self.planes, self.width, self.height), colour, (1, 2, 2), strict=True
        ):
            rows = slice(box.y // step, (box.y + box.height) // step)
            plane[rows, box.x // step : (box.x + box.width) // step] = value

    def paste(self, planes: Planes, box: Box) -> None:
        """Copy planes of the size of ``box`` to its place."""
        targets = self._views(self.planes, self.width, self.height)
        sources = self._views(planes, box.width, box.height)
        for target, source, step in zip(targets, sources, (1, 2, 2), strict=True):
            rows = slice(box.y // step, (box.y + box.height) // step)
            target[rows, box.x // step : (box.x + box.width) // step] = source

    def frame(self, number: int) -> av.VideoFrame:
        frame = av.VideoFrame.from_ndarray(self.planes, format="yuv420p")
        frame.pts = number
        return frame


def decode(codec: str, frames: Iterator[Frame]) -> Iterator[tuple[float, av.VideoFrame]]:
    """Decoded pictures with their times; what the decoder refuses is left out."""
    decoder = _open_decoder(codec)
    times: dict[int, float] = {}
    for number, coded in enumerate(frames):
        times[number] = coded.at
        packet = av.Packet(coded.data)
        packet.pts = packet.dts = number
        try:
            pictures = decoder.decode(packet)
        except av.FFmpegError as error:
            logger.debug("A picture cannot be decoded: %s", error)
            decoder = _open_decoder(codec)
            continue
        for picture in pictures:
            if picture.width <= WIDEST and picture.height <= HIGHEST:
                yield times.pop(picture.pts or 0, coded.at), picture
        if len(times) > 64:
            times = {key: value for key, value in times.items() if key > number - 32}


def _open_decoder(codec: str) -> av.VideoCodecContext:
    decoder = av.CodecContext.create(DECODERS[codec.upper()], "r")
    assert isinstance(decoder, av.VideoCodecContext)
    decoder.thread_count = 1
    decoder.options = {"max_pixels": str(MAX_PIXELS), "flags": "low_delay"}
    return decoder


class TilePainter:
    """Keeps one tile of the canvas up to date as time goes on."""

    def __init__(self, canvas: Canvas, tile: Tile, streams: ParticipantStreams, lettering: Lettering) -> None:
        self._canvas, self._tile, self._lettering = canvas, tile, lettering
        self._pictures = self._decode_all(streams, streams.streams(tile.source))
        self._scaler = VideoReformatter()
        self._next: tuple[float, av.VideoFrame] | None = next(self._pictures, None)
        self._shown_at: float | None = None
        self._size: tuple[int, int] | None = None
        caption = tile.caption
        canvas.paste(lettering.bar(tile.label, caption.width, caption.height), caption)
        self._never = self._draw_placeholder("未开启摄像头" if tile.source == "camera" else "未共享屏幕")
        self._gone = self._draw_placeholder("画面中断")
        canvas.paste(self._never, tile.picture)
        self._blank = True

    def _draw_placeholder(self, remark: str) -> Planes:
        box = self._tile.picture
        name = self._tile.label.split("  ")[0]
        return self._lettering.placeholder((name, remark), box.width, box.height)

    def _decode_all(
        self, streams: ParticipantStreams, found: list[Stream]
    ) -> Iterator[tuple[float, av.VideoFrame]]:
        for stream in found:
            if stream.codec.upper() in DECODERS:
                yield from decode(stream.codec, frames_of(stream.codec, streams.packets(stream)))

    def paint(self, at: float) -> None:
        """Show the latest picture of time ``at`` (seconds of the recording), or say that there is none."""
        newest: tuple[float, av.VideoFrame] | None = None
        while self._next is not None and self._next[0] <= at:
            newest, self._next = self._next, next(self._pictures, None)
        if newest is not None and at - newest[0] < STALE_SECONDS:
            self._shown_at = newest[0]
            self._show(newest[1])
        elif self._shown_at is not None and not self._blank and at - self._shown_at >= STALE_SECONDS:
            self._canvas.paste(self._gone, self._tile.picture)
            self._blank, self._size = True, None

    def _show(self, picture: av.VideoFrame) -> None:
        box = fit(picture.width, picture.height, self._tile.picture)
        if self._size != (picture.width, picture.height):
            self._canvas.fill(self._tile.picture, BLACK)
            self._size = (picture.width, picture.height)
        scaled = self._scaler.reformat(picture, box.width, box.height, "yuv420p", interpolation="BILINEAR")
        self._canvas.paste(np.asarray(scaled.to_ndarray(), dtype=np.uint8), box)
        self._blank = False
