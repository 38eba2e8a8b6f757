"""Layout: where everybody stands in the composed picture. Equal participants give equal layouts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from cases.vocabulary import VOCABULARY

TIERS = {"province": 0, "city": 1, "district": 2, "township": 3}
ROLES = (
    "host",
    "joint_receptionist",
    "department",
    "petitioner",
    "party",
    "proxy",
    "companion",
    "interpreter",
    "mediator",
    "third_party",
    "recorder",
    "observer",
)
ROLE_NAMES = {role: word.brief for role, word in VOCABULARY["role"].items()}
OFFICE_ROLES = ("host", "joint_receptionist", "department")
TITLE_HEIGHT = 40  # pixels at the top: title and running time
LABEL_HEIGHT = 32  # pixels at the foot of each tile: name and office
GAP = 4
CAMERA, SCREEN = "camera", "screen"
MATERIAL = "material"
INTERPRETER = "interpreter"
PINNED = 0.28  # of the width: whose hands or lips are read stays beside whatever layout is on
# Beside a document: up to so many people in one, two, three columns, and their share of the width.
BESIDE = ((4, 1, 0.24), (10, 2, 0.34), (64, 3, 0.42))


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels; all four numbers are even because chroma is halved."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True)
class Tile:
    """One place: whose it is, which source it shows, and what is written at its foot."""

    participant_id: str
    source: str
    label: str
    picture: Box
    caption: Box


def even(value: float) -> int:
    return int(value) // 2 * 2


def grid_of(count: int) -> tuple[int, int]:
    """(columns, rows) for ``count`` tiles on a wide canvas."""
    for columns, rows in ((1, 1), (2, 1), (2, 2), (3, 2), (3, 3), (4, 3), (4, 4), (5, 4), (5, 5)):
        if count <= columns * rows:
            return columns, rows
    return 6, -(-count // 6)


def standing(participant: dict[str, Any]) -> tuple[int, int, str, str]:
    """Sort key: offices from the highest tier down, then the petitioner's side, then the others."""
    role = participant.get("role") or "observer"
    rank = ROLES.index(role) if role in ROLES else len(ROLES)
    tier = TIERS.get(participant.get("tier") or "", len(TIERS))
    office = role in OFFICE_ROLES
    group = (0, tier) if office and role != "department" else (1, tier) if office else (2, rank)
    return group[0] * 100 + group[1], rank, participant.get("name") or "", participant["participant_id"]


def label_of(participant: dict[str, Any], source: str) -> str:
    """Name, office and role as written at the foot of the tile; for the pages of a material, who shows it."""
    role = ROLE_NAMES.get(participant.get("role") or "", "")
    name = participant.get("name") or "未署名"
    if source == MATERIAL:
        return f"{name}出示"
    parts = [name, participant.get("organisation") or "", role]
    text = "  ".join(part for part in parts if part)
    return f"{text}  出示材料" if source == SCREEN else text


def arrange(
    participants: list[dict[str, Any]],
    sources: dict[str, set[str]],
    width: int,
    height: int,
    presenter: str | None = None,
    source: str = SCREEN,
) -> list[Tile]:
    """Tiles of everybody who published anything, in standing order, on a canvas of that size.

    ``sources``: participant id to the sources recorded. Somebody heard only still gets a tile. ``presenter``
    is large and comes first: with a document all people stand beside it, with the camera all the others. The
    pages of a material are nobody's track: they are large even when nothing was recorded of who shows them.
    Who interprets with a picture and is not large has a place of their own at the right, which stays.
    """
    people = [who for who in sorted(participants, key=standing) if sources.get(who["participant_id"])]
    pinned = [who for who in people if _is_pinned(who, sources, presenter)]
    if pinned and len(pinned) < len(people):
        side = even(width * PINNED)
        on_stage = [who for who in participants if who not in pinned]
        tiles = arrange(on_stage, sources, width - side, height, presenter, source)
        boxes = column(len(pinned), width - side, side - GAP, height)
        return tiles + [_tile(who, CAMERA, box) for who, box in zip(pinned, boxes, strict=True)]
    large = [who for who in people if who["participant_id"] == presenter]
    others = people if source != CAMERA else [who for who in people if who not in large]
    if source == MATERIAL and presenter is not None:
        known = (who for who in participants if who["participant_id"] == presenter)
        large = [next(known, {"participant_id": presenter})]
        if not others:
            return [_tile(large[0], source, cells(1, width, height)[0])]
    if not large or not others:
        boxes = cells(len(people), width, height)
        return [_tile(who, CAMERA, box) for who, box in zip(people, boxes, strict=True)]
    document, boxes = beside(len(others), width, height)
    shown = [_tile(who, source, document) for who in large]
    return shown + [_tile(who, CAMERA, box) for who, box in zip(others, boxes, strict=True)]


def beside(count: int, width: int, height: int) -> tuple[Box, list[Box]]:
    """The place of a document, and ``count`` equal cells in columns at its right, from the top down."""
    columns, share = next((c, s) for most, c, s in BESIDE if count <= most or most == BESIDE[-1][0])
    side, whole = even(width * share), even(height - TITLE_HEIGHT - 2 * GAP)
    document = Box(GAP, TITLE_HEIGHT + GAP, even(width - side - 2 * GAP), whole)
    rows = max(1, -(-count // columns))
    cell_width = even((side - GAP * columns) / columns)
    cell_height = min(even((whole - GAP * (rows - 1)) / rows), even(cell_width * 9 / 16) + LABEL_HEIGHT)
    left = document.x + document.width + GAP
    boxes = []
    for number in range(count):
        row, column = divmod(number, columns)
        x, y = left + column * (cell_width + GAP), document.y + row * (cell_height + GAP)
        boxes.append(Box(x, y, cell_width, cell_height))
    return document, boxes


def column(count: int, x: int, width: int, height: int) -> list[Box]:
    """``count`` equal cells one below the other from the top, as high as a wide picture needs at most."""
    whole = height - TITLE_HEIGHT - GAP * (count + 1)
    cell_height = min(even(whole / count), even(width * 9 / 16) + LABEL_HEIGHT)
    top = TITLE_HEIGHT + GAP
    return [Box(x, top + number * (cell_height + GAP), width, cell_height) for number in range(count)]


def _is_pinned(participant: dict[str, Any], sources: dict[str, set[str]], presenter: str | None) -> bool:
    who = participant["participant_id"]
    return participant.get("role") == INTERPRETER and CAMERA in sources[who] and who != presenter


def cells(count: int, width: int, height: int) -> list[Box]:
    """Equal cells, row by row; the last row is centred."""
    if not count:
        return []
    columns, rows = grid_of(count)
    cell_width = even((width - GAP * (columns + 1)) / columns)
    cell_height = even((height - TITLE_HEIGHT - GAP * (rows + 1)) / rows)
    boxes = []
    for number in range(count):
        row, column = divmod(number, columns)
        in_row = min(columns, count - row * columns)
        indent = (columns - in_row) * (cell_width + GAP) / 2
        x = even(GAP + indent + column * (cell_width + GAP))
        y = even(TITLE_HEIGHT + GAP + row * (cell_height + GAP))
        boxes.append(Box(x, y, cell_width, cell_height))
    return boxes


def _tile(participant: dict[str, Any], source: str, cell: Box) -> Tile:
    picture = Box(cell.x, cell.y, cell.width, cell.height - LABEL_HEIGHT)
    caption = Box(cell.x, cell.y + picture.height, cell.width, LABEL_HEIGHT)
    label = label_of(participant, source)
    return Tile(participant["participant_id"], source, label, picture, caption)


def fit(width: int, height: int, box: Box) -> Box:
    """The largest box of that aspect inside ``box``, centred."""
    scale = min(box.width / width, box.height / height)
    wide, high = max(2, even(width * scale)), max(2, even(height * scale))
    return Box(even(box.x + (box.width - wide) / 2), even(box.y + (box.height - high) / 2), wide, high)
