"""A message of the outbox as its page shows it: way, words, attempts, and what comes next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scheduling.notices.notice import CHANNEL_NAMES, NoticeChannel, NoticeState
from scheduling.notices.outbox import NextStep, OutboxLine
from scheduling.notices.texts import name_of
from web.words import masked_phone

NEXT_STEPS: Mapping[NextStep, str] = {
    NextStep.DONE: "",
    NextStep.SENDING: "系统会自动再发",
    NextStep.CALL: "请打电话告诉本人，再登记结果",
    NextStep.HAND_OVER: "请打印通知单，当面交给本人或寄出",
    NextStep.FOLLOWED: "已改用下一种方式",
    NextStep.REACH: "没有别的方式了，请当面或上门告诉本人，再登记结果",
    NextStep.LAPSED: "不用处理，本人可以再要一次",
}
# Nobody is called at a slip of paper.
NOBODY = {NoticeChannel.PAPER: "当面交付"}


def outbox_row(line: OutboxLine, to_do: bool = False) -> dict[str, Any]:
    """Numbers are masked but where somebody is to call now (`to_do`)."""
    calls = to_do and line.next_step is NextStep.CALL
    to = line.recipient if calls or not line.recipient else masked_phone(line.recipient)
    return {
        "id": line.notice.id,
        "at": line.notice.queued_at,
        "to": to or NOBODY.get(line.notice.channel, "号码已按期限删除"),
        "text": line.whole or line.notice.text,
        "number": line.number,
        "petition_id": line.notice.petition_id,
        "state": line.state,
        "reason": line.reason,
        "template": name_of(line.notice.template),
        "version": line.notice.template_version,
        "channel": CHANNEL_NAMES[line.notice.channel],
        "next": NEXT_STEPS[line.next_step],
        "step": str(line.next_step),
        "tries": [{"at": step.at, "reason": step.reason} for step in line.steps if step.reason],
        "waits": line.state is NoticeState.QUEUED,
    }
