"""A participant that is a page in a real Chromium, driven by the control messages of a worker."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

from aiohttp import web
from playwright.async_api import Browser, Page, async_playwright

from media.control import (
    AcceptOffer,
    AddParticipant,
    ControlError,
    CreateRoom,
    LayersWanted,
    OfferMade,
    Publish,
    Subscribe,
)
from tests.media.peers import Controller
from tests.scenarios.browsers import NO_SUGGESTIONS

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    NO_SUGGESTIONS,
]
PAGE = """<!doctype html><title>peer</title><body><script>
window.frames_of = {};
window.publish = async (codec, width, height, layers = 0) => {
  window.stream = window.stream || await navigator.mediaDevices.getUserMedia({
    audio: true, video: {width, height, frameRate: 25}});
  const pc = window.publishing = new RTCPeerConnection({bundlePolicy: "max-bundle"});
  for (const track of stream.getTracks()) {
    const init = {direction: "sendonly", streams: [stream]};
    if (track.kind === "video" && layers)
      init.sendEncodings = [["q", 4, 150000], ["h", 2, 400000], ["f", 1, 1200000]].slice(-layers).map(
        ([rid, scaleResolutionDownBy, maxBitrate]) => ({rid, scaleResolutionDownBy, maxBitrate}));
    const transceiver = pc.addTransceiver(track, init);
    if (track.kind === "video" && codec) {
      const all = RTCRtpSender.getCapabilities("video").codecs;
      const wanted = all.filter(c => c.mimeType.toLowerCase() === "video/" + codec);
      transceiver.setCodecPreferences(wanted.concat(all.filter(c => !wanted.includes(c))));
    }
  }
  await pc.setLocalDescription();
  const sources = {};
  for (const t of pc.getTransceivers())
    sources[t.mid] = t.sender.track.kind === "audio" ? "microphone" : "camera";
  const answer = await control("publish", {sdp: pc.localDescription.sdp, sources});
  await pc.setRemoteDescription({type: "answer", sdp: answer});
};
window.limit = (rids) => {
  const sender = window.publishing.getSenders().find(({track}) => track?.kind === "video");
  const parameters = sender.getParameters();
  for (const encoding of parameters.encodings) encoding.active = rids.includes(encoding.rid);
  return sender.setParameters(parameters);
};
window.restart = () => { if (window.subscribing) window.subscribing.close(); window.subscribing = null; };
window.take = async (sdp) => {
  if (!window.subscribing) {
    const pc = window.subscribing = new RTCPeerConnection({bundlePolicy: "max-bundle"});
    pc.ontrack = ({track}) => {
      const element = document.createElement(track.kind);
      element.autoplay = true; element.muted = track.kind === "video";
      element.srcObject = new MediaStream([track]);
      document.body.append(element);
    };
  }
  const pc = window.subscribing;
  await pc.setRemoteDescription({type: "offer", sdp});
  await pc.setLocalDescription();
  return pc.localDescription.sdp;
};
window.received = async () => {
  const found = [];
  if (!window.subscribing) return found;
  (await window.subscribing.getStats()).forEach(r => { if (r.type === "inbound-rtp") found.push({
    kind: r.kind, mid: r.mid, frames: r.framesDecoded || 0, energy: r.totalAudioEnergy || 0,
    lost: r.packetsLost,
    packets: r.packetsReceived, width: r.frameWidth || 0, nack: r.nackCount, pli: r.pliCount,
    again: r.retransmittedPacketsReceived || 0, rate: r.framesPerSecond || 0,
    freezes: r.freezeCount, samples: r.totalSamplesReceived, dropped: r.framesDropped}); });
  return found;
};
window.sent = async () => {
  const found = [];
  (await window.publishing.getStats()).forEach(r => { if (r.type === "outbound-rtp") found.push({
    kind: r.kind, bytes: r.bytesSent, target: r.targetBitrate, width: r.frameWidth, frames: r.framesEncoded,
    rid: r.rid || "", nack: r.nackCount, pli: r.pliCount, limit: r.qualityLimitationReason}); });
  return found;
};
</script>"""


class ChromiumPeer:
    """Answers its own offers; register it with the Controller like any peer."""

    def __init__(self, controller: Controller, page: Page, room_id: str, participant_id: str) -> None:
        self.controller = controller
        self.page = page
        self.room_id = room_id
        self.participant_id = participant_id
        self.tracks: dict[str, dict[str, str]] = {}
        # May change the server's SDP on its way to the page.
        self.rewrite: Callable[[str], str] = str

    async def enter(self) -> None:
        client = self.controller.client
        await client.request(CreateRoom(room_id=self.room_id))
        await client.request(AddParticipant(room_id=self.room_id, participant_id=self.participant_id))
        await self.page.expose_function("control", self._control)
        self.controller.peers[self.participant_id] = self

    async def _control(self, verb: str, fields: dict) -> str:
        names = {"room_id": self.room_id, "participant_id": self.participant_id}
        request = Publish(**names, offer_sdp=fields["sdp"], sources=fields["sources"])
        return self.rewrite((await self.controller.client.request(request))["answer_sdp"])

    async def publish(self, codec: str = "vp8", width: int = 640, height: int = 360, layers: int = 0) -> None:
        await self.page.evaluate("a => publish(...a)", [codec, width, height, layers])

    async def subscribe(self) -> None:
        await self.page.evaluate("restart()")
        names = {"room_id": self.room_id, "participant_id": self.participant_id}
        await self.controller.client.request(Subscribe(**names))

    async def answer(self, offer: OfferMade) -> None:
        self.tracks = {track["mid"]: track for track in offer.tracks}
        sdp = await self.page.evaluate("sdp => take(sdp)", self.rewrite(offer.offer_sdp))
        names = {"room_id": self.room_id, "participant_id": self.participant_id}
        request = AcceptOffer(**names, offer_id=offer.offer_id, answer_sdp=sdp)
        try:
            await self.controller.client.request(request)
        except ControlError as error:
            # On a crowded machine the page takes longer than the worker's patience: it has offered again.
            if error.code != "stale_offer":
                raise

    async def obey(self) -> None:
        """Send the layers that the worker wants, as signaling and our pages do; runs until cancelled."""
        done = 0
        while True:
            told = self.controller.of(LayersWanted, participant_id=self.participant_id)
            for event in told[done:]:
                await self.page.evaluate("rids => limit(rids)", event.rids)
            done = len(told)
            await asyncio.sleep(0.02)

    async def received(self) -> list[dict]:
        return await self.page.evaluate("received()")

    async def sent(self) -> list[dict]:
        return await self.page.evaluate("sent()")

    async def has_media(self, pictures: int, sounds: int) -> bool:
        streams = await self.received()
        seen = [s for s in streams if s["kind"] == "video" and s["frames"] > 0]
        heard = [s for s in streams if s["kind"] == "audio" and s["energy"] > 0]
        return len(seen) >= pictures and len(heard) >= sounds

    async def wait_for_media(self, pictures: int = 1, sounds: int = 1, timeout: float = 15) -> None:
        async with asyncio.timeout(timeout):
            while not await self.has_media(pictures, sounds):  # noqa: ASYNC110 - only the page knows
                await asyncio.sleep(0.03)

    async def close(self) -> None:
        self.controller.peers.pop(self.participant_id, None)
        await self.page.close()


@contextlib.asynccontextmanager
async def chromium() -> AsyncIterator[tuple[Browser, str]]:
    """A browser and the address of the peer page."""
    application = web.Application()

    async def no_icon(request: web.Request) -> web.Response:
        return web.Response(status=204)

    async def peer_page(request: web.Request) -> web.Response:
        return web.Response(text=PAGE, content_type="text/html")

    application.router.add_get("/", peer_page)
    application.router.add_get("/favicon.ico", no_icon)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    try:
        async with async_playwright() as playwright:
            browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            try:
                yield browser, f"http://127.0.0.1:{port}/"
            finally:
                await browser.close()
    finally:
        await runner.cleanup()
