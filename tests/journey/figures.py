"""What the journey takes: taps to the waiting room, the call to the first picture, a new host."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from tests.journey.album import Album
from tests.journey.desk import LINK, Desk
from tests.journey.phone import now_ms
from tests.journey.run import CITIZEN, CODE, LETTER, cast
from tests.scenarios.browsers import until

MOST_TAPS, MOST_PICTURE, MOST_HANDOVER = 7, 1.0, 5.0


@dataclass(frozen=True)
class Figures:
    """Of one run; seconds."""

    taps: int
    picture: float
    handover: float


async def one_run() -> Figures:
    """From the link to the moment somebody else conducts after the host's browser is gone."""
    album = Album(None, measured=False)
    with tempfile.TemporaryDirectory(prefix="lxjourney") as state:
        async with cast(Path(state) / "var", album, ("district", "city")) as them:
            host, city = them.desks["district"], them.desks["city"]
            await host.send_link(CITIZEN)
            link = LINK.search(await host.newest_message(LETTER))
            assert link is not None
            taps = await them.phone.straight_to_waiting_room(link[0], lambda: host.newest_message(CODE))
            await host.enter()
            await city.enter()
            await asyncio.sleep(2)  # As in life: a host looks before he calls.
            pressed = await host.admit(CITIZEN)
            picture = (await them.phone.called_at() - pressed) / 1000
            await host.begin()
            return Figures(taps, picture, await _handover(host, city))


async def _handover(host: Desk, city: Desk) -> float:
    """Seconds from the end of the host's browser to another host."""
    began = now_ms()
    await host.page.context.close()
    await until(city.conducts, 20, "somebody else conducts", every=0.05)
    return (now_ms() - began) / 1000


async def measure_runs(runs: int) -> int:
    """Print each run and the medians; 1 when a median misses what is promised."""
    found = []
    for number in range(1, runs + 1):
        one = await one_run()
        found.append(one)
        print(
            f"run {number}: {one.taps} taps, first picture {one.picture:.2f} s, host {one.handover:.2f} s",
            flush=True,
        )
    rows = (
        ("taps from the link to the waiting room", [float(one.taps) for one in found], MOST_TAPS),
        ("seconds from the call to the first picture", [one.picture for one in found], MOST_PICTURE),
        ("seconds until somebody else conducts", [one.handover for one in found], MOST_HANDOVER),
    )
    for words, values, most in rows:
        print(f"{words:46} median {median(values):.2f} (most {max(values):.2f}), at most {most:g}")
    return any(median(values) > most for _, values, most in rows)
