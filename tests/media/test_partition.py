"""A room that is parted: on the wire and in the journal, packet by packet, compiled path and Python."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

import pytest

from media.client import ControlClient
from media.control import (
    ControlError,
    OfferMade,
    SetPartition,
    SetWishes,
    Snapshot,
    StartRecording,
    StopRecording,
    Subscribe,
)
from media.partition import AFTERMATH, Partition, read_groups
from media.rtp import parse_packet
from recordings.capture.segment import RTP, SegmentFile
from tests.media.peers import Controller
from tests.media.srtp_peer import STAMP, SrtpPeer
from tests.media.srtp_wire import Wire
from tests.media.test_worst_network import PROGRAM
from tests.media.workers import running_worker, until

OFFICIALS = ("chief", "clerk")


class Listener(SrtpPeer):
    """Remembers of every packet whose it was, when it came and when it was sent first."""

    def __init__(self, controller: Controller, participant_id: str, port: int) -> None:
        super().__init__(controller, "r", participant_id, port)
        # (whose, when it came, when it was sent first); a stream that no offer named is of "?".
        self.got: list[tuple[str, float, float]] = []
        self._owners: dict[int, str] = {}
        self._left = ""

    async def answer(self, offer: OfferMade) -> None:
        tracks = {track["mid"]: track["participant_id"] for track in offer.tracks}
        for section in re.split(r"(?m)^(?=m=)", offer.offer_sdp)[1:]:
            mid, ssrc = re.search(r"a=mid:(\S+)", section)[1], re.search(r"a=ssrc:(\d+)", section)
            if ssrc and mid in tracks:
                self._owners[int(ssrc[1])] = tracks[mid]
        remote = [re.search(rf"a=ice-{name}:(\S+)", offer.offer_sdp)[1] for name in ("ufrag", "pwd")]
        if remote[0] == self._left:
            return  # Of the transport that was given up.
        self.subscribing._remote = remote
        try:
            await super().answer(offer)
        except ControlError as error:
            assert error.code == "stale_offer"

    def _take_media(self, data: bytes, control: bool) -> None:
        super()._take_media(data, control)
        if not control:
            packet = parse_packet(data)
            stamped = len(packet.payload) > STAMP.size
            sent_at = STAMP.unpack(packet.payload[-STAMP.size :])[1] if stamped else 0.0
            self.got.append((self._owners.get(packet.ssrc, "?"), time.monotonic(), sent_at))

    async def come(self) -> None:
        await self.enter()
        await self.subscribe()
        await until(lambda: self.subscribing.connected, 10, "subscribing")
        await self.publish()

    async def publish_anew(self) -> None:
        self.fall_silent()
        await self.publishing.close()
        self.publishing = Wire(self._take_feedback)
        await self.publish()

    async def subscribe_anew(self) -> None:
        self._left = self.subscribing._remote[0]
        await self.subscribing.close()
        self.subscribing = Wire(self._take_media)
        await self.subscribe()
        await until(lambda: self.subscribing.connected, 10, "subscribing again")

    def heard_of(self, since: float) -> set[str]:
        """Of whom packets came that were sent after that moment."""
        return {who for who, _, sent_at in self.got if sent_at > since}


def journal(folder: Path) -> list[tuple[str, float, float]]:
    """Whose packet, when it came to the worker, and when it was sent first: monotonic seconds."""
    found = []
    for path in sorted(folder.rglob("*.lxj")):
        with SegmentFile(path) as segment:
            for item in segment.items():
                assert hasattr(item, "kind"), f"damage in {path}"
                if item.kind == RTP:
                    sent_at = STAMP.unpack(parse_packet(item.payload).payload[-STAMP.size :])[1]
                    found.append((segment.header.participant_id, item.monotonic_ns / 1e9, sent_at))
    return found


def all_hear_all(peers: tuple[Listener, ...], since: float) -> bool:
    names = {peer.names["participant_id"] for peer in peers}
    return all(peer.heard_of(since) == names - {peer.names["participant_id"]} for peer in peers)


@pytest.mark.parametrize(
    "fast_path",
    [pytest.param(True, id="compiled"), pytest.param(False, id="python", marks=pytest.mark.real_time)],
)
async def test_nothing_of_who_confers_goes_out_or_to_the_disk(tmp_path: Path, fast_path: bool) -> None:
    with running_worker(tmp_path, program=PROGRAM, fast_path=fast_path) as worker:
        controller = Controller(client := ControlClient(worker.config.socket_path))
        await client.connect()
        port = worker.config.port
        chief, clerk, citizen, late = (
            Listener(controller, name, port) for name in (*OFFICIALS, "citizen", "late")
        )
        everybody = (chief, clerk, citizen)
        try:
            await asyncio.gather(*(peer.come() for peer in everybody))
            record = StartRecording(room_id="r", recording_id="one", directory=str(tmp_path / "one"))
            await client.request(record)
            began = time.monotonic()
            await until(lambda: all_hear_all(everybody, began), 10, "all hear all")

            await client.request(SetPartition(room_id="r", groups=[list(OFFICIALS)]))
            parted = time.monotonic()
            # What comes back, comes late, asks again or starts anew in the middle changes nothing.
            await asyncio.gather(
                late.come(), citizen.subscribe_anew(), clerk.publish_anew(), client.request(record)
            )
            await client.request(Subscribe(room_id="r", participant_id="citizen", restart=True))
            wish = {"participant_id": "clerk", "source": "camera", "height": 720, "visible": True}
            await client.request(SetWishes(room_id="r", participant_id="citizen", wishes=[wish]))
            await client.request(StopRecording(room_id="r", reason="paused"))
            await client.request(record)
            await citizen.publish_anew()
            middle = time.monotonic()
            await until(
                lambda: chief.heard_of(middle) == {"clerk"} and clerk.heard_of(middle) == {"chief"},
                10,
                "they confer",
            )
            snapshot = (await client.request(Snapshot()))["rooms"][0]
            assert snapshot["groups"] == [sorted(OFFICIALS)]

            opening = time.monotonic()
            for _ in range(2):
                await client.request(SetPartition(room_id="r", groups=[]))
            opened = opening + AFTERMATH
            await until(lambda: all_hear_all((*everybody, late), opened), 10, "all hear all again")
            await client.request(StopRecording(room_id="r", reason="closed"))
        finally:
            for peer in (chief, clerk, citizen, late):
                await peer.close()
            await controller.close()

    for outside in (citizen, late):
        # Not a packet of any stream came between the two moments, whosever it was: not one to pad either.
        assert [got for got in outside.got if parted + 0.05 < got[1] < opened] == []
        # Nor afterwards: nothing that was sent meanwhile comes later, from a cache or again.
        assert [got for got in outside.got if parted < got[2] < opened] == []
    for inside in (chief, clerk):
        assert {who for who, _, sent_at in inside.got if parted < sent_at < opened} <= set(OFFICIALS)
    recorded = journal(tmp_path / "one")
    assert [entry for entry in recorded if parted < entry[1] < opened or parted < entry[2] < opened] == []
    assert {who for who, at, _ in recorded if at < parted} == {*OFFICIALS, "citizen"}
    assert {who for who, at, _ in recorded if at > opened} == {*OFFICIALS, "citizen", "late"}


def test_who_is_in_no_group_is_alone() -> None:
    partition = Partition()
    assert not partition.stands and partition.joins("chief", "citizen") and partition.confers("citizen")
    partition.close(read_groups([["chief", "clerk"], ["citizen", "proxy"]]))
    assert partition.stands and partition.joins("chief", "clerk") and partition.joins("proxy", "citizen")
    assert not partition.joins("chief", "citizen") and not partition.joins("late", "later")
    assert not partition.confers("late")


def test_the_aftermath_covers_what_sound_repeats() -> None:
    """Eight frames of 20 ms at most are repeated by RED, and one by Opus itself."""
    assert AFTERMATH > 9 * 0.02


def test_it_opens_once_and_only_after_what_is_on_its_way() -> None:
    partition = Partition()
    partition.order_open(1.0)
    assert not partition.open_if_due(9.0)  # Nothing stood.
    partition.close(read_groups([["chief"]]))
    partition.order_open(10.0)
    partition.order_open(10.0 + AFTERMATH / 2)
    assert not partition.open_if_due(10.0 + AFTERMATH - 0.01) and partition.stands
    assert partition.open_if_due(10.0 + AFTERMATH) and not partition.stands
    assert not partition.open_if_due(11.0)
    partition.close(read_groups([["chief"]]))
    partition.order_open(20.0)
    partition.close(read_groups([["clerk"]]))
    assert not partition.open_if_due(30.0)  # Parted anew before it was due.


@pytest.mark.parametrize("groups", [[[]], [["a"], ["a"]], [[1]], [["a"]] * 9], ids=str)
def test_groups_that_make_no_sense_are_refused(groups: list[list[str]]) -> None:
    with pytest.raises(ControlError, match="bad_message"):
        read_groups(groups)
