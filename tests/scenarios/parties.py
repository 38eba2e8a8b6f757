"""What people do in a reception, step by step, in a real browser."""

from __future__ import annotations

import re

from playwright.async_api import Page

from tests.scenarios.browsers import diagnostics, inbound, received_parties, until

PATIENCE = 30_000  # milliseconds for one step on a machine that runs four browsers at once


async def act(page: Page, name: str) -> None:
    """Press the button that carries this act."""
    await page.locator(f'[data-action="{name}"]:visible').first.click(timeout=PATIENCE)


async def citizen_to_waiting_room(page: Page, url: str) -> None:
    """Link, start, notice and consent, device check, waiting room."""
    await page.goto(url)
    await act(page, "start")
    agree, code = page.get_by_role("button", name="同意并继续"), page.locator("input[name=code]")
    await agree.or_(code).first.wait_for(timeout=PATIENCE)
    if await code.count():
        await say_the_code(page)
    await agree.click(timeout=PATIENCE)
    for name in ("switch_on", "picture_yes", "voice_yes", "sound_yes"):
        await act(page, name)
    await page.locator('[data-screen="waiting"]').wait_for(state="visible", timeout=PATIENCE)


async def say_the_code(page: Page) -> None:
    """The demonstration shows on the page what its message says."""
    shown = page.locator(".banner", has_text="验证码是")
    await until(lambda: _shown(page), 10, "the message is on the page")
    found = re.search(r"验证码是 (\d{6})", await shown.inner_text())
    assert found is not None
    await page.locator("input[name=code]").fill(found[1])
    await page.locator("button[value=confirm]").click(timeout=PATIENCE)


async def _shown(page: Page) -> bool:
    if await page.locator(".banner", has_text="验证码是").count():
        return True
    await page.reload()
    return False


async def official_into_room(page: Page, url: str) -> None:
    """A personal link leads an official straight into the reception room."""
    await page.goto(url)
    await act(page, "start")
    await until(lambda: _in_room(page), 15, "the official is in the room")


async def admit_everybody(host: Page, expected: int = 1) -> None:
    """The host calls everybody who waits."""
    for _ in range(expected):
        await host.get_by_role("button", name="准入").first.click(timeout=PATIENCE)


async def open_session(host: Page) -> None:
    """Open, and confirm what it means."""
    await act(host, "open")
    await confirm(host)
    await until_live(host)


async def until_live(host: Page) -> None:
    """Until the page knows that the session has begun."""
    await until(lambda: _state_is(host, "live"), 10, "the session is live")


async def close_session(host: Page) -> None:
    """Close, and confirm what it means; everything of it is written when this returns."""
    await act(host, "close")
    await confirm(host)
    await until(lambda: _is_over(host), 10, "the session is closed")
    assert await diagnostics(host, "sessionState") == "closed", "the page still shows it as running"


async def confirm(page: Page) -> None:
    """Say yes in the dialog that states the consequences."""
    await page.locator('dialog[open] button[value="yes"]').click(timeout=PATIENCE)


async def wait_until_all_meet(pages: dict[str, Page], timeout: float = 15) -> None:
    """Every page decodes the picture and hears the sound of all others."""
    for name in pages:
        await until(lambda name=name: _meets(pages, name), timeout, f"{name} sees and hears all")


async def seconds_to_meet(pages: dict[str, Page], name: str) -> float:
    """From entering the room until that page sees and hears everybody else, looked at every 50 ms."""
    await until(lambda: _meets(pages, name), 15, f"{name} sees and hears all", every=0.05)
    now = await pages[name].evaluate("Date.now()")
    return (now - await diagnostics(pages[name], "joinedAt")) / 1000


async def seconds_to_first_frame(page: Page) -> float:
    """From entering the room to the first picture of anybody."""
    return (await diagnostics(page, "firstFrameAt") - await diagnostics(page, "joinedAt")) / 1000


async def _meets(pages: dict[str, Page], name: str) -> bool:
    others = {await diagnostics(page, "participantId") for other, page in pages.items() if other != name}
    seen, heard = received_parties(await inbound(pages[name]))
    return others <= seen and others <= heard


async def _in_room(page: Page) -> bool:
    return await diagnostics(page, "place") == "room"


async def _is_over(page: Page) -> bool:
    return await diagnostics(page, "place") == "closed"


async def _state_is(page: Page, state: str) -> bool:
    return await diagnostics(page, "sessionState") == state
