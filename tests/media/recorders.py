"""A recorder that counts, for tests: it runs inside the worker process and writes its counts to a file."""

from __future__ import annotations

import json
from pathlib import Path

from media.rtp import Packet
from media.sink import RecorderStatus, SenderReport, TrackDescription


class CountingTrack:
    def __init__(self, owner: CountingRecorder, track: TrackDescription) -> None:
        self.owner = owner
        self.name = f"{track.participant_id}-{track.source}"
        self.ssrcs: set[int] = set()
        self.numbers: set[tuple[int, int]] = set()
        owner.counts.setdefault(
            self.name,
            {"packets": 0, "repeated": 0, "reports": 0, "key_frames": 0, "opened": 0, "codec": track.codec},
        )
        owner.counts[self.name]["opened"] += 1

    def write(self, packet: Packet, now: float) -> None:
        counts = self.owner.counts[self.name]
        counts["packets"] += 1
        counts["repeated"] += (packet.ssrc, packet.index) in self.numbers
        counts["key_frames"] += bool(packet.key_frame)
        self.numbers.add((packet.ssrc, packet.index))
        self.owner.bytes += len(packet.data)

    def report(self, report: SenderReport, now: float) -> None:
        self.owner.counts[self.name]["reports"] += 1

    def close(self, reason: str) -> None:
        self.owner.counts[self.name]["closed"] = reason


class CountingRecorder:
    def __init__(self, directory: str) -> None:
        self.path = Path(directory) / "counts.json"
        self.counts: dict[str, dict] = {}
        self.bytes = 0

    def open_track(self, track: TrackDescription) -> CountingTrack:
        return CountingTrack(self, track)

    def status(self) -> RecorderStatus:
        return RecorderStatus("active" if self.bytes else "preparing", self.bytes, len(self.counts))

    def close(self, reason: str) -> None:
        self.counts["closed"] = {"reason": reason}
        self.path.write_text(json.dumps(self.counts))


class CountingFactory:
    def open(self, recording_id: str, directory: str) -> CountingRecorder:
        Path(directory).mkdir(parents=True, exist_ok=True)
        return CountingRecorder(directory)
