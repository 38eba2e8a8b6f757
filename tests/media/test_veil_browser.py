"""The altered voice in a real browser, rendered: the tone that goes in does not come out."""

from __future__ import annotations

from pathlib import Path

import pytest
from aiohttp import web

from tests.media.chromium import CHROMIUM
from tests.scenarios.browsers import chromium
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


async def empty_page(request: web.Request) -> web.Response:
    return web.Response(text="<title>x</title>", content_type="text/html")


async def test_pitch_and_formants_move_and_nothing_of_the_tone_is_left() -> None:
    app = web.Application()
    app.router.add_static("/js", MODULES)
    app.router.add_get("/", empty_page)
    runner = web.AppRunner(app)
    await runner.setup()
    port = free_port(1)
    await web.TCPSite(runner, "127.0.0.1", port).start()
    try:
        async with chromium() as browser:
            page = await browser.new_page()
            await page.goto(f"http://127.0.0.1:{port}/")
            for tone in (500, 1200):
                for ratio in (0.7, 1.4):
                    found = await page.evaluate(RENDER, [tone, ratio])
                    assert found["shifted"] > 0.25, (tone, ratio, found)
                    assert found["original"] < found["shifted"] / 8, (tone, ratio, found)
            ratios = await page.evaluate(RATIOS)
            assert all(0.68 <= ratio <= 0.8 or 1.3 <= ratio <= 1.55 for ratio in ratios)
            assert len(set(ratios)) > 400
    finally:
        await runner.cleanup()
