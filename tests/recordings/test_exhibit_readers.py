"""Film and replay read the same events: at every second the same page is up with the same lines on it."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

from recordings.evidence.manifest import moment_ns, moment_text
from recordings.film.exhibits import Exhibition
from recordings.playback.exhibits import Step, read_exhibits
from tests.recordings.synthetic import START

SEQUENCES, LENGTH = 200, 60
START_NS = moment_ns(moment_text(START))
Told = tuple[float, str, dict[str, Any]]


def sitting(dice: random.Random) -> list[Told]:
    """What a room can write: one material at a time, put away or replaced before another one comes."""
    told: list[Told] = []
    up: tuple[str, int] | None = None
    for second in range(1, LENGTH):
        at, kind = second + 0.5, dice.choice(("show", "turn", "end", "draw", "draw", "draw", "wipe", "-"))
        if kind == "show":
            material = dice.choice("abc") * 32
            if up is not None:
                told.append((at - 0.01, "ended", {"material_id": up[0], "page": up[1], "cause": "replaced"}))
            up = (material, dice.randint(1, 3))
            told.append((at, "shown", {"material_id": material, "name": "纸", "page": up[1], "pages": 3}))
        elif up is not None and kind == "turn":
            up = (up[0], dice.randint(1, 3))
            told.append((at, "turned", {"material_id": up[0], "page": up[1]}))
        elif up is not None and kind == "end":
            told.append((at, "ended", {"material_id": up[0], "page": up[1], "cause": "stopped"}))
            up = None
        elif up is not None and kind == "draw":
            points = [dice.randrange(10_001) for _ in range(4)]
            told.append((at, "drawn", {"material_id": up[0], "page": up[1], "points": points}))
        elif up is not None and kind == "wipe":
            data = {"material_id": up[0], "page": up[1], "everything": dice.random() < 0.5}
            told.append((at, "wiped", data))
    return told


def test_two_hundred_seeded_sittings_are_read_alike() -> None:
    dice, up, drawn = random.Random(20261123), 0, 0
    for number in range(SEQUENCES):
        told = sitting(dice)
        events = [
            {
                "kind": f"material.{kind}", "at": moment_text(START + timedelta(seconds=at)),
                "sequence": place, "participant_id": "p1", "data": data,
            }
            for place, (at, kind, data) in enumerate(told)
        ]  # fmt: skip
        film = Exhibition({"session_events": events}, START_NS)
        replay = read_exhibits([Step(f"material.{kind}", at, data, "p1") for at, kind, data in told], LENGTH)
        for second in range(LENGTH):
            film.advance(second)
            shown = [one.sheet for one in replay.showings if one.start <= second < one.end]
            sheets = [(replay.sheets[sheet].material_id, replay.sheets[sheet].page) for sheet in shown]
            page = film.page
            assert sheets == ([(page.material_id, page.number)] if page is not None else []), (number, second)
            lines = [s.points for s in replay.strokes if s.sheet in shown and s.start <= second < s.end]
            assert sorted(lines) == sorted(film.strokes), (number, second)
            up, drawn = up + len(shown), drawn + len(lines)
    assert up > 3_000 and drawn > 3_000
