"""The language an official chose comes with them to every computer, and stays with nobody else's."""

from __future__ import annotations

import pytest

from cases.errors import Invalid, SignInRequired
from cases.people import Official
from cases.policy import ANONYMOUS
from cases.preferences import keep_language
from tests.web.conftest import House
from web.language import COOKIE

ENGLISH, CHINESE = '<html lang="en">', '<html lang="zh-CN">'


async def test_the_language_of_an_official_comes_along(house: House) -> None:
    desk = await house.official("chengguan.receptionist")
    assert CHINESE in await (await desk.get("/board")).text()
    changed = await desk.send("/board", "/language", language="en", next="/cases")
    assert (changed.status, changed.headers["Location"]) == (303, "/cases")
    page = await (await desk.get("/cases")).text()
    assert ENGLISH in page and "<h1>Petitions</h1>" in page and "Register a petition" in page
    elsewhere = await house.official("chengguan.receptionist")
    assert ENGLISH in await (await elsewhere.get("/board")).text()
    other = await house.official("chengguan.archivist")
    assert CHINESE in await (await other.get("/board")).text()
    await elsewhere.send("/board", "/signout")
    assert elsewhere.cookie(COOKIE) == ""
    assert CHINESE in await (await elsewhere.get("/signin")).text()


async def test_only_officials_and_only_known_languages_are_kept(house: House) -> None:
    async with house.database.session() as db:
        with pytest.raises(SignInRequired):
            await keep_language(db, ANONYMOUS, "en")
        with pytest.raises(Invalid):
            await keep_language(db, house.world.actor("chengguan.receptionist"), "xx")
        official = await db.get_one(Official, house.world.officials["chengguan.receptionist"].id)
        assert official.language is None
