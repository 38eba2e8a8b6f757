"""Chromium as the bench uses it: who comes in by a personal link, and what their page noted meanwhile."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

PATIENCE = 60_000  # milliseconds
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--disable-background-timer-throttling",
]
# Notes when what went out and came in; on the first page of a link it presses the button.
WITNESS = """
(() => {
  const marks = window.marks = [];
  const mark = (name) => marks.push([name, performance.timeOrigin + performance.now()]);
  window.WebSocket = class extends WebSocket {
    constructor(...rest) {
      super(...rest);
      mark("socket asked");
      this.addEventListener("open", () => mark("socket open"));
      this.addEventListener("message", (event) => mark("< " + JSON.parse(event.data).type));
    }
    send(text) { mark("> " + JSON.parse(text).type); super.send(text); }
  };
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...rest) {
      super(...rest);
      mark("connection made");
      this.addEventListener("track", () => this.receives = true);
      this.addEventListener("connectionstatechange", () => {
        if (this.receives) mark("subscribe " + this.connectionState);
      });
    }
  };
  document.addEventListener("DOMContentLoaded", () => {
    const start = document.querySelector("[data-screen=landing] [data-action=start]");
    if (start) start.click();
  });
})();
"""
CLICK = """(link) => {
  sessionStorage.setItem("clicked", performance.timeOrigin + performance.now());
  location.assign(link);
}"""
CONNECTED = "window.lianxin && window.lianxin.media === 'connected'"
STORY = """() => {
  const [page] = performance.getEntriesByType("navigation");
  const spans = [page, ...performance.getEntriesByType("resource")];
  const at = (moment) => performance.timeOrigin + moment;
  return {
    clicked: Number(sessionStorage.getItem("clicked")),
    first: window.lianxin.firstFrameAt,
    page: at(page.requestStart),
    parsed: at(page.domInteractive),
    marks: window.marks,
    requests: spans.map((span) => [at(span.requestStart), at(span.responseEnd)]),
  };
}"""


def missing_chromium() -> str | None:
    """Why this cannot be measured here, or None."""
    if CHROMIUM is None:
        return "chromium is not installed"
    try:
        import playwright  # noqa: F401
    except ImportError:
        return "playwright is not installed (make development)"
    return None


@asynccontextmanager
async def running_chromium() -> AsyncIterator[Any]:
    """A headless browser with a fake camera and microphone."""
    from playwright.async_api import async_playwright  # Of the development environment only.

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()


async def enter(context: Any, link: str) -> None:
    """Go into the room by this link and wait until media flow."""
    page = await context.new_page()
    await page.goto(link, timeout=PATIENCE)
    await page.locator("[data-action=start]").first.click(timeout=PATIENCE)
    await page.wait_for_url("**/room", wait_until="commit", timeout=PATIENCE)
    await until(page, CONNECTED)


async def until(page: Any, condition: str) -> None:
    """Ask the page again and again: its security policy forbids Playwright's own way. Raises TimeoutError."""
    async with asyncio.timeout(PATIENCE / 1000):
        while not await page.evaluate(condition):  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.05)
