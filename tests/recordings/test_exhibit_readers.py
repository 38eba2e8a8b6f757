"""Room, sealing, film and replay read the same events: at every second the same page and the same lines.

They share one rule (scheduling.materials.exhibition); what each makes of it is compared here, in sequences
that a room can write and in such that only a strange manifest holds.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from recordings.evidence.exhibits import ORDERED, pages_shown
from recordings.evidence.manifest import moment_ns, moment_text
from recordings.film.exhibits import Exhibition
from recordings.playback.exhibits import Step, read_exhibits
from scheduling.materials import exhibition
from signaling.exhibit import Exhibit, replayed
from tests.recordings.synthetic import START

SEQUENCES, LENGTH = 200, 60
START_NS = moment_ns(moment_text(START))
Told = tuple[float, str, dict[str, Any]]


@dataclass
class Event:
    """A row of the session's history, as far as it is read here."""

    at: datetime
    kind: str
    data: dict[str, Any]
    participant_id: str | None = "p1"


class Room:
    """What a live room writes down: it knows what is up by itself, not by its history."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.exhibit: Exhibit | None = None
        self.told: list[Told] = []

    def act(self, at: float) -> None:
        kind = self.dice.choice(("show", "turn", "end", "draw", "draw", "draw", "wipe", "-"))
        if kind == "show":
            self._show(at)
        elif self.exhibit is not None and kind != "-":
            getattr(self, f"_{kind}")(at, self.exhibit)

    def _show(self, at: float) -> None:
        before, page = self.exhibit, self.dice.randint(1, 3)
        self.exhibit = Exhibit(self.dice.choice("abc") * 32, "纸", 3, "p1", page)
        if before is not None:
            self.told.append((at - 0.01, "material.ended", before.data() | {"cause": "replaced"}))
            if before.material_id == self.exhibit.material_id:
                self.exhibit.strokes = before.strokes
        self.told.append((at, "material.shown", self.exhibit.data()))

    def _turn(self, at: float, exhibit: Exhibit) -> None:
        exhibit.page = self.dice.randint(1, 3)
        self.told.append((at, "material.turned", exhibit.data()))

    def _end(self, at: float, exhibit: Exhibit) -> None:
        self.told.append((at, "material.ended", exhibit.data() | {"cause": "stopped"}))
        self.exhibit = None

    def _draw(self, at: float, exhibit: Exhibit) -> None:
        points = [self.dice.randrange(10_001) for _ in range(4)]
        exhibit.draw(points)
        self.told.append((at, "material.drawn", exhibit.place() | {"points": points}))

    def _wipe(self, at: float, exhibit: Exhibit) -> None:
        everything = self.dice.random() < 0.5
        exhibit.wipe(everything)
        self.told.append((at, "material.wiped", exhibit.place() | {"everything": everything}))


class Readers:
    """All that read one history, led through it second by second."""

    def __init__(self, told: list[Told]) -> None:
        self.told = told
        self.events = [Event(START + timedelta(seconds=at), kind, data) for at, kind, data in told]
        entries = [
            {
                "kind": event.kind, "at": moment_text(event.at), "sequence": place,
                "participant_id": event.participant_id, "data": event.data,
            }
            for place, event in enumerate(self.events)
        ]  # fmt: skip
        self.film = Exhibition({"session_events": entries}, START_NS)
        self.replay = read_exhibits([Step(kind, at, data, "p1") for at, kind, data in told], LENGTH)
        ordered = Event(START, ORDERED, {"recording_id": "r"})
        self.sealed = {
            (page.material_id, page.page) for page in pages_shown([ordered, *self.events], "r", START)
        }

    def compare(self, second: float) -> tuple[str, int, list[list[int]]] | None:
        """What all of them say is up then, with its lines."""
        found = replayed([event for (at, _, _), event in zip(self.told, self.events, strict=True)
                          if at <= second])  # type: ignore[misc]  # fmt: skip
        up = (found.material_id, found.page, found.drawn) if found is not None else None
        self.film.advance(second)
        page = self.film.page
        seen = (page.material_id, page.number, list(map(list, self.film.strokes))) if page else None
        assert seen == up, second
        spans = [one.sheet for one in self.replay.showings if one.start <= second < one.end]
        sheets = [self.replay.sheets[sheet] for sheet in spans]
        assert [(sheet.material_id, sheet.page) for sheet in sheets] == ([up[:2]] if up else []), second
        lines = [one for one in self.replay.strokes if one.sheet in spans and one.start <= second < one.end]
        assert [list(one.points) for one in lines] == (up[2] if up else []), second
        assert up is None or up[:2] in self.sealed
        return up


def test_two_hundred_seeded_sittings_are_read_alike() -> None:
    dice, up, drawn = random.Random(20261123), 0, 0
    for _ in range(SEQUENCES):
        room = Room(dice)
        seen: list[tuple[str, int, list[list[int]]] | None] = []
        for second in range(1, LENGTH):
            room.act(second + 0.5)
            one = room.exhibit
            seen.append((one.material_id, one.page, [*one.drawn]) if one is not None else None)
        readers = Readers(room.told)
        for second, told in enumerate(seen, 1):
            assert readers.compare(second + 0.9) == told
            if told is not None:
                up, drawn = up + 1, drawn + len(told[2])
    assert up > 3_000 and drawn > 3_000


ODD: tuple[Any, ...] = (
    {}, {"material_id": "../x"}, {"material_id": 7}, {"page": 0}, {"page": True}, {"page": 10**9},
    {"page": "1"}, {"pages": None}, {"name": None}, {"points": None}, {"points": [1, 2]},
    {"points": [0, 0, -1, 5]}, {"points": [0, 0, 1.5, 5]}, {"everything": "yes"}, {"cause": 7},
)  # fmt: skip


def strange(dice: random.Random) -> list[Told]:
    """Events in any order, each now and then with data that is none."""
    kinds = sorted(exhibition.READ - {"session.failed"})
    told: list[Told] = []
    for second in range(1, LENGTH):
        kind = dice.choice((*kinds, "material.shown", "material.drawn", "material.drawn"))
        data = {
            "material_id": dice.choice("ab") * 32, "name": "纸", "page": dice.randint(1, 2), "pages": 2,
            "points": [dice.randrange(10_001) for _ in range(4)], "everything": dice.random() < 0.5,
            "cause": dice.choice(("stopped", "replaced")),
        }  # fmt: skip
        odd = dice.choice(ODD) if dice.random() < 0.2 else None
        told.append((second + 0.5, kind, data if odd is None else odd and data | odd))
    return told


def test_strange_histories_are_read_alike_as_well() -> None:
    """An end that says it is replaced and is followed within two seconds is bridged in the film alone."""
    dice, up = random.Random(7), 0
    for _ in range(SEQUENCES):
        told = [
            (at, kind, data | {"cause": "stopped"} if kind == "material.ended" else data)
            for at, kind, data in strange(dice)
        ]
        readers = Readers(told)
        up += sum(readers.compare(second + 0.9) is not None for second in range(1, LENGTH))
    assert up > 3_000
    # Ends that say so are read alike wherever the film bridges nothing.
    for _ in range(SEQUENCES):
        readers = Readers([(at * 3, kind, data) for at, kind, data in strange(dice)][: LENGTH // 3])
        for second in range(1, LENGTH // 3):
            readers.compare(3 * second + 1.6)
