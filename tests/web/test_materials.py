"""The pages of materials: a phone sends a photo in parts, the desk sees it, strangers see nothing."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import aiohttp

from scheduling.materials.limits import PART
from tests.scheduling.papers import bomb, digest, photo
from tests.web.conftest import Browser, House
from tests.web.test_links import Given, make_link
from web.notice import current_notice

HOST = "chengguan.receptionist"
BOOT = re.compile(r'id="boot">(.*?)</script>', re.S)


@dataclass
class Sender:
    """A browser on the page of materials."""

    browser: Browser
    base: str
    token: str

    async def post(self, path: str, **options: Any) -> aiohttp.ClientResponse:
        headers = {"X-CSRF-Token": self.token, "Accept": "application/json"} | options.pop("headers", {})
        return await self.browser.post(self.base + path, headers=headers, **options)

    async def send(self, content: bytes, name: str = "照片.jpg") -> tuple[int, dict[str, Any]]:
        about = {"digest": digest(content), "size": len(content), "name": name}
        answer = await self.post("", json=about)
        if answer.status == 200:
            path = f"/{about['digest']}/parts?size={len(content)}&offset=0"
            answer = await self.post(path, data=content)
            assert (answer.status, (await answer.json())["received"]) == (200, len(content))
            answer = await self.post("", json=about | {"done": True})
        return answer.status, await answer.json()


async def open_page(browser: Browser, base: str) -> Sender:
    boot = BOOT.search(await (await browser.get(base)).text())
    assert boot is not None
    return Sender(browser, base, json.loads(boot[1])["csrf_token"])


async def citizen(house: House, given: Given) -> Browser:
    phone, notice = house.browser(), current_notice()
    await given.exchange(phone)
    assert (await phone.get(f"/j/{given.code}/materials")).headers["Location"].endswith("/notice")
    agreed = {"version": notice.version, "digest": notice.digest, "decision": "agree"}
    assert (await phone.send(f"/j/{given.code}/notice", f"/j/{given.code}/notice", **agreed)).status == 303
    return phone


async def test_a_photo_from_the_phone_reaches_the_desk(house: House) -> None:
    given = await make_link(house)
    phone = await citizen(house, given)
    mine = await open_page(phone, f"/j/{given.code}/materials")
    status, told = await mine.send(photo(), "<img onerror=x>\u202e漏水.jpg")
    assert status == 200
    material = told["material"]
    assert material["name"] == "<img onerror=x>漏水.jpg" and material["pages"] == 1
    picture = await phone.get(material["picture"] + "1")
    assert picture.status == 200 and (await picture.read()).startswith(b"\xff\xd8\xff")
    assert picture.headers["Content-Type"] == "image/jpeg"
    assert picture.headers["Cache-Control"] == "no-store"
    assert picture.headers["X-Content-Type-Options"] == "nosniff"
    assert "&lt;img onerror=x&gt;漏水.jpg" in await (await phone.get(mine.base)).text()
    host = await house.official(HOST)
    for page in (f"/sessions/{given.session_id}/materials",):
        assert "&lt;img onerror=x&gt;漏水.jpg" in await (await host.get(page)).text()
    listed = await host.get(f"/sessions/{given.session_id}/materials", headers={"Accept": "application/json"})
    (seen,) = (await listed.json())["materials"]
    assert (await host.get(seen["picture"] + "1")).status == 200
    assert (await host.get(seen["picture"] + "2")).status == 404
    status, _ = await (await open_page(host, f"/sessions/{given.session_id}/materials")).send(
        photo((1, 2, 3)), "答复.jpg"
    )
    assert status == 200
    assert "答复.jpg" not in await (await phone.get(mine.base)).text(), "not before it is shown"
    case = re.search(
        r'href="(/cases/[0-9a-f]+)"', await (await host.get(f"/sessions/{given.session_id}")).text()
    )
    assert case is not None
    assert "答复.jpg" in await (await host.get(case[1])).text()


async def test_what_is_sent_badly_is_refused_in_words(house: House) -> None:
    given = await make_link(house)
    mine = await open_page(await citizen(house, given), f"/j/{given.code}/materials")
    for content, code in (
        (b"<html><script>alert(1)</script>", "material_not_allowed"),
        (bomb(), "material_too_many_pixels"),
    ):
        status, told = await mine.send(content, "照片.jpg")
        assert (status, told["error"]["code"]) == (422, code) and told["error"]["message"].endswith("。")
    known = digest(b"x")
    for path, options, status in (
        ("", {"json": {"digest": known, "size": 10**9}}, 422),
        ("", {"json": {"digest": ["x"], "size": True}}, 422),
        ("", {"data": b"{", "headers": {"Content-Type": "application/json"}}, 422),
        (f"/{known}/parts?size=1&offset=x", {"data": b"x"}, 422),
        (f"/{known}/parts?size={2 * PART}&offset=0", {"data": bytes(PART + 1)}, 422),
        (f"/{known}/parts?size={2 * PART}&offset={PART}", {"data": b"x"}, 409),
        ("/..%2f..%2fx/parts?size=1&offset=0", {"data": b"x"}, 422),
        ("", {"json": {}, "headers": {"X-CSRF-Token": "wrong"}}, 403),
        ("", {"json": {}, "headers": {"Origin": "https://evil.example"}}, 403),
    ):
        answer = await mine.post(path, **options)
        assert answer.status == status, (path, answer.status, await answer.text())


async def test_strangers_find_nothing(house: House) -> None:
    given = await make_link(house)
    mine = await open_page(await citizen(house, given), f"/j/{given.code}/materials")
    _, told = await mine.send(photo())
    picture = f"/sessions/{given.session_id}/materials/{told['material']['id']}/pages/1"
    assert (await (await house.official("xigu.receptionist")).get(picture)).status == 404
    assert (await house.browser().get(told["material"]["picture"] + "1")).status == 403
    assert (await house.browser().get(mine.base)).status == 403
    answer = await house.browser().post(mine.base, json={"digest": digest(b"x"), "size": 1})
    assert answer.status == 403
    other = await make_link(house)
    theirs = await citizen(house, other)
    wrong = told["material"]["picture"].replace(given.code, other.code)
    assert (await theirs.get(wrong + "1")).status == 404
