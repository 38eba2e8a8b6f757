"""The RTP streams of a soak peer: a microphone, and a camera in two layers named by rid (RFC 8852)."""

from __future__ import annotations

import random
import struct

from bench.sdp import AUDIO_LEVEL_ID, MID_ID, OPUS, VP8
from tests.soak.clip import FPS, pictures, sounds

RID_ID = 10
LAYERS = (("h", 160, 96), ("f", 320, 180))
LARGEST_PAYLOAD = 1000


class Stream:
    """One SSRC: numbers, and packets as they are due."""

    def __init__(self, dice: random.Random, payload_type: int, extension: bytes) -> None:
        self.ssrc = dice.randrange(1, 1 << 32)
        self.sequence_number = dice.randrange(1 << 16)
        self.timestamp = dice.randrange(1 << 32)
        self.packets = self.octets = 0
        self._payload_type = payload_type
        padded = extension + bytes(-len(extension) % 4)
        self._extension = struct.pack("!HH", 0xBEDE, len(padded) // 4) + padded

    def _packet(self, payload: bytes, marker: bool) -> bytes:
        kind = marker << 7 | self._payload_type
        head = struct.pack("!BBHII", 0x90, kind, self.sequence_number, self.timestamp, self.ssrc)
        self.sequence_number = (self.sequence_number + 1) & 0xFFFF
        self.packets += 1
        self.octets += len(payload)
        return head + self._extension + payload


class Sound(Stream):
    """50 packets a second."""

    def __init__(self, dice: random.Random, number: int, mid: str) -> None:
        extension = _element(MID_ID, mid.encode()) + _element(AUDIO_LEVEL_ID, bytes((0x80 | 20 + number,)))
        super().__init__(dice, OPUS, extension)
        self._frames = sounds(number)

    def next(self) -> list[bytes]:
        packet = self._packet(self._frames[self.packets % len(self._frames)], False)
        self.timestamp = (self.timestamp + 960) & 0xFFFFFFFF
        return [packet]


class Picture(Stream):
    """One layer of a camera, FPS frames a second; `key_frame_wanted` begins the clip again."""

    def __init__(self, dice: random.Random, number: int, mid: str, layer: tuple[str, int, int]) -> None:
        rid, width, height = layer
        super().__init__(dice, VP8, _element(MID_ID, mid.encode()) + _element(RID_ID, rid.encode()))
        self.key_frame_wanted = False
        self._frames = pictures(width, height, number)
        self._at = 0
        self._picture_id = dice.randrange(1 << 15)
        self._base_layer = dice.randrange(256)

    def next(self) -> list[bytes]:
        self._at = 0 if self.key_frame_wanted else self._at % len(self._frames)
        self.key_frame_wanted = False
        frame = self._frames[self._at]
        packets = []
        for start in range(0, len(frame), LARGEST_PAYLOAD):
            part = frame[start : start + LARGEST_PAYLOAD]
            packets.append(self._packet(self._descriptor(start == 0) + part, start + len(part) == len(frame)))
        self._at += 1
        self._picture_id = (self._picture_id + 1) & 0x7FFF
        self._base_layer = (self._base_layer + 1) & 0xFF
        self.timestamp = (self.timestamp + 90_000 // FPS) & 0xFFFFFFFF
        return packets

    def _descriptor(self, first: bool) -> bytes:
        """X, S; I, L, T: 15 bit picture id, TL0PICIDX, base layer (RFC 7741 section 4.2)."""
        number, begins = self._picture_id, 0x90 if first else 0x80
        return bytes((begins, 0xE0, 0x80 | number >> 8, number & 0xFF, self._base_layer, 0x20))


def _element(number: int, value: bytes) -> bytes:
    return bytes((number << 4 | len(value) - 1,)) + value
