"""Real Firefox ESR from Debian, spoken to over its own WebDriver BiDi socket (https://w3c.github.io/webdriver-bidi).

No driver and no patched build stands between. Firefox pairs no loopback addresses, so that server and browser
need an address of a network namespace (bench/netns.py); pages come from 127.0.0.1, which is a secure origin.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from playwright.async_api import Error

from tests.scenarios.browsers import until

FIREFOX = shutil.which("firefox-esr")
NO_FIREFOX = "firefox-esr is not installed: a mixed room did NOT run (apt-get install firefox-esr)"
# A camera and a microphone made by Firefox itself, granted without a prompt; and no calls home.
PREFERENCES = {
    "media.navigator.streams.fake": True,
    "media.navigator.permission.disabled": True,
    "app.update.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
    "dom.ipc.processPrelaunch.enabled": False,
    "extensions.systemAddon.update.enabled": False,
    "media.gmp-manager.updateEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "",
    "toolkit.telemetry.enabled": False,
}
START_SECONDS = 90.0
STEP_SECONDS = 90.0


class BrowserError(Error):
    """The browser refused a command, or the page's script threw."""


class Firefox:
    """One browser; `new_page` opens a window with cookies of its own."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.errors: list[str] = []
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._reader = asyncio.create_task(self._read())

    async def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """One command and its result. Raises BrowserError, TimeoutError."""
        number = next(self._numbers)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": params})
        message = await asyncio.wait_for(answer, STEP_SECONDS)
        if message["type"] == "error":
            raise BrowserError(f"{method}: {message['error']} {message['message']}")
        return message["result"]

    async def new_page(self, width: int = 1440, height: int = 844) -> FirefoxPage:
        user = (await self.ask("browser.createUserContext"))["userContext"]
        made = await self.ask("browsingContext.create", type="window", userContext=user)
        await self.ask(
            "browsingContext.setViewport",
            context=made["context"],
            viewport={"width": width, "height": height},
        )
        return FirefoxPage(self, made["context"])

    async def close(self) -> None:
        with contextlib.suppress(BrowserError, TimeoutError, ConnectionError):
            await self.ask("browser.close")
        self._reader.cancel()
        await asyncio.gather(self._reader, return_exceptions=True)

    async def _read(self) -> None:
        async for frame in self._socket:
            message = json.loads(frame.data)
            if "id" in message:
                waiting = self._answers.pop(message["id"], None)
                if waiting is not None and not waiting.done():
                    waiting.set_result(message)
            elif message.get("method") == "log.entryAdded":
                self._note(message["params"])

    def _note(self, entry: dict[str, Any]) -> None:
        """Uncaught errors and policy violations of any page."""
        text = str(entry.get("text"))
        if entry.get("type") == "javascript" and entry.get("level") == "error":
            self.errors.append(f"{text} {_place(entry)}")
        elif "Content-Security-Policy" in text or "Content Security Policy" in text:
            self.errors.append(text)


class FirefoxPage:
    """One window. `evaluate` understands an expression, or a function and its argument."""

    def __init__(self, firefox: Firefox, context: str) -> None:
        self._firefox = firefox
        self._context = context

    async def goto(self, url: str) -> None:
        await self._firefox.ask("browsingContext.navigate", context=self._context, url=url, wait="complete")

    async def evaluate(self, expression: str, argument: Any = None) -> Any:
        """What the script gives, through JSON. Raises BrowserError when it throws."""
        code = (
            "async () => { const found = (" + expression + ");"
            " const value = typeof found === 'function'"
            f" ? await found({json.dumps(argument)}) : await found;"
            " return value === undefined ? 'null' : JSON.stringify(value); }"
        )
        done = await self._firefox.ask(
            "script.callFunction",
            functionDeclaration=code,
            awaitPromise=True,
            target={"context": self._context},
        )
        if done["type"] == "exception":
            raise BrowserError(done["exceptionDetails"]["text"])
        return json.loads(done["result"]["value"])

    async def click(self, selector: str, timeout: float = 20) -> None:
        """A real click of a pointer on the first visible one, so that the page has its user's leave."""
        await until(lambda: self._press(selector), timeout, f"{selector} can be pressed")

    async def _press(self, selector: str) -> bool:
        point = await self.evaluate(POINT, selector)
        if point is None:
            return False
        button = {"button": 0}
        steps = [
            {"type": "pointerMove", "x": point[0], "y": point[1]},
            {"type": "pointerDown", **button},
            {"type": "pointerUp", **button},
        ]
        source = {"type": "pointer", "id": "mouse", "actions": steps}
        await self._firefox.ask("input.performActions", context=self._context, actions=[source])
        return True

    async def screenshot(self) -> str:
        """Base64 PNG, for a person who looks."""
        done = await self._firefox.ask("browsingContext.captureScreenshot", context=self._context)
        return str(done["data"])


# The middle of the first element that can be seen and is not covered by another.
POINT = """selector => {
  for (const found of document.querySelectorAll(selector)) {
    if (found.disabled || !found.checkVisibility()) continue;
    found.scrollIntoView({ block: "center", behavior: "instant" });
    const box = found.getBoundingClientRect();
    const [x, y] = [Math.round(box.x + box.width / 2), Math.round(box.y + box.height / 2)];
    const top = document.elementFromPoint(x, y);
    if (top && (top === found || found.contains(top) || top.contains(found))) return [x, y];
  }
  return null;
}"""


@asynccontextmanager
async def firefox(directory: Path) -> AsyncIterator[Firefox]:
    """A running headless Firefox with a fresh profile below `directory`."""
    assert FIREFOX is not None
    profile = directory / "firefox"
    profile.mkdir(parents=True)
    lines = [f'user_pref("{name}", {json.dumps(value)});' for name, value in PREFERENCES.items()]
    (profile / "user.js").write_text("\n".join(lines) + "\n")
    with (directory / "firefox.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            *(FIREFOX, "--headless", "--no-remote", "--profile", str(profile)),
            *("--remote-debugging-port", "0"),
            stdout=log,
            stderr=log,
        )
    try:
        async with aiohttp.ClientSession() as http:
            port = await _listening(profile, directory / "firefox.log")
            async with http.ws_connect(f"ws://127.0.0.1:{port}/session", max_msg_size=0) as socket:
                browser = Firefox(socket)
                await browser.ask("session.new", capabilities={})
                await browser.ask("session.subscribe", events=["log.entryAdded"])
                try:
                    yield browser
                finally:
                    await browser.close()
    finally:
        await _end(process)


async def _listening(profile: Path, log: Path) -> int:
    """The port that Firefox has written into its profile."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        with contextlib.suppress(OSError, ValueError, KeyError):
            return int(json.loads((profile / "WebDriverBiDiServer.json").read_text())["ws_port"])
        await asyncio.sleep(0.05)
    raise AssertionError(f"Firefox did not start: {log.read_text()[-2000:]}")


async def _end(process: asyncio.subprocess.Process) -> None:
    try:
        await asyncio.wait_for(process.wait(), 5)
    except TimeoutError:
        process.kill()
        await process.wait()


def _place(entry: dict[str, Any]) -> str:
    frames = (entry.get("stackTrace") or {}).get("callFrames") or []
    return f"({frames[0]['url']}:{frames[0]['lineNumber'] + 1})" if frames else ""
