"""The checklist of procedure (程序规范): what a reception owes the petitioner, item by item, with its source.

It asks about the procedure and the officials, never about the petitioner. A published version is never
changed: what was answered stays readable as it was asked. To change it, add a version and make it CURRENT.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChecklistItem:
    """One duty. ``code`` is stable within and across versions; ``basis`` names where it comes from."""

    code: str
    title: str
    basis: str


REGULATIONS = "信访工作条例"
RECORDINGS = "庭审录音录像规定（参照）"
ONLINE = "人民法院在线诉讼规则（参照）"

_FIRST = (
    ChecklistItem("identity", "核对了信访人身份", f"{ONLINE}第七条"),
    ChecklistItem("officials", "接访人员说明了姓名、单位和职务", "接访程序规范"),
    ChecklistItem("notice", "告知了权利义务和接访纪律", f"{REGULATIONS}第二十六条"),
    ChecklistItem("recording_notice", "告知了全程录音录像", "个人信息保护法第三十五条"),
    ChecklistItem("consent", "征得同意，或者按不同意的办法处理", f"{ONLINE}第四条"),
    ChecklistItem("recusal", "告知了可以申请回避，并有答复", f"{REGULATIONS}第二十八条"),
    ChecklistItem("statement", "让信访人把诉求、事实和理由说完", f"{REGULATIONS}第十九条"),
    ChecklistItem("evidence", "出示的材料各方都看得清", "接访程序规范"),
    ChecklistItem("questions", "对提出的问题逐项作了答复", f"{REGULATIONS}第三十一条"),
    ChecklistItem("conduct", "接访人员用语文明，没有训斥、推诿", "接访程序规范"),
    ChecklistItem("interruptions", "中断、合议和暂停说明了原因", f"{RECORDINGS}第三条"),
    ChecklistItem("minutes_read", "笔录交信访人核对或者宣读", f"{RECORDINGS}第六条"),
    ChecklistItem("minutes_signed", "笔录签字确认；不签的记明了原因", f"{RECORDINGS}第六条、第七条"),
    ChecklistItem("responsible", "说明了责任单位和下一步", f"{REGULATIONS}第二十二条、第二十三条"),
    ChecklistItem("deadlines", "告知了办理期限", f"{REGULATIONS}第三十四条"),
    ChecklistItem("remedies", "告知了复查、复核的途径和期限", f"{REGULATIONS}第三十五条、第三十六条"),
)
CHECKLISTS: Mapping[int, tuple[ChecklistItem, ...]] = {1: _FIRST}
CURRENT = 1
