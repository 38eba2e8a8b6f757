"""How many people may speak for a joint petition, as data: national rule first, then regions that differ.

Art. 20 of the Regulations on Petition Work (2022): representatives of a joint petition, five at most. A
region may be stricter, as Zhejiang is (up to ten people three, above that five).
"""

from __future__ import annotations

from dataclasses import dataclass

from cases.errors import Invalid

LARGEST_HEADCOUNT = 100_000


@dataclass(frozen=True, slots=True)
class Rule:
    """In regions below `region`: of up to `headcount` people at most `most` speak."""

    region: str
    headcount: int
    most: int
    source: str


RULES: tuple[Rule, ...] = (
    Rule("33", 10, 3, "《浙江省信访条例》"),
    Rule("33", LARGEST_HEADCOUNT, 5, "《浙江省信访条例》"),
    Rule("", LARGEST_HEADCOUNT, 5, "《信访工作条例》第二十条"),
)


def rule_for(region_code: str, headcount: int) -> Rule:
    """The first rule that fits; the national one fits everywhere."""
    fitting = (r for r in RULES if region_code.startswith(r.region) and headcount <= r.headcount)
    return next(fitting, RULES[-1])


def check_representation(region_code: str, headcount: int, speakers: int) -> None:
    """Raises Invalid at `headcount` or `representatives`. `speakers` counts the petitioner as well."""
    if not 1 <= headcount <= LARGEST_HEADCOUNT:
        raise Invalid("bad_headcount", f"人数请填 1 到 {LARGEST_HEADCOUNT} 之间的数字。", "headcount")
    rule = rule_for(region_code, headcount)
    if speakers > rule.most:
        message = f"代表连同您本人最多 {rule.most} 人（{rule.source}）。请减少代表，其他人计入总人数。"
        raise Invalid("too_many_representatives", message, "representatives")
    if speakers > headcount:
        raise Invalid("bad_headcount", "总人数不能少于您和代表的人数。", "headcount")
