"""Two texts that grew from one are merged without losing a typed word."""

from __future__ import annotations

import random

import pytest

from scheduling.minutes.merge import compare, merge, split_words


@pytest.mark.parametrize(
    ("base", "saved", "typed", "merged"),
    [
        ("楼道漏水", "楼道三月漏水", "楼道漏水没人修", "楼道三月漏水没人修"),
        ("楼道漏水", "楼道漏水", "楼道漏水了", "楼道漏水了"),
        ("楼道漏水了", "楼道漏水", "楼道漏水了", "楼道漏水"),
        ("共3户", "共13户", "共3户人家", "共13户人家"),
        ("甲乙丙丁", "甲丁", "甲乙丙丁戊", "甲丁戊"),
        ("", "今", "明", "今〔另记：明〕"),
        ("今", "今〔另记：明〕", "今天", "今天〔另记：明〕"),
        ("明", "今〔另记：明〕", "明天", "今〔另记：明天〕"),
        ("同意", "同意。", "同意。", "同意。"),
        ("第一\n第二", "第一条\n第二", "第一\n第二条", "第一条\n第二条"),
    ],
)
def test_what_comes_of_two(base: str, saved: str, typed: str, merged: str) -> None:
    assert merge(base, saved, typed).text == merged


def test_both_wordings_of_one_place_are_kept_and_told() -> None:
    found = merge("七日内答复", "三日内答复", "十五日内答复")
    assert found.text == "三〔另记：十五〕日内答复" and found.overlaps == (("三", "十五"),)
    assert merge("七日内", "十五日内", "五日内").text == "十五日内"  # Every word of one is in the other.


def test_no_word_is_lost_and_none_comes_back() -> None:
    for seed in range(2000):
        dice = random.Random(seed)
        base = [chr(0x4E00 + n) for n in range(dice.randint(0, 12))]
        sides = [typing(dice, base, 0x6000), typing(dice, base, 0x7000)]
        found = merge("".join(base), *("".join(side) for side in sides))
        for word in (set(sides[0]) | set(sides[1])) - set(base):
            assert found.text.count(word) == 1, seed
        for word in base:
            kept = [word in side for side in sides]
            assert word in found.text if all(kept) else found.overlaps or word not in found.text, seed


def typing(dice: random.Random, base: list[str], first: int) -> list[str]:
    """Somebody adds words nobody else has, and takes some out."""
    text = list(base)
    for number in range(dice.randint(0, 5)):
        at = dice.randint(0, len(text))
        if dice.random() < 0.4 and text[at:]:
            text.pop(at)
        else:
            text.insert(at, chr(first + number))
    return text


def test_a_huge_rewriting_is_compared_in_time() -> None:
    old, new = ["一", "二"] * 2000, ["二", "三"] * 2000
    hunks = compare(old, new)
    assert len(hunks) == 1
    assert split_words("共 120.5 万 abc。") == ["共", " ", "120", ".", "5", " ", "万", " ", "abc", "。"]
