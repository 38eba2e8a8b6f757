"""Real Chromium for the scenarios: one browser process, one context with own cookies for each party."""

from __future__ import annotations

import asyncio
import shutil
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Error, Page, async_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
NO_CHROMIUM = "chromium is not installed: real browsers did NOT run"
PHONE = {"width": 390, "height": 844}
DESKTOP = {"width": 1440, "height": 900}
CROWDED = 3.0
# The window about each page makes two pages of its own ready, for suggestions beneath a line for addresses
# that nobody sees here: a second of processor time for each window. A process kept ready for the page that
# comes next is thrown away as often as used: a sixth of what pages cost. Of such switches the last counts,
# so what Playwright turns off stands here again (tests/test_browsers.py).
TURNED_OFF = (
    *("WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "WebUIOmniboxFullPopup", "PreloadTopChromeWebUI"),
    "SpareRendererForSitePerProcess",
    *("AvoidUnnecessaryBeforeUnloadCheckSync", "DestroyProfileOnBrowserClose", "HttpsUpgrades"),
    *("HttpsFirstBalancedModeAutoEnable", "LensOverlay", "MediaRouter", "PaintHolding", "AimEnabled"),
    *("ThirdPartyStoragePartitioning", "AvoidCorsURLLoaderRestartOnRedirect", "TcpPortRandomizationWin"),
    *("OptimizationHints", "NetworkTimeServiceQuerying", "PreconnectToSearch", "msForceBrowserSignIn"),
    "msEdgeUpdateLaunchServicesPreferredVersion",
)
NO_SUGGESTIONS = f"--disable-features={','.join(TURNED_OFF)}"
AS_DESKS = "--autoplay-policy=no-user-gesture-required"
AS_PHONES = "--autoplay-policy=document-user-activation-required"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # Pictures and sound of a synthetic camera and microphone, granted without a prompt.
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    AS_DESKS,
    NO_SUGGESTIONS,
    # Parties in the background of one machine must not be slowed down.
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-background-timer-throttling",
]

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason=NO_CHROMIUM)


@asynccontextmanager
async def chromium(taps: bool = False, port: int = 0) -> AsyncIterator[Browser]:
    """A running headless browser; with `taps` it plays sound only where somebody tapped, as phones do.

    By `port`, where one is named, others connect to it as well (tests/shared_chromium.py).
    """
    arguments = [AS_PHONES if taps and each == AS_DESKS else each for each in ARGUMENTS]
    arguments += [f"--remote-debugging-port={port}"] if port else []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, headless=True, args=arguments)
        try:
            yield browser
        finally:
            await browser.close()


# The end of a replaced getUserMedia: a microphone with one tone, and what was made goes out.
TONE_AND_END = """  if (wanted.audio) {
    const context = new AudioContext(), tone = context.createOscillator(), quiet = context.createGain();
    const out = context.createMediaStreamDestination();
    tone.frequency.value = %(tone)d;
    quiet.gain.value = 0.2;
    tone.connect(quiet).connect(out);
    tone.start();
    tracks.push(...out.stream.getTracks());
  }
  return new MediaStream(tracks);
};
"""
# A camera of one colour with a moving hand, and a microphone with one tone: who is who can be measured later.
RECOGNISABLE = (
    """
navigator.mediaDevices.getUserMedia = async (wanted) => {
  const rear = Boolean(wanted.video && wanted.video.facingMode && wanted.video.facingMode.exact);
  const [r, g, b] = rear ? %(paper)s : %(colour)s, tracks = [];
  if (wanted.video) {
    const canvas = Object.assign(document.createElement("canvas"), {width: 640, height: 360});
    const pen = canvas.getContext("2d");
    let turn = 0;
    setInterval(() => {
      pen.fillStyle = `rgb(${r}, ${g}, ${b})`;
      pen.fillRect(0, 0, 640, 360);
      pen.fillStyle = "white";
      pen.fillRect(300 + 200 * Math.sin(turn += 0.2), 20, 40, 60);
    }, 66);
    tracks.push(...canvas.captureStream(15).getTracks());
  }
"""
    + TONE_AND_END
)


@dataclass(frozen=True)
class Devices:
    """What a party's camera shows (red, green, blue), its rear camera, and its microphone hears (hertz)."""

    colour: tuple[int, int, int]
    tone: int
    paper: tuple[int, int, int] = (230, 220, 120)


async def new_context(
    browser: Browser, phone: bool = False, devices: Devices | None = None
) -> BrowserContext:
    """One party's browser: own cookies, own window size, Chromium's fake devices or recognisable ones."""
    context = await browser.new_context(
        viewport=PHONE if phone else DESKTOP,
        is_mobile=phone,
        has_touch=phone,
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
    )
    if devices:
        parts = {"colour": list(devices.colour), "tone": devices.tone, "paper": list(devices.paper)}
        script = RECOGNISABLE % parts
        await context.add_init_script(script)
    return context


async def state_purpose(page: Page) -> None:
    """On a replay page that asks why it is played: say so, and wait for the film's page."""
    await page.locator("#purpose [name=kind]").select_option("procedure")
    async with page.expect_navigation():
        await page.locator("#purpose [type=submit]").click()


def collect_errors(page: Page, errors: list[str]) -> None:
    """Note uncaught exceptions and policy violations of a page; a test asks that there are none."""

    def note(message: ConsoleMessage) -> None:
        if "Content Security Policy" in message.text:
            errors.append(f"console {message.text}")

    page.on("pageerror", lambda error: errors.append(f"pageerror {error}"))
    page.on("console", note)


async def diagnostics(page: Page, name: str) -> Any:
    """A field of the page's read-only `window.lianxin`; None before it exists."""
    return await _ask(page, f"window.lianxin ? window.lianxin.{name} : null")


async def inbound(page: Page) -> list[dict[str, Any]]:
    """getStats of what this page receives, one entry for each remote track, named by participant."""
    return await _ask(page, "window.lianxin ? window.lianxin.stats() : []") or []


async def _ask(page: Page, expression: str) -> Any:
    """Evaluate; a page that is just being left or entered has nothing to say yet."""
    try:
        return await page.evaluate(expression)
    except Error as error:
        if "navigation" in error.message or "context was destroyed" in error.message:
            return None
        raise


def received_parties(stats: list[dict[str, Any]]) -> tuple[set[str], set[str]]:
    """Participants whose picture was decoded and participants whose sound has energy."""
    seen = {s["participant_id"] for s in stats if s["kind"] == "video" and s["framesDecoded"] > 0}
    heard = {s["participant_id"] for s in stats if s["kind"] == "audio" and s["totalAudioEnergy"] > 0}
    return seen, heard


class Patience:
    """How long to wait for something, in seconds of a machine that gives us our turns.

    Of each round, a look and the pause after it, no more is counted than twice the pause; all in all it lasts
    at most CROWDED times as long. On a quiet machine these are simply seconds.
    """

    def __init__(self, timeout: float, pause: float) -> None:
        self.left, self.at_most = timeout, CROWDED * timeout
        self._pause = pause

    def spend(self, seconds: float) -> None:
        """One round took that long."""
        self.left -= min(seconds, 2 * self._pause)
        self.at_most -= seconds

    def __bool__(self) -> bool:
        return self.left > 0 and self.at_most > 0


async def until(condition: Callable[[], Any], timeout: float, what: str, every: float = 0.1) -> Any:
    """Wait for an (async) condition to be true; fails with the last value seen, in words. See Patience."""
    patience = Patience(timeout, every)
    value: Any = None
    while patience:
        began = time.monotonic()
        value = condition()
        if asyncio.iscoroutine(value):
            value = await value
        if value:
            return value
        await asyncio.sleep(every)
        patience.spend(time.monotonic() - began)
    raise AssertionError(f"within {timeout} s not seen: {what} (last: {value!r})")
