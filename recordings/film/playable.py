"""Playable: does a film play to its end? Asked once it is written; unchanged bytes of one that did, still do.

Every packet is read in its order and every key picture decoded, from which a player can begin anywhere. What
lies between two of them is not decoded again: that would take as long as a second of coding for each minute.
"""

from __future__ import annotations

from pathlib import Path

import av

TOLERANCE = 1.0  # seconds; sound and picture end with the recording


class Unplayable(Exception):
    """It does not play from beginning to end; the text says where."""


def play_through(path: Path, seconds: float) -> int:
    """Number of key pictures. Raises Unplayable, OSError."""
    try:
        with av.open(str(path)) as film:
            if not film.streams.video or not film.streams.audio:
                raise Unplayable("picture or sound is missing")
            return _play(film, seconds)
    except av.FFmpegError as error:
        raise Unplayable(f"does not play to the end: {error}") from error


def _play(film: av.container.InputContainer, seconds: float) -> int:
    video, audio = film.streams.video[0], film.streams.audio[0]
    context, keys, shown = video.codec_context, 0, 0
    context.skip_frame = "NONKEY"
    ends, before = {video.index: 0.0, audio.index: 0.0}, {video.index: -1 << 62, audio.index: -1 << 62}
    for packet in film.demux(video, audio):
        if packet.dts is None or packet.pts is None:
            if packet.stream is video:
                shown += len(packet.decode())
            continue
        at, index = float(packet.pts * packet.time_base), packet.stream.index
        if packet.dts <= before[index] or packet.is_corrupt:
            raise Unplayable(f"disordered or broken at {at:.2f} s")
        before[index] = packet.dts
        ends[index] = max(ends[index], at + float((packet.duration or 0) * packet.time_base))
        if packet.stream is video:
            keys += packet.is_keyframe
            shown += len(packet.decode())
    if not keys or shown != keys:
        raise Unplayable(f"{keys - shown} of {keys} key pictures cannot be decoded")
    for name, end in (("picture", ends[video.index]), ("sound", ends[audio.index])):
        if abs(end - seconds) > TOLERANCE:
            raise Unplayable(f"{name} ends at {end:.2f} s instead of {seconds:.2f} s")
    return keys
