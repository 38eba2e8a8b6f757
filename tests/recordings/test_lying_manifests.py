"""A manifest that lies: refused in words that name the place, or of no matter for the film."""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from recordings.evidence.clock_jumps import steady
from recordings.evidence.manifest import MANIFEST_FILE
from recordings.evidence.manifest_shape import CEILING, ManifestUnusable, check_shape, read_manifest
from recordings.evidence.pauses import pauses_of
from recordings.film.composition import Composition, compose
from recordings.film.encoder import CompositionError, make_film
from recordings.film.plan import CompositionPlan
from recordings.film.shares import shares_of
from tests.recordings.exports import session_events
from tests.recordings.lies import tell_lie
from tests.recordings.synthetic import PARTIES, START_NS, manifest_content, write_session

PLAN = replace(CompositionPlan(), width=640, height=360, preset="ultrafast")
Lie = Callable[[dict[str, Any]], Any]


def first(manifest: dict[str, Any]) -> dict[str, Any]:
    entry: dict[str, Any] = manifest["tracks"][0]["segments"][0]
    return entry


# Each with the place that is named.
REFUSED: tuple[tuple[str, Lie], ...] = (
    ("recording", lambda m: m.pop("recording")),
    ("recording", lambda m: m.update(recording=[])),
    ("recording.started_at", lambda m: m["recording"].update(started_at="yesterday")),
    ("recording.started_at", lambda m: m["recording"].pop("started_at")),
    ("recording.stopped_at", lambda m: m["recording"].update(stopped_at=None)),
    ("recording.stopped_at", lambda m: m["recording"].update(stopped_at="99999-01-01T00:00:00Z")),
    ("recording.stopped_at", lambda m: m["recording"].update(stopped_at=7)),
    ("participants", lambda m: m.update(participants={"p": 1})),
    ("participants[1]", lambda m: m["participants"].append("p")),
    ("participants[0].participant_id", lambda m: m["participants"][0].update(participant_id=["p"])),
    ("participants[0].role", lambda m: m["participants"][0].update(role={"x": 1})),
    ("participants[0].organisation", lambda m: m["participants"][0].update(organisation=[1])),
    ("tracks", lambda m: m.pop("tracks")),
    ("tracks[0]", lambda m: m["tracks"].insert(0, None)),
    ("tracks[0].codec", lambda m: m["tracks"][0].update(codec=3)),
    ("tracks[0].source", lambda m: m["tracks"][0].pop("source")),
    ("tracks[0].clock_rate", lambda m: m["tracks"][0].update(clock_rate=-1)),
    ("tracks[0].clock_rate", lambda m: m["tracks"][0].update(clock_rate=True)),
    ("tracks[0].segments", lambda m: m["tracks"][0].update(segments="000001.lxj")),
    ("tracks[0].segments[0]", lambda m: m["tracks"][0].update(segments=[7])),
    ("tracks[0].segments[0].packets", lambda m: first(m).update(packets="many")),
    ("tracks[0].segments[0].first_at", lambda m: first(m).update(first_at=None)),
    ("tracks[0].segments[0].last_at", lambda m: first(m).update(last_at="soon")),
    ("tracks[0].gaps[0]", lambda m: m["tracks"][0].update(gaps=["gap"])),
    *(
        ("tracks[0].segments[0].path", lambda m, path=path: first(m).update(path=path))  # type: ignore[misc]
        for path in (
            "../secret",
            "/etc/passwd",
            "tracks/../../secret/000001.lxj",
            "tracks/p_city-camera/../../../000001.lxj",
            "tracks\\p_city-camera\\000001.lxj",
            "tracks/p_city-camera/000001.lxj\x00",
            "tracks/p_city-camera/000001.lxj\n",
            "tracks/p_city-camera/CON",
            "tracks/" + "a" * 4000 + "-camera/000001.lxj",
            "tracks/王芳-camera/000001.lxj",
            "",
            None,
            7,
        )
    ),
    ("session_events", lambda m: m.update(session_events=5)),
    ("session_events[0].sequence", lambda m: m["session_events"][0].update(sequence="1")),
    ("session_events[0].kind", lambda m: m["session_events"][0].pop("kind")),
    ("session_events[0].at", lambda m: m["session_events"][0].update(at="2026-13-45T00:00:00Z")),
    ("session_events[0].data", lambda m: m["session_events"][0].update(data=[1])),
)
# What may be false and still makes a picture and a film of the right length, in seconds.
BORNE: tuple[tuple[float, Lie], ...] = (
    (0.0, lambda m: m["recording"].update(stopped_at="1970-01-01T00:00:00Z")),
    (1.0, lambda m: m["recording"].update(petition_number=None, title="<b>" + "长" * 4000 + "\u202e\x00")),
    (1.0, lambda m: m["participants"].clear()),
    (1.0, lambda m: m["participants"].extend(m["participants"] * 2)),
    (1.0, lambda m: m["participants"][0].update(name=None, tier="emperor", organisation="")),
    (1.0, lambda m: m["tracks"][0].update(codec="AV1", kind="smell", source="camera")),
    (1.0, lambda m: m["tracks"].append(copy.deepcopy(m["tracks"][0]))),
    (1.0, lambda m: m["clock"].update(jumps=[{"at": "x"}], boots=None)),
    (1.0, lambda m: m["clock"].update(jumps=[{"at": m["recording"]["started_at"], "by_ns": 10**30}])),
    (1.0, lambda m: m["session_events"][5].update(data={"spans": [["x"], 7]})),
    (1.0, lambda m: first(m).update(sha256="0" * 64, size=-1, packets=10**9)),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("lies") / "rec"
    root.mkdir()
    (root.parent / "secret").write_bytes(b"secret")
    write_session(root, 1.0, PARTIES[:1], (160, 90))
    content = manifest_content(root, 1.0, PARTIES[:1]) | {"session_events": session_events()}
    (root / MANIFEST_FILE).write_text(json.dumps(content))
    return root


@pytest.fixture
def truth(folder: Path) -> dict[str, Any]:
    content = manifest_content(folder, 1.0, PARTIES[:1]) | {"session_events": session_events()}
    assert check_shape(content) is content
    return content


@pytest.mark.parametrize(("where", "lie"), REFUSED)
def test_a_lie_is_named_and_no_film_is_made(
    folder: Path, truth: dict[str, Any], where: str, lie: Lie
) -> None:
    lie(truth)
    (folder / MANIFEST_FILE).write_text(json.dumps(truth))
    with pytest.raises(ManifestUnusable) as refused:
        compose(folder, folder / "film.mp4", PLAN, lambda _: None)
    assert str(refused.value) == f"清单的内容不合规范：{where}。"
    assert not (folder / "film.mp4").exists()


@pytest.mark.parametrize(("seconds", "lie"), BORNE)
def test_what_does_not_matter_for_the_film_is_borne(
    folder: Path, truth: dict[str, Any], seconds: float, lie: Lie
) -> None:
    lie(truth)
    (folder / MANIFEST_FILE).write_text(json.dumps(truth))
    composition = Composition(folder, PLAN)
    assert composition.span.seconds == pytest.approx(seconds)
    assert composition.still().to_ndarray(format="gray").max() > 100
    composition.close()


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"null", b"7", b"{}", b"[" * 100_000, b"\xff\xfe", b'{"recording":']
)
def test_what_is_no_manifest_is_said_to_be_none(tmp_path: Path, data: bytes) -> None:
    (tmp_path / MANIFEST_FILE).write_bytes(data)
    with pytest.raises(ManifestUnusable, match="清单"):
        read_manifest(tmp_path)


def test_a_manifest_of_gigabytes_is_not_read(tmp_path: Path) -> None:
    with (tmp_path / MANIFEST_FILE).open("wb") as file:
        file.truncate(CEILING + 1)
    with pytest.raises(ManifestUnusable, match="过大"):
        read_manifest(tmp_path)


async def test_the_command_says_where_it_lies(folder: Path, truth: dict[str, Any]) -> None:
    first(truth).update(path="../secret")
    (folder / MANIFEST_FILE).write_text(json.dumps(truth))
    with pytest.raises(
        CompositionError, match=r"不是已封存的录像：清单的内容不合规范：tracks\[0\]\.segments\[0\]\.path"
    ):
        await make_film(folder, folder / "film.mp4", PLAN, print)
    (folder / MANIFEST_FILE).unlink()
    with pytest.raises(CompositionError, match="不是已封存的录像$"):
        await make_film(folder, folder / "film.mp4", PLAN, print)


def test_a_thousand_seeded_lies_are_refused_or_borne(folder: Path, truth: dict[str, Any]) -> None:
    """Any value anywhere replaced by any other: refused by name, or everything that reads it goes on."""
    seeded = random.Random(20_261_122)
    odd = (
        None,
        [],
        {},
        0,
        -1,
        2**70,
        "",
        "x",
        "../x",
        True,
        ["x"],
        {"x": 1},
        "2026-11-20T01:30:00Z",
        "\ud800",
    )
    refused = 0
    for _ in range(1000):
        manifest = copy.deepcopy(truth)
        tell_lie(manifest, seeded, odd)
        try:
            checked = steady(check_shape(manifest))
        except ManifestUnusable:
            refused += 1
            continue
        pauses_of(checked, START_NS, 1.0)
        shares_of(checked, START_NS)
    assert 100 < refused < 900


def test_a_missing_segment_is_told_by_its_name(folder: Path, truth: dict[str, Any]) -> None:
    first(truth).update(path="tracks/p_city-camera/000009.lxj")
    (folder / MANIFEST_FILE).write_text(json.dumps(truth))
    with pytest.raises(OSError, match=r"000009\.lxj"):
        Composition(folder, PLAN)
