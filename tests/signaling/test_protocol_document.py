"""docs/protocol.md and the code say the same."""

from __future__ import annotations

import json
import re
from pathlib import Path
from types import UnionType
from typing import Any, Literal, Union, get_args, get_origin

import pytest

from signaling import (
    commands,
    mark_pushes,
    material_views,
    minutes_commands,
    minutes_pushes,
    pushes,
    queue_views,
)
from signaling.protocol import COMMANDS, PUSHES, CloseCode, ErrorCode, parse, shape

DOCUMENT = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text(encoding="utf-8")
ENUMERATIONS = {
    get_args(commands.Source): "Source",
    get_args(pushes.Presence): "Presence",
    get_args(pushes.MediaState): "MediaState",
    get_args(pushes.Place): "Place",
    get_args(commands.MediaPath): "MediaPath",
    get_args(commands.MarkKind): "MarkKind",
    get_args(pushes.QualityLevel): "QualityLevel",
    get_args(pushes.BadgeState): "BadgeState",
    ("audio", "video"): "TrackKind",
    get_args(commands.Layout): "Layout",
    get_args(commands.Spot): "Spot",
    get_args(commands.Channel): "Channel",
    get_args(minutes_commands.MinutesAct): "MinutesAct",
    get_args(minutes_commands.MinutesStep): "MinutesStep",
    get_args(minutes_commands.Paragraph): "ParagraphKind",
}
VIEWS = [
    pushes.SessionView, pushes.RoomView, pushes.ParticipantView, pushes.SourceView, pushes.LobbyView,
    pushes.RecordingView, pushes.QualityView, queue_views.QueueView, queue_views.WaitView, pushes.MediaNeeds,
    pushes.Relay, pushes.OfferedTrack, pushes.PhaseView, pushes.ConductView,
    minutes_pushes.MinutesView, minutes_pushes.MinutesParagraphView, minutes_pushes.SpeakerView,
    minutes_pushes.OverlapView, pushes.DeliberationView, mark_pushes.MarkView, material_views.ExhibitView,
]  # fmt: skip


def chapter(number: int) -> str:
    """Text of one numbered section."""
    found = re.search(rf"^## {number}\. .*?(?=^## |\Z)", DOCUMENT, re.S | re.M)
    assert found, number
    return found.group()


def parts(text: str) -> dict[str, str]:
    """Heading of level three -> its text."""
    pieces = re.split(r"^### (.+)$", text, flags=re.M)[1:]
    return {name.strip("` "): body for name, body in zip(pieces[::2], pieces[1::2], strict=True)}


def rows(text: str) -> list[list[str]]:
    """Cells of every table row, without headings and backticks."""
    lines = [line for line in text.splitlines() if line.startswith("|") and not line.startswith("|---")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [row for row in cells if row[0] not in ("Field", "Code", "Type", "Right", "What")]


def word(kind: Any) -> str:
    """How the document writes a Python type."""
    origin = get_origin(kind)
    if origin is Literal:
        return ENUMERATIONS[get_args(kind)]
    if origin in (Union, UnionType):
        rest = [option for option in get_args(kind) if option is not type(None)]
        return "scalar" if len(rest) > 1 else f"{word(rest[0])} or null"
    if origin is dict:
        value = word(get_args(kind)[1])
        return "object" if value == "scalar" else f"object of {value}"
    if origin is list:
        return f"list of {word(get_args(kind)[0])}"
    return {str: "text", int: "integer", bool: "boolean"}.get(kind, getattr(kind, "__name__", "?"))


def table(text: str) -> dict[str, str]:
    return {row[0].strip("`"): row[1] for row in rows(text)}


def in_code(kind: type, without: set[str] = frozenset()) -> dict[str, str]:  # type: ignore[assignment]
    return {name: word(value) for name, value in shape(kind).items() if name not in without}


def test_every_command_is_described_and_nothing_else() -> None:
    described = parts(chapter(4))
    assert list(described) == list(COMMANDS)
    for name, text in described.items():
        assert table(text) == in_code(COMMANDS[name], {"id"}), name


def test_every_push_is_described_and_nothing_else() -> None:
    described = parts(chapter(5))
    assert list(described) == list(PUSHES)
    for name, text in described.items():
        assert table(text) == in_code(PUSHES[name]), name


def test_every_part_is_described() -> None:
    described = parts(chapter(6))
    assert set(described) == {view.__name__ for view in VIEWS}
    for view in VIEWS:
        assert table(described[view.__name__]) == in_code(view), view


def test_enumerations_have_the_values_of_the_document() -> None:
    types = parts(chapter(1))["Types"]
    written = {row[0]: tuple(re.findall(r"`(\w+)`", row[1])) for row in rows(types)}
    assert written == {name: values for values, name in ENUMERATIONS.items()}


def test_codes() -> None:
    assert {row[0].strip("`") for row in rows(chapter(7))} == {str(code) for code in ErrorCode}
    assert {int(row[0]) for row in rows(chapter(8))} == {int(code) for code in CloseCode}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_example_of_a_command_parses(name: str) -> None:
    example = re.search(r"```json\n(.*?)```", parts(chapter(4))[name], re.S)
    assert example and isinstance(parse(example.group(1)), COMMANDS[name])


@pytest.mark.parametrize("name", PUSHES)
def test_the_example_of_a_push_has_its_fields(name: str) -> None:
    example = re.search(r"```json\n(.*?)```", parts(chapter(5))[name], re.S)
    assert example
    data = json.loads(example.group(1))
    assert data.pop("type") == name
    assert data.keys() == shape(PUSHES[name]).keys()
