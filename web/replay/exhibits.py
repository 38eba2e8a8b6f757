"""What a replay is told of the documents that were shown: pages, when each was up, and every line on them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from recordings.playback.exhibits import Exhibits, Sheet, Step, read_exhibits
from recordings.review.exhibit_page import missing_pages
from recordings.review.replay import ReplayEvent
from web.words import gap_cause

STRANGER = "其他参加人"


def exhibits_of(events: Iterable[ReplayEvent], length: float) -> Exhibits:
    """On the time of the recording; ``length`` in seconds."""
    return read_exhibits(
        (
            Step(event.kind, event.seconds, event.event.data, event.event.participant_id or "")
            for event in events
        ),
        length,
    )


def build_exhibits(
    exhibits: Exhibits,
    names: Mapping[str, str],
    manifest: Mapping[str, Any],
    picture: Callable[[Sheet], str],
) -> dict[str, Any]:
    """For the page's list (`rows`) and for its player (`player`); ``picture`` gives the address of a page."""
    missing = missing_pages(dict(manifest))
    sheets = [
        {
            "name": sheet.name,
            "page": sheet.page,
            "pages": sheet.pages,
            "picture": picture(sheet),
            "missing": gap_cause(missing[sheet.material_id, sheet.page])
            if (sheet.material_id, sheet.page) in missing
            else "",
        }
        for sheet in exhibits.sheets
    ]
    rows = [
        {
            **sheets[showing.sheet],
            "start": round(showing.start, 1),
            "end": round(showing.end, 1),
            "who": names.get(showing.who, STRANGER) if showing.who else "",
        }
        for showing in exhibits.showings
    ]
    return {
        "rows": rows,
        "left_out": exhibits.left_out,
        "player": player_data(exhibits, sheets, names),
    }


def player_data(exhibits: Exhibits, sheets: list[dict[str, Any]], names: Mapping[str, str]) -> dict[str, Any]:
    """Shape: `sheets`, `showings` [from, until, sheet, who], `strokes` [sheet, from, until, points]."""
    return {
        "sheets": sheets,
        "showings": [
            [round(one.start, 2), round(one.end, 2), one.sheet, names.get(one.who, "")]
            for one in exhibits.showings
        ],
        "strokes": [
            [one.sheet, round(one.start, 2), round(one.end, 2), list(one.points)] for one in exhibits.strokes
        ],
    }
