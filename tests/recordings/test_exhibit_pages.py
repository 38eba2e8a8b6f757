"""Pages of materials: pictures of every odd kind, damaged, changed, missing; a film has words for them."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from recordings.film.exhibits import Exhibition
from recordings.film.sheet import (
    CHANGED,
    GONE,
    LARGEST,
    MISSING,
    NOT_SEALED,
    TOO_LARGE,
    UNREADABLE,
    PageMissing,
    SealedPages,
    open_picture,
)
from tests.recordings.exhibiting import CONTRACT, Sitting, Table, jpeg
from tests.recordings.synthetic import START_NS

BLUE, GREEN, WHITE = (40, 80, 200), (60, 170, 90), (250, 250, 250)


@pytest.fixture
def sitting(tmp_path: Path) -> Sitting:
    found = Sitting(tmp_path)
    found.add_page(CONTRACT, 1, jpeg((400, 400), WHITE))
    found.show(1.0, CONTRACT)
    return found


def bomb(width: int, height: int) -> bytes:
    """A PNG that says it is so large and holds next to nothing."""
    small = bytearray(jpeg((8, 8), 0, "L", format="PNG"))
    small[16:24] = struct.pack("!II", width, height)
    small[29:33] = struct.pack("!I", zlib.crc32(small[12:29]))
    return bytes(small)


def test_pictures_of_every_odd_kind_are_shown_or_refused() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # To be turned by 90 degrees clockwise.
    turned = open_picture(jpeg((300, 100), BLUE, exif=exif))
    assert turned.size == (100, 300)
    cyan = open_picture(jpeg((40, 40), (255, 0, 0, 0), "CMYK")).getpixel((20, 20))
    assert isinstance(cyan, tuple) and cyan[0] < 60 and cyan[2] > 200
    assert open_picture(jpeg((1, 1), GREEN)).size == (1, 1)
    assert open_picture(jpeg((20_000, 20), GREEN)).size == (20_000, 20)
    clear = jpeg((4, 4), (0, 0, 0, 0), "RGBA", format="PNG")
    assert open_picture(clear).getpixel((1, 1)) == (255, 255, 255)
    for mode, colour in (("L", 90), ("1", 1), ("P", 3), ("LA", (9, 9)), ("I;16", 7)):
        assert open_picture(jpeg((9, 7), colour, mode, format="PNG")).mode == "RGB"
    assert open_picture(jpeg((9, 7), GREEN, format="WEBP")).size == (9, 7)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", UNREADABLE),
        (b"\0" * 1000, UNREADABLE),
        (jpeg((200, 200), BLUE)[:300], UNREADABLE),
        (jpeg((9, 9), BLUE, format="GIF"), UNREADABLE),
        (b"%PDF-1.4", UNREADABLE),
        (bomb(50_000, 50_000), TOO_LARGE),
        (bomb(60_000, 1_000), TOO_LARGE),
        (bomb(900, 900), UNREADABLE),
        (b"\xff" * (LARGEST + 1), TOO_LARGE),
    ],
    ids=["empty", "zeros", "cut", "gif", "pdf", "bomb", "wide bomb", "hollow", "large"],
)
def test_what_cannot_be_shown_is_said_and_shown_as_words(
    sitting: Sitting, content: bytes, words: str
) -> None:
    sitting.add_page(CONTRACT, 2, content)
    sitting.turn(2.0, CONTRACT, 2)
    exhibition = Exhibition(sitting.manifest(), START_NS)
    exhibition.advance(3)
    assert exhibition.page is not None and sitting.root is not None
    with pytest.raises(PageMissing, match=words):
        SealedPages(sitting.root, sitting.manifest()).picture(exhibition.page)
    table = Table(sitting)
    table.painter.paint(1.0)
    assert table.changed(3.0) > 20_000


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda path, entry: entry.update(missing="key", size=0), MISSING),
        (lambda path, entry: entry.update(page=9), NOT_SEALED),
        (lambda path, entry: entry.update(page="1"), NOT_SEALED),
        (lambda path, entry: entry.update(path=7), GONE),
        (lambda path, entry: entry.update(path="exhibits/../manifest.json"), GONE),
        (lambda path, entry: entry.update(path="/etc/passwd"), GONE),
        (lambda path, entry: entry.update(path="exhibits/x/page-1.jpg\n"), GONE),
        (lambda path, entry: path.unlink(), GONE),
        (lambda path, entry: (path.unlink(), path.mkdir()), GONE),
        (lambda path, entry: (path.unlink(), os.mkfifo(path)), GONE),
        (lambda path, entry: path.write_bytes(jpeg((4, 4), BLUE)), CHANGED),
        (lambda path, entry: entry.update(sha256=None), CHANGED),
    ],
)
def test_a_page_that_is_not_as_the_manifest_says_is_not_shown(
    sitting: Sitting, change: Callable[[Path, dict[str, Any]], object], words: str
) -> None:
    assert sitting.root is not None
    (entry,) = sitting.exhibits
    change(sitting.root / entry["path"], entry)
    exhibition = Exhibition(sitting.manifest(), START_NS)
    exhibition.advance(1)
    assert exhibition.page is not None
    with pytest.raises(PageMissing, match=words):
        SealedPages(sitting.root, sitting.manifest()).picture(exhibition.page)


def test_another_picture_than_the_one_that_was_shown_is_not_shown(sitting: Sitting) -> None:
    assert sitting.root is not None
    for digest, is_shown in ((sitting.exhibits[0]["sha256"], True), ("0" * 64, False)):
        sitting.events[0]["data"]["page_sha256"] = digest
        exhibition = Exhibition(sitting.manifest(), START_NS)
        exhibition.advance(1)
        assert exhibition.page is not None
        if is_shown:
            assert SealedPages(sitting.root, sitting.manifest()).picture(exhibition.page).size == (400, 400)
        else:
            with pytest.raises(PageMissing, match=CHANGED):
                SealedPages(sitting.root, sitting.manifest()).picture(exhibition.page)


@pytest.mark.parametrize("exhibits", [None, 7, "x", {}, [None, 3, [], {}], [{"material_id": [], "page": {}}]])
def test_a_list_that_lies_breaks_nothing(exhibits: Any) -> None:
    sitting = Sitting()
    sitting.show(1, CONTRACT)
    exhibition = Exhibition(sitting.manifest(), START_NS)
    exhibition.advance(1)
    assert exhibition.page is not None
    with pytest.raises(PageMissing, match=NOT_SEALED):
        SealedPages(Path("nowhere"), {"exhibits": exhibits}).picture(exhibition.page)
