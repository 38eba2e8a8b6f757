"""One matter as it should stand, kept beside the program's own book and compared with it after every step."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date

from tests.life import days
from tests.life.days import Duty, chinese
from tests.life.doors import Handed
from tests.life.papers import ISO, LOOKS, Paper
from tests.life.people import Citizen, Desk, Told
from tests.life.stage import Stage

HANDLER, HEAD = "housing.handler", "housing.unit_head"


@dataclass
class Life:
    """`duties`: the clocks; `steps`, `papers`: what the citizen reads; `coming`: what comes next for him.

    `explained`: each deadline by its title and first sentence, with its day and all sentences, as last read.
    `rated`: what the citizen gave. `looks`: how often every clock with its sentences was compared with the
    arithmetic of days.py. `cited`: the articles of a paper where they are not those of a claim.
    """

    stage: Stage
    it: Handed
    steps: list[str] = field(default_factory=list)
    duties: list[Duty] = field(default_factory=list)
    papers: list[str] = field(default_factory=list)
    coming: str = ""
    with_whom: str = "城关区信访局"
    issued: list[Paper] = field(default_factory=list)
    looks: int = 0
    explained: dict[tuple[str, str], tuple[str, list[str]]] = field(default_factory=dict)
    rated: list[str] = field(default_factory=list)
    cited: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    async def begin(
        cls,
        stage: Stage,
        door: Callable[[Stage], Awaitable[Handed]],
        desk: bool = True,
        first: Duty | None = None,
    ) -> Life:
        """Through the door; the fifteen days of Art. 22 run, and the citizen finds his matter.

        Without `desk` the officials' page is left out. `first`: the clock that runs instead.
        """
        life = cls(stage, await door(stage))
        life.steps = list(life.it.steps)
        life.duties = [first or days.routing(stage.today)]
        await (life.check("registered") if desk else life.ask("registered"))
        return life

    @property
    def today(self) -> date:
        return self.stage.today

    def wait(self, days: int) -> None:
        """The next day everybody is signed out, and what a page said of days is old."""
        self.stage.clock.advance(days=days)
        self.stage.happened += 1

    def duty(self, title: str) -> Duty:
        """The newest clock of this title."""
        return next(each for each in reversed(self.duties) if each.title == title)

    def meet(self, *titles: str) -> None:
        """These duties are done today."""
        for title in titles:
            self.duty(title).met = self.today

    def explain(self, title: str, told: str, why: list[str]) -> None:
        """A page said until when, and why; of one clock the last reading stays."""
        key = (title, "") if title.rpartition(" ")[0] else (title, why[0])
        self.explained[key] = (told, why)

    def summary(self, papers: bool) -> list[str]:
        """Lines for a reader: the way of the matter, and with `papers` every deadline in its words."""
        days = len(self.explained)
        found = [
            f"{self.it.channel} {self.it.number}「{self.it.subject}」",
            f"  经过：{' → '.join(self.steps)}",
            f"  文书 {len(self.issued)} 份：{'、'.join(LOOKS[paper.kind].title for paper in self.issued)}",
            f"  期限 {days} 个，核对 {self.looks} 次",
        ]
        for (title, _), (told, why) in self.explained.items() if papers else ():
            found += [f"    · {title}：{told or '中止计算'}", *(f"        {sentence}" for sentence in why)]
        return [*found, f"  评价：{'；'.join(self.rated) or '按规定不评价'}"]

    def unused(self, title: str) -> None:
        """This right ends today and was not used."""
        self.meet(title)
        self.duty(title).unused = True

    async def take(self, who: str, step: str, **typed: str) -> None:
        desk = await Desk.of(self.stage, who)
        await desk.step(self.it.case, step, **typed)

    async def refused(self, who: str, step: str, **typed: str) -> str:
        desk = await Desk.of(self.stage, who)
        return await desk.refused(self.it.case, step, **typed)

    async def issue(self, who: str, kind: str, inside: bool = False, **typed: str) -> Paper:
        """Issue a paper and read it; `inside`: the citizen never sees it."""
        desk = await Desk.of(self.stage, who)
        paper = await desk.issue(self.it.case, kind, **typed)
        self.stage.keep(paper, self.it.number)
        self.issued.append(paper)
        expected = self.it.recipient or self.it.name
        found = paper.faults(self.it.number, self.it.subject, self.cited.get(kind))
        if not inside and paper.recipient != expected:
            found.append(f"{kind} is for {paper.recipient}, not {expected}")
        assert not found, found
        if not inside:
            self.papers.append(await desk.page.locator("h1").inner_text())
        return paper

    async def deliver(self, who: str, paper: Paper, service: str, proof: str, **typed: str) -> None:
        desk = await Desk.of(self.stage, who)
        await desk.deliver(paper, service, proof, **typed)

    async def check(self, moment: str) -> Told:
        """Both pages against what should stand there: the officials' clocks, the citizen's progress."""
        where = f"{self.it.channel} {moment}"
        desk = await Desk.of(self.stage, self.it.keeper)
        shown = await desk.clocks(self.it.case)
        await self.stage.look(desk.page, f"case-{self.it.channel}-{moment}")
        wanted = sorted(self.duties, key=lambda each: (each.title, each.why()[0]))
        found = sorted(shown, key=lambda each: (each["title"], each["why"][0]))
        assert [each["title"] for each in found] == [each.title for each in wanted], where
        for row, duty in zip(found, wanted, strict=True):
            assert row["told"] == duty.told(), (where, duty)
            sentences = duty.why()
            assert len(row["why"]) == len(sentences), (where, row["why"], sentences)
            for said, sentence in zip(row["why"], sentences, strict=True):
                assert said == sentence or (sentence.startswith("顺延到") and said.endswith(sentence)), where
            self.looks += 1
            self.explain(f"{duty.title} {duty.start}", row["told"], row["why"])
        return await self.ask(moment)

    async def ask(self, moment: str) -> Told:
        """The citizen's page against what should stand there."""
        where = f"{self.it.channel} {moment}"
        citizen = await Citizen.of(self.stage)
        told = await citizen.ask(self.it.number, self.it.code, f"progress-{self.it.channel}-{moment}")
        assert told.steps == self.steps, (where, told.steps, self.steps)
        assert told.papers == self.papers, (where, told.papers)
        assert told.facts["谁来办"] == self.with_whom, where
        assert not ISO.search("".join([*told.why, *told.facts.values()])), (where, told)
        booked = any("接访" in step for step in self.steps)
        offered = citizen.page.locator("main form[action='/progress/book'] button")
        if await offered.count():
            assert await offered.inner_text() == ("再约一次接访" if booked else "预约视频接访"), where
        else:
            assert "您的接访" in await citizen.page.locator("main").inner_text(), where
        coming = self.coming
        if not coming and not self.steps[1:]:
            coming = f"最迟{chinese(self._due('登记并转送、交办'))}交给负责的单位。"
        assert coming in told.facts.get("接下来", ""), (where, told.facts, coming)
        return told

    def _due(self, title: str) -> date:
        day = self.duty(title).due()
        assert day is not None
        return day

    def comes(self, words: str, title: str) -> None:
        """What the citizen reads next: the words with the day on which that clock ends."""
        self.coming = words.format(chinese(self._due(title)))
