"""`python -m bench.replaying`: a recording of two hours in real Chromium: page to first frame, and seeks.

The real service on loopback; a film as the composition makes it (720p, 15 pictures a second, a key frame
every two seconds, sound), two hours of speeches beside it, and the tracks of four parties, each with picture
and sound, played before there is a film. Every round is a browser without any cache; seeks go to seeded
places, the browser's own cache as it is.
"""

import argparse
import asyncio
import json
import os
import random
import sys
import tempfile
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import select

from bench.film import write_film
from bench.process import run_before_others
from bench.reel import PEOPLE
from bench.service import running_service
from bench.tracks import write_tracks
from bench.visitor import PATIENCE, missing_chromium, running_chromium, until
from cases.clock import SystemClock
from cases.database import Database, new_id
from recordings.recording import CompositionState, Recording, RecordingState
from recordings.store import COMPOSED_FILE
from scheduling.invitation import Invitation
from scheduling.session import Session
from scheduling.session_events import append_event

SECONDS = 7200
FIRST, SEEK = 0.5, 0.3  # seconds, medians
PAUSE = 1.0
# Of the demonstration, which prints it.
ACCOUNT, PASSWORD = "chengguan", "Yan-Shi-2026!"
# On the page's own clock, which begins with the navigation. A media event is seen on its way down; the
# picture that it tells of is on the screen with the drawing after the next.
WITNESS = """
document.addEventListener("loadeddata", (event) => {
  if (event.target.tagName !== "VIDEO") return;
  requestAnimationFrame(() => requestAnimationFrame(() => (window.firstFrameAt ??= performance.now())));
}, true);
"""
GO = """(to) => new Promise((done) => {
  const film = document.getElementById("replay-video"), began = performance.now();
  const tell = () => done(performance.now() - began);
  const shown = () => requestAnimationFrame(() => requestAnimationFrame(tell));
  film.addEventListener("seeked", shown, {once: true});
  document.dispatchEvent(new CustomEvent("lianxin:seek", {detail: {seconds: to}}));
})"""


# Of the tracks: when one party's picture is there, and when everybody's is.
READY = """window.firstFrameAt > 0 && (() => {
  const seen = [...document.querySelectorAll(".track video")].filter((each) => each.readyState >= 2).length;
  return seen === PARTIES && document.querySelector(".replay-tools") !== null;
})()"""


@dataclass
class Figures:
    """Seconds: each round's first frame of the film and of the tracks, each seek in the film."""

    first: list[float]
    seeks: list[float]
    tracks: list[float] = field(default_factory=list)


async def measure(rounds: int, seeks: int) -> Figures:
    """Rounds after one that warms the service up; so many seeks in each."""
    figures, places = Figures([], []), random.Random(4)  # noqa: S311 - places in a film, not secrets
    with tempfile.TemporaryDirectory(prefix="lianxin-replaying-") as folder:
        state = Path(folder)
        async with running_service(state) as service, running_chromium() as browser:
            path = await _add_recording(state)
            entered = await _sign_in(browser, service.base, path)
            for number in range(rounds + 1):
                await asyncio.sleep(PAUSE)
                context = await browser.new_context(viewport={"width": 1280, "height": 800})
                try:
                    await context.add_cookies(entered)
                    first, found = await _review(context, service.base + path, seeks, places)
                finally:
                    await context.close()
                tracks = await _open_tracks(browser, entered, service.base + path + "?view=tracks")
                if number:
                    figures.first.append(first)
                    figures.seeks += found
                    figures.tracks.append(tracks)
    return figures


async def _sign_in(browser: Any, base: str, path: str) -> list[Any]:
    """Cookies of an official who has said why the film is looked at."""
    context = await browser.new_context()
    page = await context.new_page()
    await page.goto(base + "/signin", timeout=PATIENCE)
    await page.fill("[name=username]", ACCOUNT)
    await page.fill("[name=password]", PASSWORD)
    await page.click("main form button[type=submit]")
    await page.wait_for_url("**/board", timeout=PATIENCE)
    await page.goto(base + path, timeout=PATIENCE)
    if await page.locator("#purpose-kind").count():
        await page.locator("#purpose-kind").select_option(index=1)
        await page.click("#purpose button[type=submit]")
        await page.wait_for_selector("#replay-video", timeout=PATIENCE)
    cookies: list[Any] = await context.cookies()
    await context.close()
    return cookies


async def _review(context: Any, url: str, seeks: int, places: random.Random) -> tuple[float, list[float]]:
    await context.add_init_script(WITNESS)
    page = await context.new_page()
    await page.goto(url, wait_until="commit", timeout=PATIENCE)
    await until(page, "Boolean(window.firstFrameAt && document.querySelector('.replay-tools'))")
    first = await page.evaluate("window.firstFrameAt") / 1000
    found = [await page.evaluate(GO, places.uniform(1, SECONDS - 2)) / 1000 for _ in range(seeks)]
    return first, found


async def _open_tracks(browser: Any, entered: list[Any], url: str) -> float:
    """Seconds to the first picture of any party; it is waited for until everybody's is there."""
    await asyncio.sleep(PAUSE)
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    try:
        await context.add_cookies(entered)
        await context.add_init_script(WITNESS)
        page = await context.new_page()
        await page.goto(url, wait_until="commit", timeout=PATIENCE)
        await until(page, READY.replace("PARTIES", str(len(PEOPLE))))
        first: float = await page.evaluate("window.firstFrameAt") / 1000
        return first
    finally:
        await context.close()


async def _add_recording(state: Path) -> str:
    """A recording of a session of the demonstration, as composed; its page."""
    clock = SystemClock()
    database = Database(f"sqlite+aiosqlite:///{state / 'lianxin.db'}")
    try:
        async with database.session() as db:
            session = (await db.scalars(select(Session).order_by(Session.starts_at.desc()))).first()
            assert session is not None
            query = select(Invitation.id).where(Invitation.session_id == session.id)
            people = list((await db.scalars(query)).all())
            began = clock.now() - timedelta(seconds=SECONDS)
            made = Recording(
                id=new_id(), session_id=session.id, petition_id=session.petition_id,
                organisation_id=session.host_organisation_id, state=RecordingState.SEALED,
                directory="bench/film", started_at=began, stopped_at=clock.now(), sealed_at=clock.now(),
                manifest_sha256="0" * 64, composition=CompositionState.DONE, composed_ms=SECONDS * 1000,
                verified_at=clock.now(),
            )  # fmt: skip
            write_film(state / "recordings" / made.directory / COMPOSED_FILE, SECONDS, (1280, 720), 15, True)
            write_tracks(state / "recordings" / made.directory, began, SECONDS)
            db.add(made)
            await db.commit()
            since = round(began.timestamp() * 1000)
            for minute in range(SECONDS // 60):
                spans = [
                    [people[place % len(people)], since + minute * 60_000 + place * 6000, 5000]
                    for place in range(10)
                ]
                await append_event(db, clock, session.id, "speech.noted", data={"spans": spans})
            return f"/recordings/{made.id}"
    finally:
        await database.close()


def report(figures: Figures) -> str:
    """A line for each limit."""
    lines = []
    for name, values, limit in (
        ("page to first frame", figures.first, FIRST),
        ("seek in two hours", figures.seeks, SEEK),
        ("tracks: page to first frame", figures.tracks, FIRST),
    ):
        if not values:
            lines.append(f"!! NOT MEASURED: {name}.")
            continue
        middle = median(values)
        verdict = "met" if middle <= limit else "NOT met"
        lines.append(
            f"{verdict:8}{name}: {middle * 1000:.0f} ms ({min(values) * 1000:.0f}..{max(values) * 1000:.0f}, "
            f"{len(values)} times; at most {limit * 1000:.0f})"
        )
    return "\n".join(lines)


def main() -> int:
    """Parse, measure, print; 0 also when it could not be measured, which is said loudly."""
    parser = argparse.ArgumentParser(prog="python -m bench.replaying", description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seeks", type=int, default=8, help="in each round")
    parser.add_argument("--json", type=Path, default=Path("var/bench/replaying.json"), help="the figures")
    parser.add_argument(
        "--realtime", action="store_true", help="real-time priority for all, when the machine is busy"
    )
    options = parser.parse_args()
    reason = missing_chromium()
    if reason is not None:
        print(f"!! NOT MEASURED: replay: {reason}.")
        return 0
    if options.realtime:
        run_before_others()
    print(f"Replay of {SECONDS // 3600} hours, Chromium on loopback, {options.rounds} rounds.", flush=True)
    figures = asyncio.run(measure(options.rounds, options.seeks))
    print(report(figures))
    options.json.parent.mkdir(parents=True, exist_ok=True)
    content = {**asdict(figures), "load_average": os.getloadavg()}
    options.json.write_text(json.dumps(content, indent=1))
    print(f"Figures: {options.json}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
