"""The waiting room in real Chromium: how long it probably takes, told once, in both languages."""

from __future__ import annotations

from datetime import timedelta

import pytest
from playwright.async_api import Browser, expect

from scheduling.arrival.waiting_time import Forecast
from signaling.forecasting import tell_waiting
from signaling.live import LiveRoom
from tests.scenarios.browsers import needs_chromium
from tests.web.conftest import House
from tests.web.test_axe import LARGE_TYPE, database_system  # noqa: F401
from tests.web.test_minutes import arrange
from tests.web.test_minutes_page import citizen_in_room
from web.keys import REGISTRY

pytestmark = [pytest.mark.browser, needs_chromium, pytest.mark.timeout(180)]
# Every message of the polite announcer from now on.
LISTEN = """() => {
  window.heard = [];
  const polite = document.querySelector("[data-announcer=polite]");
  new MutationObserver(() => window.heard.push(polite.textContent)).observe(polite, { childList: true });
}"""


# What is read beside the bar: the machine hears somebody, hears nobody, finds no sound at all.
LEVELS = {
    "zh-CN": ("听到您的声音了", "请说：「您好，听得到吗」", "设备打开了，但没有声音"),
    "en": (
        *("We hear you", "Please say: Hello, can you hear me?"),
        "The microphone is on, but there is no sound",
    ),
}
# Where the answer stands beneath each.
STANDS = """(levels) => levels.map((words) => {
  document.querySelector("[data-part=level_word]").textContent = words;
  return Math.round(document.querySelector("[data-action=voice_yes]").getBoundingClientRect().top);
})"""


def expect_start(house: House, live: LiveRoom, minutes: float, late: bool = False) -> None:
    """What the office's sessions say of this one."""
    now = house.clock.now()
    live.room.forecast = Forecast(now + timedelta(minutes=minutes), timedelta(minutes=20), late)
    live.room.forecast_at = now
    tell_waiting(live.room, now)
    live.changed()


@pytest.mark.parametrize(("large", "language"), [(False, "zh-CN"), (True, "zh-CN"), (False, "en")])
async def test_the_wait_is_a_range_that_is_told_once(
    house: House, chrome: Browser, large: bool, language: str
) -> None:
    session = await arrange(house)
    citizen = await citizen_in_room(house, chrome, session)
    page = citizen.page
    await page.set_viewport_size({"width": 360, "height": 740})
    await page.context.add_cookies([{"name": "lianxin_language", "value": language, "url": citizen.base}])
    if large:
        await page.context.add_init_script(LARGE_TYPE)
    # In the midst of connecting: nobody is turned away for that (tests/signaling/test_reload.py).
    await page.reload()
    for act in ("switch_on", "picture_yes", "voice_yes", "sound_yes"):
        if act == "voice_yes":
            await page.locator("[data-part=level_word]:visible").wait_for()
            stood = set(await page.evaluate(STANDS, LEVELS[language]))
            assert len(stood) == 1, "it jumps from under the finger"
        await page.locator(f"[data-action={act}]:visible").click(timeout=30_000)
    await page.locator("[data-screen=waiting]").wait_for(state="visible")
    wait, row = page.locator("[data-part=wait]"), page.locator("[data-part=wait_row]")
    await expect(row).to_be_hidden()  # Nothing is known yet.
    await page.evaluate(LISTEN)
    live = house.server.app[REGISTRY].rooms[session.id]
    english = language == "en"
    for minutes in (15, 14, 13):
        expect_start(house, live, minutes)
    await expect(wait).to_have_text("about 10–20 minutes" if english else "约 10～20 分钟")
    await citizen.look(f"waiting, a range {language} {large}")
    expect_start(house, live, 3, late=True)
    await expect(wait).to_contain_text("longer than usual" if english else "请安心等候")
    await citizen.look(f"waiting, longer {language} {large}")
    expect_start(house, live, 0)
    await expect(row).to_be_hidden()
    heard = await page.evaluate("window.heard")
    told = [words for words in heard if ("10–20" if english else "10～20") in words]
    assert len(told) == 1, heard
    assert len(heard) <= 2, "what changes within a minute is read on the page and not spoken"
    assert not citizen.faults, "\n".join(citizen.faults)
