"""Materials: uploaded in parts, judged by their content, kept sealed, seen by those who may."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.audit import AuditEntry
from cases.errors import Conflict, Forbidden, Invalid, NotFound, RuleError
from cases.policy import SYSTEM, Actor
from cases.roles import InvitationRole
from scheduling.materials import uploading
from scheduling.materials.limits import LARGEST, MOST_PAGES, PART
from scheduling.materials.material import Material, MaterialKind
from scheduling.materials.reading import (
    find_material,
    list_materials,
    materials_of_case,
    page_file,
    read_page,
)
from scheduling.materials.renderer import LONGEST_SIDE, Refused, render
from scheduling.materials.rendering import REFUSALS, Rendered, Rendering
from scheduling.materials.store import MOST_UNFINISHED, MaterialStore
from scheduling.materials.uploading import Upload, add_part, begin_upload, clean_file_name, finish_upload
from scheduling.session import Session, SessionState
from scheduling.session_events import list_events
from scheduling.sessions.invitations import Invitee
from scheduling.sessions.sessions import move_session
from tests.clock import FixedClock
from tests.factories import World, find_invitation, make_link_actor, make_session, petitioner
from tests.scheduling.papers import PLACE, bomb, digest, pdf, photo


@dataclass
class Table:
    """One session with a petitioner, a companion and an official before it."""

    db: AsyncSession
    clock: FixedClock
    session: Session
    store: MaterialStore
    citizen: Actor
    companion: Actor
    official: Actor
    rendering: Rendering

    async def send(self, actor: Actor, content: bytes, upto: int | None = None, name: str = "x.jpg") -> int:
        """Parts from where it stands; returns how many bytes are there."""
        upload = Upload(digest(content), len(content))
        here = (await begin_upload(self.db, self.store, actor, self.session.id, upload)).received
        while here < (len(content) if upto is None else upto):
            part = content[here : here + PART]
            progress = await add_part(self.db, self.store, actor, self.session.id, upload, here, part)
            here = progress.received
        return here

    async def finish(self, actor: Actor, content: bytes, name: str = "x.jpg") -> Material:
        upload = Upload(digest(content), len(content))
        return await finish_upload(
            self.db, self.clock, self.store, self.rendering, actor, self.session.id, upload, name
        )

    async def bring(self, actor: Actor, content: bytes, name: str = "x.jpg") -> Material:
        await self.send(actor, content)
        return await self.finish(actor, content, name)


@pytest.fixture
async def table(db: AsyncSession, clock: FixedClock, world: World, tmp_path: Path) -> Table:
    companion = Invitee(InvitationRole.COMPANION, "李小红")
    session = await make_session(db, clock, world, invitees=(petitioner(), companion))
    (tmp_path / "materials").mkdir()
    store = MaterialStore(tmp_path / "materials", tmp_path / "materials-key.hex")
    holders = [
        await make_link_actor(db, clock, await find_invitation(db, session, role))
        for role in (InvitationRole.PETITIONER, InvitationRole.COMPANION)
    ]
    official = world.actor("chengguan.receptionist")
    return Table(db, clock, session, store, *holders, official, Rendering())


async def test_a_photo_and_a_pdf_become_pages_without_what_was_hidden_in_them(table: Table) -> None:
    picture = photo()
    assert PLACE in picture
    material = await table.bring(table.citizen, picture, "漏水.jpg")
    assert (material.kind, material.pages, material.sha256) == (MaterialKind.JPEG, 1, digest(picture))
    page = await read_page(table.store, material, 1)
    shown = Image.open(io.BytesIO(page))
    assert shown.size == (300, 400), "turned upright as its EXIF said"
    assert PLACE not in page and not shown.getexif(), "nothing but pixels"
    assert table.store.read(table.session.id, material.id, uploading.ORIGINAL) == picture
    three = await table.bring(table.official, pdf(), "答复.pdf")
    assert (three.kind, three.pages, three.of_office) == (MaterialKind.PDF, 3, True)
    colours = [Image.open(io.BytesIO(await read_page(table.store, three, n))) for n in (1, 2, 3)]
    assert [max(range(3), key=each.convert("RGB").getpixel((9, 9)).__getitem__) for each in colours] == [
        0,
        1,
        2,
    ]
    with pytest.raises(NotFound):
        await read_page(table.store, three, 4)
    events = [each for each in await list_events(table.db, table.session.id) if each.kind == "material.added"]
    assert [each.data["name"] for each in events] == ["漏水.jpg", "答复.pdf"]


async def test_nothing_of_it_lies_readable_on_the_disk(table: Table, tmp_path: Path) -> None:
    picture = photo()
    await table.send(table.companion, photo((1, 2, 3)))
    material = await table.bring(table.citizen, picture)
    files = [path.read_bytes() for path in (tmp_path / "materials").rglob("*") if path.is_file()]
    assert len(files) == 3 and not any(b"JFIF" in each or PLACE in each for each in files)
    folder = tmp_path / "materials" / table.session.id / material.id
    original = folder / uploading.ORIGINAL
    (folder / page_file(1)).write_bytes(original.read_bytes())  # Another file in its place.
    with pytest.raises(Conflict, match="material_damaged"):
        await read_page(table.store, material, 1)
    (tmp_path / "materials-key.hex").unlink()
    with pytest.raises(Conflict, match="material_key_missing"):
        await read_page(table.store, material, 1)


async def test_interrupted_at_99_percent_it_goes_on_and_repeated_it_is_the_same(table: Table) -> None:
    content = photo() + b"\0" * (3 * PART)  # A JPEG may be followed by anything; only its pixels are shown.
    upload, at = Upload(digest(content), len(content)), 3 * PART
    assert await table.send(table.citizen, content, upto=at) == at
    with pytest.raises(Conflict, match="upload_incomplete"):
        await table.finish(table.citizen, content)
    again = await add_part(
        table.db, table.store, table.citizen, table.session.id, upload, PART, content[PART : 2 * PART]
    )
    assert again.received == at, "a part that is here is answered as if it had come now"
    with pytest.raises(Conflict, match="part_out_of_order"):
        await add_part(table.db, table.store, table.citizen, table.session.id, upload, at + 1, b"x")
    for offset, part in ((-1, b"x"), (0, b""), (0, bytes(PART + 1)), (upload.size, b"x")):
        with pytest.raises(Invalid, match="bad_part"):
            await add_part(table.db, table.store, table.citizen, table.session.id, upload, offset, part)
    first = await table.bring(table.citizen, content)
    assert (
        await begin_upload(table.db, table.store, table.citizen, table.session.id, upload)
    ).material == first
    assert await table.finish(table.citizen, content, "别的名字.jpg") == first
    other = await table.bring(table.companion, content)
    assert other.id != first.id, "what somebody else brought is not told by a digest"


async def test_a_wrong_digest_is_found_and_forgotten(table: Table) -> None:
    content = photo()
    lie = Upload(digest(b"something else"), len(content))
    await add_part(table.db, table.store, table.citizen, table.session.id, lie, 0, content)
    with pytest.raises(Invalid, match="digest_wrong"):
        await finish_upload(
            table.db, table.clock, table.store, table.rendering, table.citizen, table.session.id, lie, "x"
        )
    assert (await begin_upload(table.db, table.store, table.citizen, table.session.id, lie)).received == 0
    line = (await table.db.scalars(select(AuditEntry).where(AuditEntry.action == "material.refused"))).one()
    assert (line.actor_id, line.detail) == (table.citizen.invitation_id, {"code": "digest_wrong"})


HOSTILE = {
    "html": (b"<html><script>alert(1)</script>", "not_allowed"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg"><script/></svg>', "not_allowed"),
    "polyglot": (b"GIF89a" + pdf(), "not_allowed"),
    "empty pdf": (b"%PDF-1.7\n<html>", "broken"),
    "cut photo": (photo(size=(900, 900))[:-1500], "broken"),
    "heic": (b"\0\0\0\x18ftypheic" + bytes(64), "heic"),
    "bomb": (bomb(), "too_many_pixels"),
    "wide": (bomb(9000), "too_many_pixels"),
    "zip": (b"PK\x03\x04" + bytes(64), "not_allowed"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_what_is_not_what_it_says_becomes_nothing(name: str) -> None:
    content, code = HOSTILE[name]
    with pytest.raises(Refused, match=code):
        render(content)
    assert REFUSALS[code].endswith("。")


def test_pdfs_with_a_password_or_too_many_pages_are_refused_and_large_ones_are_drawn_small() -> None:
    many = pypdfium2.PdfDocument.new()
    for _ in range(MOST_PAGES + 1):
        many.new_page(10, 10)
    out = io.BytesIO()
    many.save(out)
    with pytest.raises(Refused, match="too_many_pages"):
        render(out.getvalue())
    huge = pypdfium2.PdfDocument.new()
    huge.new_page(14_400, 200)
    out = io.BytesIO()
    huge.save(out)
    _, (page,) = render(out.getvalue())
    assert max(Image.open(io.BytesIO(page)).size) == LONGEST_SIDE


async def test_a_child_that_falls_or_hangs_harms_nobody(
    table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = bomb(), photo()
    with pytest.raises(Invalid, match="material_too_many_pixels"):
        await table.bring(table.citizen, bad)
    upload = Upload(digest(bad), len(bad))
    assert (await begin_upload(table.db, table.store, table.citizen, table.session.id, upload)).received == 0
    table.rendering = Rendering(seconds=0.01)
    with pytest.raises(Invalid, match="material_broken"):
        await table.bring(table.citizen, good)
    table.rendering = Rendering()
    table.rendering._waiting = 8
    await table.send(table.citizen, good)
    with pytest.raises(Conflict, match="materials_busy"):
        await table.finish(table.citizen, good)
    upload = Upload(digest(good), len(good))
    here = await begin_upload(table.db, table.store, table.citizen, table.session.id, upload)
    assert here.received == len(good), "who is asked to come again sends nothing twice"


async def test_guests_see_their_own_and_officials_all(table: Table, world: World) -> None:
    mine = await keep(table, table.citizen, b"mine")
    table.clock.advance(seconds=1)
    theirs = await keep(table, table.official, b"theirs")
    session_id = table.session.id
    assert list(await list_materials(table.db, table.citizen, session_id)) == [mine]
    assert list(await list_materials(table.db, table.companion, session_id)) == []
    city = world.actor("city.receptionist")
    assert list(await list_materials(table.db, city, session_id)) == [mine, theirs]
    assert list(await materials_of_case(table.db, city, table.session.petition_id)) == [mine, theirs]
    with pytest.raises(NotFound):
        await find_material(table.db, table.citizen, session_id, theirs.id)
    assert await find_material(table.db, table.citizen, session_id, theirs.id, shown=True) == theirs
    stranger = world.actor("xigu.receptionist")
    for refused in (list_materials, materials_of_case):
        if refused is materials_of_case:
            assert list(await refused(table.db, stranger, table.session.petition_id)) == []
        else:
            with pytest.raises(NotFound):
                await refused(table.db, stranger, session_id)
    with pytest.raises(NotFound):
        await begin_upload(table.db, table.store, stranger, session_id, Upload("0" * 64, 1))
    with pytest.raises(Forbidden):
        interpreter = Invitee(InvitationRole.INTERPRETER, "翻译")
        other = await make_session(table.db, table.clock, world, invitees=(interpreter,))
        holder = await make_link_actor(
            table.db, table.clock, await find_invitation(table.db, other, InvitationRole.INTERPRETER)
        )
        await begin_upload(table.db, table.store, holder, other.id, Upload("0" * 64, 1))


async def keep(table: Table, actor: Actor, content: bytes) -> Material:
    """A material without the child process."""
    draft = uploading.Draft(actor, table.session.id, "x.jpg", content, digest(content))
    return await uploading.keep_material(
        table.db, table.clock, table.store, draft, Rendered(MaterialKind.JPEG, [b"page"])
    )


async def test_ceilings_are_told_before_anything_is_sent(
    table: Table, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    async def refuse(code: str, upload: Upload) -> str:
        with pytest.raises(RuleError) as caught:
            await begin_upload(table.db, table.store, table.citizen, table.session.id, upload)
        assert caught.value.code == code
        return caught.value.message

    assert "最大 20 MB" in await refuse("material_too_large", Upload("0" * 64, LARGEST + 1))
    await refuse("bad_upload", Upload("../../etc/passwd", 10))
    await refuse("bad_upload", Upload("0" * 64, 0))
    for number in range(MOST_UNFINISHED + 2):
        await table.send(table.citizen, bytes([number]) * 10)
    unfinished = [each for each in (tmp_path / "materials" / "unfinished").glob("*/*")]
    assert len(unfinished) == MOST_UNFINISHED, "the oldest gave way"
    monkeypatch.setattr(uploading, "MOST_OF_OWNER", 1)
    await keep(table, table.citizen, b"one")
    assert "不能再多" in await refuse("materials_full", Upload("0" * 64, 10))
    monkeypatch.setattr(uploading, "SESSION_BYTES", 12)
    with pytest.raises(Conflict, match="materials_full"):
        await begin_upload(table.db, table.store, table.official, table.session.id, Upload("0" * 64, 10))
    await move_session(table.db, table.clock, SYSTEM, table.session.id, SessionState.CANCELLED, "改期")
    await refuse("session_over", Upload("0" * 64, 10))


def test_names_are_text_and_never_a_path() -> None:
    assert clean_file_name("../../etc/passwd") == "passwd"
    assert clean_file_name("C:\\x\\合同.pdf") == "合同.pdf"
    assert clean_file_name("<img onerror=x>\u202efdp.exe\0") == "<img onerror=x>fdp.exe"
    assert clean_file_name("e" + "\u0301" * 10_000) == "é" + "\u0301" * 3
    assert clean_file_name("\u200b\u202e") == "没有名称的材料"
    assert len(clean_file_name("长" * 4000)) == 64
