"""What axe finds wrong with the page that is open; its half megabyte of script is sent to each page once."""

from __future__ import annotations

from typing import Any
from weakref import WeakSet

from axe_playwright_python.base import AXE_SCRIPT
from playwright.async_api import Page

# Of what is in order axe would describe every element, and of each rule find a selector that fits one element
# alone; nobody reads either. Style sheets it would fetch again for a rule that is not in use.
BRIEF: dict[str, Any] = {"resultTypes": ["violations"], "selectors": False, "preload": {"assets": ["media"]}}
RUN = """async (options) => (await axe.run(options)).violations.map(({id, help, nodes}) =>
  `${id} ${help} ${JSON.stringify(nodes.slice(0, 3).map(({html}) => html.slice(0, 120)))}`)"""
# A tenth of a second of processor time each time it is sent. Frames within a page are pages of their own.
IN_LATER_DOCUMENTS = f"if (window === window.top) {{ {AXE_SCRIPT} }}"
_has_it = WeakSet[Page]()


async def violations(page: Page, rules: dict[str, Any] | None = None) -> list[str]:
    """Each violation in words with its first three elements; `rules` are switched on besides axe's own."""
    if not await page.evaluate("typeof window.axe === 'object'"):
        await page.evaluate(AXE_SCRIPT)
        if page not in _has_it:
            await page.add_init_script(IN_LATER_DOCUMENTS)
            _has_it.add(page)
    found: list[str] = await page.evaluate(RUN, BRIEF | ({"rules": rules} if rules else {}))
    return found
