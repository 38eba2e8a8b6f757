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

REDUNDANCY = """() => {
  const add = RTCPeerConnection.prototype.addTransceiver;
  RTCPeerConnection.prototype.addTransceiver = function (track, init) {
    const transceiver = add.call(this, track, init);
    const {codecs} = RTCRtpSender.getCapabilities(track.kind);
    const isRed = codec => codec.mimeType === "audio/red";
    if (track.kind === "audio")
      transceiver.setCodecPreferences([...codecs.filter(isRed), ...codecs.filter(codec => !isRed(codec))]);
    return transceiver;
  };
}"""


async def ask_for_redundancy(peer: ChromiumPeer) -> None:
    """Sound repeats itself (RED) where both ends agree; call it before `publish`."""
    await peer.page.evaluate(REDUNDANCY)


async def watch_network(peer: ChromiumPeer) -> None:
    """Measure once a second as our pages do, and let received media wait when packets are lost."""

    async def serve(route: Route) -> None:
        path = MODULES / route.request.url.split("/", 3)[3]
        await route.fulfill(body=path.read_text(), content_type="text/javascript")

    await peer.page.route("**/js/**", serve)
    await peer.page.evaluate(WATCH)
