"""Who it is, by an account elsewhere: out to the provider and back, with a provider of the gallery's own."""

from __future__ import annotations

import html
import tempfile
from dataclasses import replace
from pathlib import Path

from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.gallery.house import Street
from tests.web.test_oidc import CLIENT, ISSUER, SECRET, Provider
from web.keys import SETTINGS
from web.setting_groups import OidcSettings

# As providers draw it, in the least words; it is no page of ours.
PAGE = (
    '<!doctype html><html lang="zh-CN"><meta charset="utf-8"><meta name="viewport" '
    'content="width=device-width, initial-scale=1"><title>演示：统一身份认证</title>'
    "<body><h1>演示：统一身份认证</h1><p>「视频接访」想知道您的姓名。</p>"
    '<p><a id="yes" href="{0}">同意</a></p><p><a id="no" href="{1}">不同意</a></p></body></html>'
)

# A key, whose account it is, what is pictured.
WAYS = (("no", "", "没有同意"), ("other", "王小明", "别人的账号"), ("yes", "李德福", "核验了"))


async def elsewhere(them: Street) -> None:
    """The way out, the provider's page, not agreed there, somebody else's account, and the right one."""
    with tempfile.TemporaryDirectory(prefix="lxgallery") as folder:
        provider = Provider(Path(folder) / "keys.json", now=them.house.clock.now().timestamp())
        provider.publish()

        async def authorize(request: web.Request) -> web.Response:
            address, back = str(request.url), request.query["redirect_uri"]
            yes = back.partition("/identity")[0] + provider.sign_in(address)
            no = f"{back}?error=access_denied&state={request.query['state']}"
            return web.Response(text=PAGE.format(html.escape(yes), html.escape(no)), content_type="text/html")

        app = web.Application()
        app.router.add_get("/authorize", authorize)
        app.router.add_post("/token", provider.give_token)
        async with TestServer(app, host="127.0.0.1") as server:
            base = str(server.make_url("/"))
            keys = str(provider.keys)
            oidc = OidcSettings(f"{base}authorize", f"{base}token", ISSUER, CLIENT, SECRET, keys)
            state = them.house.server.app._state  # type: ignore[union-attr]
            state[SETTINGS] = replace(state[SETTINGS], oidc=oidc)
            await walk(them, provider)


async def walk(them: Street, provider: Provider) -> None:
    given = await them.link()
    page, path = await them.holder(given), f"/j/{given.code}"
    for key, name, words in WAYS:
        await page.goto(f"{them.base}{path}/identity")
        await page.locator("a[href$='/identity/provider']").click()
        await page.locator("#yes").wait_for()
        if key == "no":
            await them.hang(page, "provider", "政务服务网：它自己的页面")
        provider.claims = {"name": name, "sub": "1"}
        await page.locator("#no" if key == "no" else "#yes").click()
        await page.wait_for_url("**/notice" if key == "yes" else "**/identity/proof*")
        await them.hang(page, f"provider-{key}", f"账号核验：{words}")
