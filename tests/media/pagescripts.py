"""The product's own modules in the page of a ChromiumPeer."""

from __future__ import annotations

from pathlib import Path

from playwright.async_api import Route

from tests.media.chromium import ChromiumPeer

MODULES = Path(__file__).resolve().parents[2] / "web" / "static"
WATCH = """import("/js/media/network.js").then(({watchNetwork}) => watchNetwork({
  publisher: {get connection() { return window.publishing || null; }},
  subscriber: {get connection() { return window.subscribing || null; }, described: [1]},
  tellQuality: () => true,
}, () => {}))"""


async def watch_network(peer: ChromiumPeer) -> None:
    """Measure once a second as our pages do, and let received media wait when packets are lost."""

    async def serve(route: Route) -> None:
        path = MODULES / route.request.url.split("/", 3)[3]
        await route.fulfill(body=path.read_text(), content_type="text/javascript")

    await peer.page.route("**/js/**", serve)
    await peer.page.evaluate(WATCH)
