"""The altered voice in a real browser, rendered: the tone that goes in does not come out."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from playwright.async_api import Browser, Page

from tests.media.chromium import CHROMIUM
from tests.scenarios.service import free_port

MODULES = Path(__file__).parents[2] / "web" / "static" / "js"
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).exists(), reason="/usr/bin/chromium is not installed"),
]
# Loudness at the tone, at the tone times the ratio, and the same before: Goertzel over the last second.
RENDER = """async ([tone, ratio]) => {
  const { shift } = await import("/js/media/veil.js");
  const context = new OfflineAudioContext(1, 3 * 48000, 48000);
  const source = new OscillatorNode(context, { frequency: tone });
  const shifter = shift(context, ratio);
  source.connect(shifter.input);
  shifter.output.connect(context.destination);
  source.start();
  const samples = (await context.startRendering()).getChannelData(0).slice(96000);
  const loudness = (frequency) => {
    let real = 0, imaginary = 0;
    samples.forEach((sample, at) => {
      real += sample * Math.cos(2 * Math.PI * frequency * at / 48000);
      imaginary += sample * Math.sin(2 * Math.PI * frequency * at / 48000);
    });
    return 2 * Math.hypot(real, imaginary) / samples.length;
  };
  const around = Array.from({ length: 61 }, (_, at) => at - 30);
  const near = (frequency) => Math.max(...around.map((off) => loudness(frequency + off)));
  return { original: near(tone), shifted: near(tone * ratio) };
}"""
RATIOS = """async () => {
  const { drawRatio } = await import("/js/media/veil.js");
  return Array.from({ length: 500 }, drawRatio);
}"""


# Covered and shown again, as the page of the screened person does it; `told` stands in for the server.
COVER = """async () => {
  const { Capture } = await import("/js/media/capture.js");
  const veil = await import("/js/media/veil.js");
  const capture = new Capture({ camera: "device" });
  await capture.open();
  const [voice, face] = ["microphone", "camera"].map((source) => capture.tracks.get(source));
  const sent = [], told = [];
  capture.on("changed", ({ source, track }) => sent.push([source, track.id === voice.id]));
  const call = { myself: { veiled: true }, command: async (name) => told.push([name, sent.length]) };
  await veil.set(call, capture, true);
  const same = capture.tracks.get("microphone").id === voice.id;
  const covered = { voice: same, face: face.readyState, told, sent: [...sent] };
  await veil.set(call, capture, false);
  const given = capture.tracks;
  const shown = [...given.values()].map((track) => [track.readyState, track.muted]);
  const altered = given.get("microphone").label.includes("Destination");
  return { covered, shown, told: told.length, altered };
}"""


async def empty_page(request: web.Request) -> web.Response:
    return web.Response(text="<title>x</title>", content_type="text/html")


@asynccontextmanager
async def page_of_modules(chrome: Browser) -> AsyncIterator[Page]:
    """An empty page from where the modules can be imported."""
    app = web.Application()
    app.router.add_static("/js", MODULES)
    app.router.add_get("/", empty_page)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port(socket.SOCK_STREAM)
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        page = await chrome.new_page()
        await page.goto(f"http://127.0.0.1:{port}/")
        yield page
    finally:
        await runner.cleanup()


async def test_pitch_and_formants_move_and_nothing_of_the_tone_is_left(chrome: Browser) -> None:
    async with page_of_modules(chrome) as page:
        for tone in (500, 1200):
            for ratio in (0.7, 1.4):
                found = await page.evaluate(RENDER, [tone, ratio])
                assert found["shifted"] > 0.25, (tone, ratio, found)
                assert found["original"] < found["shifted"] / 8, (tone, ratio, found)
        ratios = await page.evaluate(RATIOS)
        assert all(0.68 <= ratio <= 0.8 or 1.3 <= ratio <= 1.55 for ratio in ratios)
        assert len(set(ratios)) > 400


async def test_the_page_alters_before_it_says_so_and_gives_everything_back(chrome: Browser) -> None:
    async with page_of_modules(chrome) as page:
        found = await page.evaluate(COVER)
    covered = found["covered"]
    assert covered["voice"] is False and covered["face"] == "ended"
    # The altered track was handed on before the server was told, and nothing else was.
    assert covered["sent"] == [["microphone", False]] and covered["told"] == [["voice_altered", 1]]
    assert found["shown"] == [["live", False], ["live", False]]
    assert found["told"] == 1 and not found["altered"]
