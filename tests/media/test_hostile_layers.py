"""Seeded fuzz of what simulcast and congestion control read, 20,000 inputs each."""

from __future__ import annotations

from media.description import DescriptionError, parse_description
from media.negotiation import accept, build_answer, numbers_wanted
from media.vp8 import PictureNumbers, frame_height
from tests.media.offers import offer, section
from tests.media.test_hostile_bytes import run
from tests.media.test_negotiation import END
from tests.media.test_simulcast import LAYERS, payload

TRANSPORT_WIDE = [
    "a=extmap:3 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    "a=rtcp-fb:96 transport-cc",
]


def test_vp8_descriptors() -> None:
    pictures = PictureNumbers()

    def parse(data: bytes) -> object:
        if data:
            frame_height(data)
        pictures.restart(data)
        translated = pictures.translate(data)
        assert len(translated) == len(data)
        pictures.note(data)
        return translated

    assert (
        run(
            "vp8-descriptor",
            7,
            [payload(True, 5, 6), payload(False, 0x7FFF, 255), b"\x90\x80\x11\x00"],
            parse,
        )
        == 20_000
    )


def test_layers_in_offers() -> None:
    def parse(data: bytes) -> object:
        description = parse_description(data.decode("utf-8", "replace"))
        numbers_wanted(description)
        return build_answer(accept(description), description, END)

    sdp = offer(section("audio", "0"), section("video", "1") + LAYERS + TRANSPORT_WIDE).encode()
    assert run("simulcast-sdp", 8, [sdp], parse, DescriptionError) > 500
