"""What the citizen thinks of the handling: given, changed, or not asked for."""

from __future__ import annotations

from tests.life.ledger import Life
from tests.life.people import Citizen


async def rate(life: Life) -> None:
    """Office and unit apart; the second of two answers holds, the first stays to be seen."""
    citizen = await Citizen.of(life.stage)
    await citizen.ask(life.it.number, life.it.code)
    await citizen.rate("office", "4", "接待耐心。")
    await citizen.rate("unit", "2", "修得太慢。")
    life.wait(1)
    await citizen.ask(life.it.number, life.it.code)
    await citizen.rate("unit", "4", "修好了，不漏了。")
    await life.stage.look(citizen.page, "rated")
    await citizen.ask(life.it.number, life.it.code)
    assert await citizen.given("unit") == ["不满意\n修得太慢。", "满意\n修好了，不漏了。"]
    assert await citizen.given("office") == ["满意\n接待耐心。"]
    life.rated = ["信访局 4", "责任单位 2，改为 4"]


async def rate_once(life: Life, unit: str = "3") -> None:
    """Both at once, and no second thought."""
    citizen = await Citizen.of(life.stage)
    await citizen.ask(life.it.number, life.it.code)
    await citizen.rate("office", "4", "")
    await citizen.rate("unit", unit, "")
    life.rated = ["信访局 4", f"责任单位 {unit}"]


async def unrated(life: Life) -> None:
    """Nothing was handled that could be rated, or it is secret (国信发〔2014〕, Art. 5)."""
    citizen = await Citizen.of(life.stage)
    await citizen.ask(life.it.number, life.it.code)
    assert await citizen.page.locator("section[aria-labelledby^=rating-]").count() == 0
