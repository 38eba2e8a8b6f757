"""What axe finds wrong with the page that is open; its half megabyte of script goes into each page once."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Page

# Of what is in order axe would describe every element; nobody reads it. Style sheets it would fetch again for
# a rule that is not in use.
BRIEF: dict[str, Any] = {"resultTypes": ["violations"], "preload": {"assets": ["media"]}}
RUN = """async (options) => (await axe.run(options)).violations.map(({id, help, nodes}) =>
  `${id} ${help} ${JSON.stringify(nodes.slice(0, 3).map(({html}) => html.slice(0, 120)))}`)"""


async def violations(page: Page, rules: dict[str, Any] | None = None) -> list[str]:
    """Each violation in words with its first three elements; `rules` are switched on besides axe's own."""
    if not await page.evaluate("typeof window.axe === 'object'"):
        await page.evaluate(AXE_SCRIPT)
    found: list[str] = await page.evaluate(RUN, BRIEF | ({"rules": rules} if rules else {}))
    return found
