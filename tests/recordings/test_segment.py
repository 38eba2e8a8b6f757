"""A segment gives back every whole record, whatever happened to the bytes around it."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from recordings.capture import segment
from recordings.capture.segment import Damage, Record, SegmentFile, SegmentHeader

HEADER = SegmentHeader(
    recording_id="rec1",
    participant_id="p1",
    source="camera",
    kind="video",
    codec="VP8",
    clock_rate=90_000,
    channels=0,
    payload_type=96,
    fmtp="",
    segment=1,
    previous_sha256=None,
    started_monotonic_ns=1,
    started_wall_ns=2,
    boot_id="boot",
    software="test",
)


def build(payloads: list[bytes]) -> bytes:
    records = [segment.encode_record(segment.RTP, n, n + 10, data) for n, data in enumerate(payloads)]
    return segment.encode_header(HEADER) + b"".join(records)


def read(data: bytes) -> tuple[SegmentHeader | None, list[Record], list[Damage]]:
    header, end = segment.parse_header(data)
    items = list(segment.scan(data, end))
    return (
        header,
        [item for item in items if isinstance(item, Record)],
        [item for item in items if isinstance(item, Damage)],
    )


def test_a_payload_beyond_the_ceiling_is_refused() -> None:
    with pytest.raises(ValueError):
        segment.encode_record(segment.RTP, 0, 0, b"x" * (segment.PAYLOAD_CEILING + 1))


def test_round_trip() -> None:
    payloads = [bytes([n]) * n for n in range(200)]
    header, records, damages = read(build(payloads))
    assert header == HEADER
    assert [record.payload for record in records] == payloads
    assert [(record.monotonic_ns, record.wall_ns) for record in records[:2]] == [(0, 10), (1, 11)]
    assert damages == []


def test_damage_in_the_middle_costs_only_the_records_it_touches() -> None:
    payloads = [b"p" * 100 + bytes([n]) for n in range(100)]
    data = bytearray(build(payloads))
    whole = read(bytes(data))[1]
    data[whole[40].offset + 5 : whole[43].end - 5] = b"\0" * (whole[43].end - whole[40].offset - 10)
    _, records, damages = read(bytes(data))
    assert [record.payload for record in records] == payloads[:40] + payloads[44:]
    assert damages == [Damage(whole[40].offset, whole[43].end, False)]


@pytest.mark.parametrize("cut", [1, 3, 4, 27, 28, 60, 131])
def test_a_torn_tail_is_named_and_the_rest_is_whole(cut: int) -> None:
    data = build([b"q" * 100] * 3)
    last = read(data)[1][-1]
    _, records, damages = read(data[:-cut])
    assert len(records) == 2
    assert damages == [Damage(last.offset, len(data) - cut, True)]


def test_a_damaged_header_is_a_damaged_range_and_the_records_stay() -> None:
    data = bytearray(build([b"r"] * 5))
    data[20] ^= 1
    header, records, damages = read(bytes(data))
    assert header is None
    assert len(records) == 5
    assert damages == [Damage(0, records[0].offset, False)]


def test_every_flipped_byte_is_noticed_in_its_place() -> None:
    data = build([b"s" * 40] * 8)
    for place in range(len(data)):
        broken = bytearray(data)
        broken[place] ^= 0x10
        _, _, damages = read(bytes(broken))
        assert any(damage.offset <= place < damage.end for damage in damages), place


def test_an_empty_file_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "000001.lxj"
    path.write_bytes(b"")
    with SegmentFile(path) as file:
        assert file.header is None
        assert list(file.items()) == []


def test_marks_that_are_no_json_object_are_empty() -> None:
    for payload in (b"", b"[1]", b"\xff", b"{", b"[" * 60_000):
        assert segment.parse_json(payload) == {}
    assert segment.parse_report(b"short") is None
    assert segment.parse_report(segment.pack_report(1, 2, 3)) == (1, 2, 3)


def test_twenty_thousand_hostile_segments() -> None:
    """Bit flips, cuts, splices and noise: never an exception, every range in order and inside."""
    source = random.Random(20_261)
    seed = build([source.randbytes(source.randrange(200)) for _ in range(12)])
    for _ in range(20_000):
        data = bytearray(seed)
        for _ in range(source.randrange(1, 6)):
            place = source.randrange(len(data) + 1)
            act = source.randrange(4)
            if act == 0 and place < len(data):
                data[place] = source.randrange(256)
            elif act == 1:
                del data[place : place + source.randrange(80)]
            elif act == 2:
                data[place:place] = segment.RECORD_MAGIC + source.randbytes(source.randrange(40))
            else:
                data[place : place + 8] = source.randbytes(8)
        _, records, damages = read(bytes(data))
        end = 0
        for item in sorted([*records, *damages], key=lambda item: item.offset):
            assert end <= item.offset <= item.end <= len(data)
            end = item.end
