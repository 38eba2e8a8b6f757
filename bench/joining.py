"""`python -m bench.joining`: from the click on a personal link to the first picture of somebody else.

Real Chromium with its fake camera and microphone, the real service. Each round is a device that has never
loaded a page of ours (no cache), whose owner reads in no time: `开始` is pressed as soon as it is there.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from bench.process import run_before_others
from bench.service import Service, running_service
from bench.visitor import (
    CLICK,
    CONNECTED,
    PATIENCE,
    STORY,
    WITNESS,
    enter,
    missing_chromium,
    running_chromium,
    until,
)

TARGET = 0.7  # seconds, median
# Let a round's traces fade: the last page leaves, the estimators of the others settle.
PAUSE = 2.0
# What the page waits for over the socket: from the one mark to the other.
WAITS = (
    ("socket asked", "socket open"),
    ("> authenticate", "< welcome"),
    ("> subscribe", "< offer"),
    ("> answer", "subscribe connected"),
)
STEPS = ("page asked for", "page there", "welcome", "offer", "answer", "connected", "first picture")


@dataclass
class Joining:
    """One round; seconds after the click.

    `waited` is how long the room page stood still for an answer of the server: page, modules, ticket,
    socket, welcome, offer, ICE and DTLS, loopback and the browser's own end of them included.
    `worked` is the CPU time of our processes above what they used while nobody joined. `noted` is what
    the page did until the picture, in order: `> subscribe`, `connection made`, `< offer` and so on.
    """

    total: float
    waited: float
    worked: float
    steps: dict[str, float] = field(default_factory=dict)
    noted: list[str] = field(default_factory=list)


def covered(spans: Iterable[tuple[float, float]], end: float) -> float:
    """The length of the union of spans, as far as they lie before `end`."""
    total, reached = 0.0, float("-inf")
    for start, stop in sorted(spans):
        begin, stop = max(start, reached), min(stop, end)
        if stop > begin:
            total += stop - begin
            reached = stop
    return total


def read_story(story: dict[str, Any], worked: float) -> Joining:
    """What the page noted, in milliseconds since the epoch, as one Joining. Raises KeyError."""
    clicked, first = story["clicked"], story["first"]
    at: dict[str, float] = {}
    for name, when in story["marks"]:
        at.setdefault(name, when)
    spans = [(start, stop) for start, stop in story["requests"] if start > 0]
    spans += [(at[start], at[stop]) for start, stop in WAITS]
    moments = (
        story["page"],
        story["parsed"],
        at["< welcome"],
        at["< offer"],
        at["> answer"],
        at["subscribe connected"],
        first,
    )
    steps = {name: (moment - clicked) / 1000 for name, moment in zip(STEPS, moments, strict=True)}
    noted = [name for name, when in story["marks"] if when <= first]
    return Joining((first - clicked) / 1000, covered(spans, first) / 1000, worked, steps, noted)


async def measure(rounds: int, others: int) -> AsyncIterator[Joining]:
    """Join a room in which so many officials already are, round after round."""
    with tempfile.TemporaryDirectory(prefix="lianxin-joining-") as folder:
        async with running_service(Path(folder)) as service, running_chromium() as browser:
            for link in service.links[1 : 1 + others]:
                await enter(await browser.new_context(), link)
            visitor = await browser.new_context()
            await enter(visitor, service.links[3])  # Binds the link to this device.
            cookies = await visitor.cookies()
            await visitor.close()
            for number in range(rounds + 1):
                await asyncio.sleep(PAUSE)
                joining = await _join(browser, service, cookies)
                if number:  # The first one warms the service up.
                    yield joining


async def _join(browser: Any, service: Service, cookies: list[Any]) -> Joining:
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    try:
        await context.add_cookies(cookies)
        await context.add_init_script(WITNESS)
        page = await context.new_page()
        await page.goto(service.base + "/healthz", timeout=PATIENCE)
        idle = await _busy(service, 1.0) / 1.0
        loop = asyncio.get_running_loop()
        began, before = loop.time(), service.cpu_seconds()
        await page.evaluate(CLICK, service.links[3])
        await page.wait_for_url("**/room", wait_until="commit", timeout=PATIENCE)
        await until(page, "window.lianxin && window.lianxin.firstFrameAt")
        worked = service.cpu_seconds() - before - idle * (loop.time() - began)
        await until(page, CONNECTED)
        return read_story(await page.evaluate(STORY), worked)
    finally:
        await context.close()


async def _busy(service: Service, seconds: float) -> float:
    before = service.cpu_seconds()
    await asyncio.sleep(seconds)
    return service.cpu_seconds() - before


def in_words(name: str, values: Sequence[float]) -> str:
    """Median and range in milliseconds."""
    low, middle, high = min(values), statistics.median(values), max(values)
    return f"{name:16} {middle * 1000:6.0f} ms  ({low * 1000:.0f}..{high * 1000:.0f})"


def report(joinings: Sequence[Joining]) -> str:
    """The table; every line is a median of its own."""
    lines = [in_words(name, [joining.steps[name] for joining in joinings]) for name in STEPS[:-1]]
    lines.append(in_words("link to picture", [joining.total for joining in joinings]))
    lines.append(in_words("  waited for us", [joining.waited for joining in joinings]))
    lines.append(in_words("  our CPU", [joining.worked for joining in joinings]))
    median = statistics.median(joining.total for joining in joinings)
    lines.append(f"target {TARGET} s: {'met' if median <= TARGET else 'NOT met'} ({median:.2f} s)")
    return "\n".join(lines)


def main() -> int:
    """Parse, measure, print; 0 also when it could not be measured, which is said loudly."""
    parser = argparse.ArgumentParser(prog="python -m bench.joining", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--others", type=int, default=1, choices=(1, 2), help="who is in the room already")
    parser.add_argument("--json", type=Path, default=Path("var/bench/joining.json"), help="the figures")
    parser.add_argument(
        "--realtime", action="store_true", help="real-time priority for all, when the machine is busy"
    )
    options = parser.parse_args()
    reason = missing_chromium()
    if reason is not None:
        print(f"!! NOT MEASURED: from link to picture: {reason}.")
        return 0
    if options.realtime:
        run_before_others()
    return asyncio.run(_run(options))


async def _run(options: argparse.Namespace) -> int:
    print(f"Link click to first remote picture, Chromium on loopback, {options.rounds} rounds.")
    joinings = [joining async for joining in measure(options.rounds, options.others)]
    print(report(joinings))
    figures = {"joinings": [asdict(joining) for joining in joinings], "load_average": os.getloadavg()}
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(figures, indent=1))
    print(f"Figures: {options.json}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
