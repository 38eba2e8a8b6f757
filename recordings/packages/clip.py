"""Clip: a part of the composed film, cut at key frames without encoding again, with a proof to the original.

The proof names the film and the manifest by digest, says from where to where, who cut it, when and why,
and holds a digest over the coded pictures and sound: whoever has the original finds the same packets there.
The pages of materials that it shows go along (recordings.packages.clip_exhibits).
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from recordings.capture.journal import SOFTWARE, file_sha256
from recordings.evidence.attestations import objection_to
from recordings.evidence.keys import KeyRegister
from recordings.evidence.manifest import canonical, sha256_hex
from recordings.evidence.signing import ManifestSigner, check_signature
from recordings.evidence.sm2 import Sm2Unavailable
from recordings.evidence.verification import ExitCode, Finding, unchecked
from recordings.packages.clip_exhibits import check_clip_exhibits, foreign_exhibits
from recordings.store import COMPOSED_FILE, COMPOSED_STATEMENT

CLIP_FORMAT = "lianxin-clip"
CLIP_VERSION = 1
CLIP_FILE = "clip.mp4"
CLIP_STATEMENT = "clip.json"
CLIP_SIGNATURE = "clip.sig"
SHORTEST = 0.1  # seconds


class ClipError(Exception):
    """The clip cannot be cut; the text says why, in Chinese."""


@dataclass(frozen=True)
class Cut:
    """What was cut: [start, stop) seconds of the original film, both at key frames (or its end)."""

    start: Fraction
    stop: Fraction
    video_packets: int
    video_sha256: str
    audio_packets: int
    audio_sha256: str

    def stated(self) -> dict[str, Any]:
        return {
            "from_ms": round(self.start * 1000),
            "to_ms": round(self.stop * 1000),
            "from": f"{self.start.numerator}/{self.start.denominator}",
            "to": f"{self.stop.numerator}/{self.stop.denominator}",
            "video": {"packets": self.video_packets, "sha256": self.video_sha256},
            "audio": {"packets": self.audio_packets, "sha256": self.audio_sha256},
        }


def check_range(since: float, until: float, seconds: float) -> None:
    """Refuse what is no range of a film of that length. Raises ClipError."""
    if not (0 <= since < until):
        raise ClipError("片段的结束时间要晚于开始时间。")
    if until - since < SHORTEST:
        raise ClipError("片段太短。")
    if since >= seconds:
        raise ClipError(f"录像只有 {seconds:.0f} 秒，开始时间超出了录像。")


def cut_film(film: Path, out: Path, since: float, until: float) -> Cut:
    """Copy [since, until) seconds to ``out``, widened to key frames on both sides. Raises ClipError.

    Pictures that refer to each other stay together (x264 closes its groups), so nothing is encoded again.
    """
    try:
        with av.open(str(film)) as source:
            keys, end = _key_times(source, source.streams.video[0])
            start = max((at for at in keys if at <= since), default=keys[0])
            stop = min((at for at in keys if at >= until), default=end)
        with (
            av.open(str(film)) as source,
            av.open(str(out), "w", format="mp4", options={"movflags": "+faststart"}) as output,
        ):
            return _copy(source, output, start, stop)
    except (av.FFmpegError, IndexError) as error:
        raise ClipError(f"录像文件读不出来：{error}") from error


def _key_times(source: av.container.InputContainer, video: av.VideoStream) -> tuple[list[Fraction], Fraction]:
    """Times of the key frames, and the end of the last picture, in seconds."""
    keys: list[Fraction] = []
    end = Fraction(0)
    for packet in source.demux(video):
        if packet.pts is None:
            continue
        at = packet.pts * packet.time_base
        end = max(end, at + (packet.duration or 0) * packet.time_base)
        if packet.is_keyframe:
            keys.append(at)
    if not keys:
        raise ClipError("录像里没有画面，不能截取片段。")
    return keys, end


def _copy(
    source: av.container.InputContainer,
    output: av.container.OutputContainer,
    start: Fraction,
    stop: Fraction,
) -> Cut:
    streams = [source.streams.video[0], source.streams.audio[0]]
    targets = {stream.index: output.add_stream_from_template(stream) for stream in streams}
    digests = {stream.index: hashlib.sha256() for stream in streams}
    counts = {stream.index: 0 for stream in streams}
    for packet in source.demux(streams):
        if packet.pts is None or packet.dts is None:
            continue
        if not start <= packet.pts * packet.time_base < stop:
            continue
        index = packet.stream.index
        digests[index].update(bytes(packet))
        counts[index] += 1
        shift = int(start / packet.time_base)
        packet.pts, packet.dts = packet.pts - shift, packet.dts - shift
        packet.stream = targets[index]
        output.mux(packet)
    video, audio = (stream.index for stream in streams)
    return Cut(
        start,
        stop,
        counts[video],
        digests[video].hexdigest(),
        counts[audio],
        digests[audio].hexdigest(),
    )


def clip_statement(
    folder: Path,
    clip: Path,
    cut: Cut,
    asked: tuple[float, float],
    exhibits: list[dict[str, Any]],
    facts: dict[str, Any],
) -> bytes:
    """The canonical proof. ``folder`` is the recording's, ``facts`` say who, when, why. Raises OSError.

    ``exhibits``: the manifest's entries of the pages that go along.
    """
    film, made_of = folder / COMPOSED_FILE, folder / COMPOSED_STATEMENT
    statement = made_of.read_bytes() if made_of.is_file() else None
    original = {
        "file": COMPOSED_FILE,
        "size": film.stat().st_size,
        "sha256": file_sha256(film),
        "statement_sha256": sha256_hex(statement) if statement is not None else None,
    }
    return canonical(
        {
            "format": CLIP_FORMAT,
            "version": CLIP_VERSION,
            "software": SOFTWARE,
            "original": original,
            "asked_from_ms": round(asked[0] * 1000),
            "asked_to_ms": round(asked[1] * 1000),
            "file": CLIP_FILE,
            "size": clip.stat().st_size,
            "sha256": file_sha256(clip),
            "exhibits": exhibits,
            **cut.stated(),
            **facts,
        }
    )


def write_proof(directory: Path, statement: bytes, signer: ManifestSigner) -> None:
    """Put the proof and its signature beside the clip."""
    (directory / CLIP_STATEMENT).write_bytes(statement)
    (directory / CLIP_SIGNATURE).write_bytes(canonical(signer.sign(statement)))


def check_clip(
    root: Path, trusted: frozenset[str] | None, original: Path | None, register: KeyRegister | None = None
) -> tuple[str | None, list[Finding]]:
    """Fingerprint of the signer, and what is wrong with a clip and its proof."""
    found: list[Finding] = []

    def note(code: str, path: str, zh: str, en: str, exit_code: ExitCode = ExitCode.DAMAGED) -> None:
        found.append(Finding(code, path, zh, en, exit_code))

    try:
        data = (root / CLIP_STATEMENT).read_bytes()
        signer = check_signature(data, json.loads((root / CLIP_SIGNATURE).read_bytes()))
        proof = json.loads(data)
        known = proof["format"] == CLIP_FORMAT and proof["version"] == CLIP_VERSION
    except Sm2Unavailable as error:
        return None, [unchecked(CLIP_SIGNATURE, error)]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        signer, known, proof = None, False, {}
    if signer is None or not known:
        zh, en = "片段的证明或其签名被改动。", "The proof of the clip or its signature was changed."
        note("clip_proof_wrong", CLIP_STATEMENT, zh, en, ExitCode.NOT_AS_SEALED)
        return signer, found
    if trusted is not None and signer not in trusted:
        zh, en = f"片段的签名密钥不在信任名单：{signer}。", f"The clip is signed by an unknown key {signer}."
        note("clip_signer_unknown", CLIP_SIGNATURE, zh, en, ExitCode.UNKNOWN_SIGNER)
    if (objection := objection_to(register, signer, proof.get("made_at"))) is not None:
        words = objection.text_zh, objection.text_en
        note(objection.code, CLIP_SIGNATURE, *words, ExitCode.NOT_AS_SEALED)
    film = root / CLIP_FILE
    if not film.is_file() or film.is_symlink() or file_sha256(film) != proof["sha256"]:
        zh, en = "片段与其签名的证明不符。", "The clip does not fit its signed proof."
        note("clip_changed", CLIP_FILE, zh, en)
    found += check_clip_exhibits(root, proof, CLIP_STATEMENT)
    if original is not None:
        if (said := _differs(proof, original)) is not None:
            note("clip_foreign", CLIP_STATEMENT, *said)
        found += foreign_exhibits(proof, original)
    return signer, found


def _differs(proof: dict[str, Any], original: Path) -> tuple[str, str] | None:
    """None where the clip's packets lie in the original film at the stated place."""
    film = original / COMPOSED_FILE
    if not film.is_file():
        return "原录像目录里没有合成录像。", "There is no composed film in the folder of the original."
    if file_sha256(film) == proof["original"]["sha256"]:
        packets = _packets_of(film, Fraction(proof["from"]), Fraction(proof["to"]))
        if packets == (proof["video"], proof["audio"]):
            return None
        return "片段不在原录像所说的位置。", "The clip is not at the stated place of the original."
    return "片段不是取自这份合成录像。", "The clip was not cut from this composed film."


def _packets_of(film: Path, start: Fraction, stop: Fraction) -> tuple[dict[str, Any], dict[str, Any]]:
    found = []
    for kind in ("video", "audio"):
        digest, count = hashlib.sha256(), 0
        with av.open(str(film)) as source:
            for packet in source.demux(next(s for s in source.streams if s.type == kind)):
                if packet.pts is None or packet.dts is None:
                    continue
                if start <= packet.pts * packet.time_base < stop:
                    digest.update(bytes(packet))
                    count += 1
        found.append({"packets": count, "sha256": digest.hexdigest()})
    return found[0], found[1]
