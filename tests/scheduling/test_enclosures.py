"""Files that come with a matter: in parts, opened, kept as pages alone, seen by who may see the matter."""

from __future__ import annotations

import os
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionClass
from cases.errors import Conflict, Forbidden, Invalid, NotFound, RuleError
from scheduling.intake import enclosing
from scheduling.intake.enclosing import (
    ABANDONED,
    add_part,
    claim,
    file_mandate,
    finish,
    forget_abandoned,
    list_of_case,
    list_of_form,
    read_page,
    received,
    store_at,
    withdraw,
)
from scheduling.intake.enclosure import LARGEST, MOST_OF_FORM, Enclosure, Purpose
from scheduling.materials.limits import PART
from scheduling.materials.material import MaterialKind
from scheduling.materials.rendering import Rendered, Rendering
from scheduling.materials.store import MaterialStore
from scheduling.materials.uploading import Upload
from tests.clock import FixedClock
from tests.factories import World, make_petition
from tests.scheduling.papers import PLACE, digest, photo

FORM, SECOND = "a" * 32, "b" * 32


class Opened(Rendering):
    """Opens nothing: every file has two pages; tests of the renderer are in test_materials.py."""

    async def render(self, content: bytes) -> Rendered:
        if content.startswith(b"no picture"):
            raise Invalid("material_not_allowed", "只能上传照片或 PDF。", "file")
        return Rendered(MaterialKind.JPEG, [b"first page of " + content[:8], b"second"])


@pytest.fixture
def store(tmp_path: Path) -> MaterialStore:
    (tmp_path / "keys").mkdir()
    return store_at(tmp_path)


async def bring(
    db: AsyncSession, clock: FixedClock, store: MaterialStore, content: bytes, form: str = FORM,
    purpose: Purpose = Purpose.MATTER, rendering: Rendering | None = None,
) -> Enclosure:  # fmt: skip
    upload = Upload(digest(content), len(content))
    here = await received(db, store, form, upload)
    while here < len(content):
        here = await add_part(db, store, form, upload, here, content[here : here + PART])
    return await finish(db, clock, store, rendering or Opened(), form, upload, "漏水.jpg", purpose)


async def test_what_was_sent_belongs_to_the_case_and_to_who_may_see_it(
    db: AsyncSession, clock: FixedClock, world: World, store: MaterialStore
) -> None:
    row = await bring(db, clock, store, b"x" * (PART + 1))
    assert (await bring(db, clock, store, b"x" * (PART + 1))).id == row.id  # The same file is one.
    mandate = await bring(db, clock, store, b"mandate", purpose=Purpose.MANDATE)
    await bring(db, clock, store, b"somebody else's", SECOND)
    petition = await make_petition(db, clock, world.chengguan, class_=PetitionClass.ACCUSATION)
    clerk = world.actor("chengguan.receptionist")
    await claim(db, FORM, petition.id)
    assert await list_of_form(db, FORM) == []
    with pytest.raises(NotFound):
        await list_of_case(db, clerk, petition.id)
    with pytest.raises(NotFound):
        await read_page(db, store, clerk, petition.id, row.id, 1)
    open_case = await make_petition(db, clock, world.chengguan, "路灯不亮")
    await claim(db, SECOND, open_case.id)
    (other,) = await list_of_case(db, clerk, open_case.id)
    assert await read_page(db, store, clerk, open_case.id, other.id, 2) == b"second"
    for number, named in ((3, other.id), (0, other.id), (1, mandate.id)):
        with pytest.raises(NotFound):
            await read_page(db, store, clerk, open_case.id, named, number)
    with pytest.raises(NotFound):
        await list_of_case(db, world.actor("xigu.receptionist"), open_case.id)


async def test_pages_lie_sealed_and_without_what_a_telephone_writes(
    db: AsyncSession, clock: FixedClock, world: World, store: MaterialStore, tmp_path: Path
) -> None:
    content = photo()
    assert PLACE in content
    row = await bring(db, clock, store, content, rendering=Rendering())
    files = [path for path in (tmp_path / "enclosures").rglob("*") if path.is_file()]
    assert [path.name for path in files] == ["page-001"]  # Neither the original nor parts.
    assert b"\xff\xd8\xff" not in files[0].read_bytes()
    page = store.read(FORM, row.id, "page-001")
    assert page.startswith(b"\xff\xd8\xff") and PLACE not in page and b"Exif" not in page


async def test_what_is_refused_leaves_nothing(
    db: AsyncSession, clock: FixedClock, store: MaterialStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = [
        (Upload("x", 5), FORM, "bad_upload"),
        (Upload("0" * 64, 0), FORM, "bad_upload"),
        (Upload("0" * 64, LARGEST + 1), FORM, "material_too_large"),
        (Upload("0" * 64, 5), "../" + "a" * 29, "bad_form"),
    ]
    for upload, form, code in wrong:
        with pytest.raises(Invalid) as caught:
            await received(db, store, form, upload)
        assert caught.value.code == code
    with pytest.raises(Invalid):
        await bring(db, clock, store, b"no picture at all")
    upload = Upload("0" * 64, 3)
    with pytest.raises(Conflict):
        await add_part(db, store, FORM, upload, 2, b"x")
    await add_part(db, store, FORM, upload, 0, b"ab")
    with pytest.raises(Conflict):
        await finish(db, clock, store, Opened(), FORM, upload, "x", Purpose.MATTER)
    await add_part(db, store, FORM, upload, 2, b"c")
    with pytest.raises(Invalid):  # Another file than the one that was named.
        await finish(db, clock, store, Opened(), FORM, upload, "x", Purpose.MATTER)
    assert store.unfinished() == [] and await list_of_form(db, FORM) == []
    for number in range(MOST_OF_FORM):
        await bring(db, clock, store, b"file %d" % number)
    for form, code in ((FORM, "enclosures_full"), (SECOND, "materials_busy")):
        monkeypatch.setattr(enclosing, "MOST_BEGUN", 0)
        with pytest.raises(RuleError) as refusal:
            await bring(db, clock, store, b"one more", form)
        assert refusal.value.code == code


async def test_what_was_taken_back_or_never_handed_in_goes(
    db: AsyncSession, clock: FixedClock, world: World, store: MaterialStore, tmp_path: Path
) -> None:
    row, kept = await bring(db, clock, store, b"wrong one"), await bring(db, clock, store, b"right one")
    await withdraw(db, store, SECOND, row.id)  # Somebody else's form.
    assert len(await list_of_form(db, FORM)) == 2
    await withdraw(db, store, FORM, row.id)
    assert [each.id for each in await list_of_form(db, FORM)] == [kept.id]
    petition = await make_petition(db, clock, world.chengguan)
    await claim(db, FORM, petition.id)
    await withdraw(db, store, FORM, kept.id)  # Handed in is handed in.
    await bring(db, clock, store, b"forgotten", SECOND)
    await add_part(db, store, SECOND, Upload("0" * 64, 9), 0, b"half")
    assert await forget_abandoned(db, clock, store) == 0
    clock.advance(seconds=ABANDONED.total_seconds())
    (part,) = (tmp_path / "enclosures" / "unfinished").glob("*/*")
    old = (clock.now() - ABANDONED - timedelta(minutes=1)).timestamp()
    os.utime(part, (old, old))
    assert await forget_abandoned(db, clock, store) == 1
    assert store.unfinished() == [] and await list_of_form(db, SECOND) == []
    assert await list_of_case(db, world.actor("chengguan.receptionist"), petition.id)


async def test_a_clerk_files_mandates_alone_and_only_where_he_may_ask_for_a_reception(
    db: AsyncSession, clock: FixedClock, world: World, store: MaterialStore
) -> None:
    mandate = await bring(db, clock, store, b"mandate", purpose=Purpose.MANDATE)
    matter = await bring(db, clock, store, b"a photo of the matter")
    petition = await make_petition(db, clock, world.chengguan)
    for key, error in (("xigu.receptionist", NotFound), ("chengguan.reviewer", Forbidden)):
        with pytest.raises(error):
            await file_mandate(db, clock, world.actor(key), FORM, petition.id)
    clerk = world.actor("chengguan.receptionist")
    assert await file_mandate(db, clock, clerk, FORM, petition.id) == 1
    assert [row.id for row in await list_of_case(db, clerk, petition.id)] == [mandate.id]
    assert [row.id for row in await list_of_form(db, FORM)] == [matter.id]
    assert await file_mandate(db, clock, clerk, FORM, petition.id) == 0
