"""Office chain: every recording of an office names the manifest before it, so that none can go unseen.

Deciding only. What is on the disk or in the rows (links), what the day roots remember (leaves) and what was
lawfully destroyed is held together; each fault says which number, and between which neighbours.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from recordings.evidence.day_root import Leaf


@dataclass(frozen=True)
class Link:
    """One sealed recording as its manifest or row states it. ``place`` is the folder's name."""

    number: int
    recording_id: str
    manifest_sha256: str
    previous_sha256: str | None
    place: str


@dataclass(frozen=True)
class Departed:
    """A recording that two officials destroyed; its place in the chain stays. Digest in hex."""

    number: int
    recording_id: str
    manifest_sha256: str | None


@dataclass(frozen=True)
class Fault:
    """What is wrong at ``number``. ``code`` is stable."""

    code: str
    number: int
    text_zh: str
    text_en: str


@dataclass
class _Chain:
    links: Mapping[int, list[Link]]
    leaves: Mapping[int, Leaf]
    departed: Mapping[int, Departed]
    top: int = field(init=False)

    def __post_init__(self) -> None:
        self.top = max((*self.links, *self.leaves, *self.departed), default=0)

    def digest(self, number: int) -> str | None:
        """Of the manifest that was sealed under the number; what was written down first counts most."""
        if number in self.leaves:
            return self.leaves[number].manifest_sha256
        if number in self.departed:
            return self.departed[number].manifest_sha256
        found = self.links.get(number, [])
        return found[0].manifest_sha256 if len(found) == 1 else None

    def name(self, number: int) -> str:
        known: Leaf | Departed | Link | None = self.leaves.get(number) or self.departed.get(number)
        known = known or next(iter(self.links.get(number, [])), None)
        return f"{number}" if known is None else f"{number}（{known.recording_id[:8]}）"

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Digest of a manifest to its number."""
        known = sorted({*self.links, *self.leaves, *self.departed}, reverse=True)
        return {digest: number for number in known if (digest := self.digest(number)) is not None}


def judge_chain(
    links: Iterable[Link], leaves: Iterable[Leaf], departed: Iterable[Departed]
) -> Iterator[Fault]:
    """Everything that is wrong with the chain of one office, by number."""
    by_number = defaultdict[int, list[Link]](list)
    for link in links:
        by_number[link.number].append(link)
    chain = _Chain(
        by_number, {leaf.number: leaf for leaf in leaves}, {gone.number: gone for gone in departed}
    )
    yield from _missing(chain)
    for number in sorted(by_number):
        yield from _double(chain, number)
        for link in by_number[number]:
            yield from _wrong_place(link)
            yield from _other(chain, number, link.manifest_sha256)
            yield from _order(chain, link)
    for number, gone in sorted(chain.departed.items()):
        yield from _other(chain, number, gone.manifest_sha256)


def _missing(chain: _Chain) -> Iterator[Fault]:
    """Each run of numbers that nothing explains, with the neighbours it lies between."""
    reached = 0
    for following in [*sorted({*chain.links, *chain.departed}), chain.top + 1]:
        number, end, reached = reached + 1, following - 1, following
        if number > end:
            continue
        names = [chain.name(n) for n in range(number, min(end, number + 9) + 1)]
        more = " …" if end > number + 9 else ""
        which_zh, which_en = "、".join(names) + more, ", ".join(names) + more
        before_zh = f"第 {chain.name(number - 1)} 号之后" if number > 1 else "链的开头"
        after_zh = f"第 {chain.name(end + 1)} 号之前" if end < chain.top else "链的末尾"
        before_en = f"after {chain.name(number - 1)}" if number > 1 else "at the beginning"
        after_en = f"before {chain.name(end + 1)}" if end < chain.top else "at the end"
        zh = f"缺少第 {which_zh} 号录像：在{before_zh}、{after_zh}，没有销毁记录。"
        en = f"Recording {which_en} is missing, {before_en}, {after_en}; no destruction record explains it."
        yield Fault("recording_missing", number, zh, en)


def _double(chain: _Chain, number: int) -> Iterator[Fault]:
    found = chain.links[number]
    if len(found) > 1:
        places = [link.place for link in found]
        zh = f"第 {number} 号有 {len(found)} 份录像：{'、'.join(places)}。"
        en = f"Number {number} stands for {len(found)} recordings: {', '.join(places)}."
        yield Fault("recording_double", number, zh, en)
    if number in chain.departed:
        zh = f"第 {chain.name(number)} 号有销毁记录，文件却还在目录 {found[0].place}。"
        en = f"Number {chain.name(number)} has a destruction record, but files lie in {found[0].place}."
        yield Fault("recording_undead", number, zh, en)


def _wrong_place(link: Link) -> Iterator[Fault]:
    if link.place != link.recording_id:
        zh = f"目录 {link.place} 里放的是第 {link.number} 号录像 {link.recording_id}。"
        en = f"Folder {link.place} holds recording {link.recording_id}, number {link.number}."
        yield Fault("recording_swapped", link.number, zh, en)


def _other(chain: _Chain, number: int, digest: str | None) -> Iterator[Fault]:
    leaf = chain.leaves.get(number)
    if leaf is not None and leaf.manifest_sha256 != digest:
        zh = f"第 {chain.name(number)} 号的封存清单不是当日日根登记的那一份。"
        en = f"The manifest of number {chain.name(number)} is not the one under its day root."
        yield Fault("recording_replaced", number, zh, en)


def _order(chain: _Chain, link: Link) -> Iterator[Fault]:
    before, said = chain.digest(link.number - 1), link.previous_sha256
    if said == before:
        return
    other = chain.numbers.get(said or "")
    if link.number > 1 and before is None and other is None:
        return  # Of a predecessor that nobody remembers only the absence can be told, and is.
    if other is not None:
        zh = f"第 {chain.name(link.number)} 号写明前一份是第 {chain.name(other)} 号：顺序被改动。"
        en = f"Number {chain.name(link.number)} follows {chain.name(other)}: the order was changed."
        yield Fault("recording_reordered", link.number, zh, en)
        return
    place = f"第 {chain.name(link.number - 1)} 号" if link.number > 1 else "空（它是第一份）"
    zh = f"录像链在第 {chain.name(link.number)} 号断开：它写明的前一份清单不是{place}。"
    en = f"The chain is broken at {chain.name(link.number)}: it names another manifest before it."
    yield Fault("chain_broken", link.number, zh, en)
