"""Eight matters, one from each door, each to another end, and a suggestion; together every step and paper."""

from __future__ import annotations

from cases.deadlines.in_force import hold_profiles
from tests.life import days
from tests.life.doors import CLERK, DOORS, by_advice, send
from tests.life.ledger import HANDLER, HEAD, Life
from tests.life.mediation import mediate
from tests.life.people import Citizen, Desk
from tests.life.rating import rate, rate_once, unrated
from tests.life.rules import shorten_routing
from tests.life.stage import Stage
from tests.life.supervision import supervise

REVIEWER, RECHECKER = "chengguan.reviewer", "city.reviewer"
HOUSING, SOCIAL = "城关区住建局", "城关区人力资源和社会保障局"
CLAIM = {"class": "claim", "way": "handle", "words": "请求明确，有具体的人和事。"}
ADVICE = {"class": "suggestion", "way": "handle", "words": "提出改进工作的建议。"}
NOTICE, OBJECTION, ROUTING = "书面告知接收情况和办理程序", "提出转送异议", "登记并转送、交办"
HANDLING, FEEDBACK = "办结并出具处理意见书", "反馈交办结果"


async def to_unit(
    life: Life, unit: str = "housing", length: int = 0, again: bool = False, advice: bool = False
) -> None:
    """Classified, then forwarded, or assigned with so many days; the clocks of Art. 22 and 23 begin."""
    who, stage = life.it.keeper, life.stage
    if not again:
        await life.take(who, "classify", **(ADVICE if advice else CLAIM))
    typed = {"unit": stage.world.organisations[unit].id, "words": "请依法按政策办理。"}
    step = "assign" if length else "forward"
    await life.take(who, step, **typed, **({"days": str(length)} if length else {}))
    life.meet(ROUTING)
    life.duties += [days.notice(life.today), days.objection(life.today)]
    if length:
        life.duties.append(days.feedback(life.today, length))
    life.steps.append("已交给负责的单位办理" if length else "已转给负责的单位")
    life.with_whom = HOUSING if unit == "housing" else SOCIAL
    life.comes(f"{life.with_whom}最迟{{}}书面告诉您接收情况和办理程序。", NOTICE)
    await life.check("at-the-unit")


async def accept(life: Life, who: str = HANDLER) -> None:
    """Accepted, and the citizen is told in writing; sixty days begin (Art. 34)."""
    await life.take(who, "accept", words="属于本单位职责，决定受理。")
    if life.duty(NOTICE).met is None:
        life.meet(NOTICE)
    life.duties.append(days.handling(life.today))
    life.steps.append("受理")
    life.comes(f"{life.with_whom}最迟{{}}书面答复您。", HANDLING)
    paper = await life.issue(who, "acceptance_notice")
    await life.deliver(who, paper, "post", "EMS 1090000001")
    await life.check("accepted")


async def conclude(life: Life, how: str, words: str, who: str = HANDLER) -> None:
    """The opinion is written; nothing runs until it is delivered."""
    await life.take(who, "conclude", conclusion=how, words=words)
    life.meet(HANDLING, *([FEEDBACK] if any(each.title == FEEDBACK for each in life.duties) else []))
    life.steps.append("办结")
    life.coming = "处理意见书还没有送达。"
    await life.check("concluded")


async def delivered(life: Life, again: bool = False) -> None:
    """The opinion reached the citizen: thirty days for what he may ask (Art. 35, 36)."""
    life.duties.append(days.asking(life.today, again))
    life.steps.append("复查意见已送达" if again else "处理意见书已送达")
    what, ask = ("复查", "复核") if again else ("处理", "复查")
    life.comes(f"您不服{what}意见的，最迟{{}}可以书面请求{ask}。", f"请求{ask}")
    await life.check("delivered")


async def close(life: Life, lapsed: bool = False) -> None:
    """Into the archive."""
    await life.take(life.it.keeper, "close", words="办理完毕，归档。")
    if lapsed:
        life.unused("请求复查")
    life.steps.append("归档")
    life.coming = ""
    await life.check("closed")


async def letter(stage: Stage) -> Life:
    """Assigned, extended, supported; rated, one rating changed; closed."""
    life = await Life.begin(stage, DOORS["letter"])
    life.wait(5)
    await to_unit(life, length=45)
    sheet = await life.issue(life.it.keeper, "assignment_sheet", inside=True)
    await life.deliver(life.it.keeper, sheet, "in_person", "收文簿第 12 号")
    life.wait(3)
    await accept(life)
    life.wait(20)
    await life.take(HEAD, "extend", days="20", words="要做房屋鉴定，情况复杂。")
    life.duty(HANDLING).extension = 20
    life.steps.append("办理期限延长")
    life.comes(f"{HOUSING}最迟{{}}书面答复您。", HANDLING)
    paper = await life.issue(HANDLER, "extension_notice")
    assert "延长办理期限20日" in paper.text()
    await life.deliver(HANDLER, paper, "sms", "短信回执 7781")
    await life.check("extended")
    life.wait(9)
    await conclude(life, "support", "由物业公司在九月底前修好。")
    opinion = await life.issue(HANDLER, "handling_opinion")
    assert "支持。" in opinion.text()
    await life.issue(HANDLER, "closing_report", inside=True)
    await life.deliver(HANDLER, opinion, "in_person", "送达回证第 3 号")
    await delivered(life)
    await rate(life)
    early = await life.refused(life.it.keeper, "close", words="归档。")
    assert "还可以请求复查" in early, early
    life.wait(32)
    await close(life, lapsed=True)
    return life


async def visit(stage: Stage) -> Life:
    """Twelve people: a unit objects, it is forwarded anew, supervised from above; explained; terminated."""
    life = await Life.begin(stage, DOORS["visit"])
    await to_unit(life, "social")
    sheet = await life.issue(life.it.keeper, "transfer_sheet", inside=True)
    await life.deliver(life.it.keeper, sheet, "online", "内网收文 88")
    life.wait(2)
    await life.take("social.handler", "object", words="排水设施由住建部门管理，不属于本单位职责。")
    life.meet(OBJECTION)
    await life.issue("social.handler", "objection", inside=True)
    await life.check("objected")
    await life.take(life.it.keeper, "agree_return", words="经核实，同意退回。")
    life.meet(NOTICE)
    life.duties.append(days.routing(life.today))
    life.with_whom = "城关区信访局"
    life.comes("城关区信访局最迟{}交给负责的单位。", ROUTING)
    await life.check("returned")
    await to_unit(life, again=True)
    await accept(life)
    life.wait(20)
    await supervise(life)
    life.wait(19)
    await conclude(life, "explain", "已疏通，汛期加密巡查。")
    opinion = await life.issue(HANDLER, "handling_opinion")
    assert "陈永强等12人：" in opinion.text() and "解释说明。" in opinion.text()
    await life.deliver(HANDLER, opinion, "left", "照片一张", refused="yes", witness="社区干部张梅")
    await delivered(life)
    await rate_once(life)
    life.wait(32)  # The thirtieth day lies in the National Day week: the right runs on to its end.
    early = await life.refused(life.it.keeper, "terminate", ground="not_asked", words="没有请求复查。")
    assert "到2026年10月8日为止还可以请求复查" in early, early
    life.wait(5)
    await terminate(life, "not_asked", "处理意见书已留置送达，见证人张梅。", "请求复查")
    await close(life)
    return life


async def terminate(life: Life, ground: str, words: str, right: str = "") -> None:
    await life.take(life.it.keeper, "terminate", ground=ground, words=words)
    if right:
        life.unused(right)
    life.steps.append("信访事项终结")
    life.coming = ""
    paper = await life.issue(life.it.keeper, "termination_notice")
    await life.deliver(life.it.keeper, paper, "in_person", "签收单")
    await life.check("terminated")


async def web(stage: Stage) -> Life:
    """Not supported; the citizen confirms the paper, asks for review and recheck, with a hearing."""
    life = await Life.begin(stage, DOORS["web"])
    await to_unit(life)
    life.wait(1)
    await accept(life)
    life.wait(10)
    await conclude(life, "not_support", "日照符合规范，补偿请求没有依据。")
    opinion = await life.issue(HANDLER, "handling_opinion")
    assert "不予支持。" in opinion.text()
    await confirm(life, opinion.content, "信访事项处理意见书")
    await delivered(life)
    await rate_once(life, unit="1")
    life.wait(7)
    office = stage.world.organisations
    await life.take(life.it.keeper, "request_review", reviewer=office["chengguan"].id, words="不服处理意见。")
    life.meet("请求复查")
    life.duties.append(days.deciding(life.today))
    life.steps.append("已收到复查请求")
    life.comes("城关区信访局最迟{}作出复查意见。", "出具复查意见")
    paper = await life.issue(REVIEWER, "review_receipt")
    await life.deliver(REVIEWER, paper, "post", "EMS 2")
    await life.check("review")
    life.wait(9)
    await life.take(REVIEWER, "decide_review", result="uphold", words="维持处理意见。")
    life.meet("出具复查意见")
    life.steps.append("已作出复查意见")
    life.coming = "复查意见书还没有送达。"
    paper = await life.issue(REVIEWER, "review_opinion")
    assert "维持。" in paper.text()
    await life.check("reviewed")
    await life.deliver(REVIEWER, paper, "post", "EMS 3")
    await delivered(life, again=True)
    life.wait(11)
    await recheck(life)
    wrong = await life.refused(life.it.keeper, "terminate", ground="not_asked", words="终结。")
    assert "不相符" in wrong, wrong
    await terminate(life, "rechecked", "复核意见书由本人当面签收。")
    await close(life)
    return life


async def confirm(life: Life, issued: bytes, title: str) -> None:
    """The citizen saves the paper, which is the one that was issued, and says that it came."""
    citizen = await Citizen.of(life.stage)
    await citizen.ask(life.it.number, life.it.code)
    assert await citizen.keep(title) == issued
    await citizen.confirm(title)


async def recheck(life: Life) -> None:
    """Thirty days that stand still while a hearing is held (Art. 36)."""
    office = life.stage.world.organisations
    await life.take(life.it.keeper, "request_recheck", reviewer=office["city"].id, words="仍不服。")
    life.meet("请求复核")
    life.duties.append(days.deciding(life.today, again=True))
    duty = life.duties[-1]
    life.steps.append("已收到复核请求")
    life.comes("兰州市信访局最迟{}作出复核意见。", duty.title)
    for kind in ("recheck_receipt", "hearing_notice"):
        paper = await life.issue(RECHECKER, kind)
        await life.deliver(RECHECKER, paper, "post", f"EMS {kind}")
    await life.check("recheck")
    life.wait(12)
    await life.take(RECHECKER, "begin_hearing", words="公开听证。")
    duty.hearings.append((life.today, None))
    life.coming = "兰州市信访局正在听证，听证的时间不计算在期限内。"
    await life.check("hearing")
    life.wait(2)
    await life.take(RECHECKER, "end_hearing", words="听证结束。")
    duty.hearings[-1] = (duty.hearings[-1][0], life.today)
    life.comes("兰州市信访局最迟{}作出复核意见。", duty.title)
    await life.check("heard")
    life.wait(3)
    await life.take(RECHECKER, "decide_recheck", result="uphold", words="维持复查意见。")
    life.meet(duty.title)
    life.steps.append("已作出复核意见")
    life.coming = "复核意见是信访程序的最终意见。"
    paper = await life.issue(RECHECKER, "recheck_opinion")
    early = await life.refused(life.it.keeper, "terminate", ground="rechecked", words="终结。")
    assert "还没有送达" in early, early
    await life.deliver(RECHECKER, paper, "in_person", "签收单")
    life.steps.append("复核意见已送达")
    await life.check("rechecked")


async def telephone(stage: Stage) -> Life:
    """Wages: the way is arbitration; the citizen is told where to go (Art. 31)."""
    life = await Life.begin(stage, DOORS["phone"])
    way = {"class": "claim", "way": "arbitration", "words": "劳动报酬争议。"}
    await life.take(life.it.keeper, "classify", **way)
    body = "城关区劳动人事争议仲裁委员会"
    await life.take(life.it.keeper, "route", body=body, words="劳动争议应当先申请仲裁。")
    life.meet(ROUTING)
    life.steps.append("已导入法定途径")
    paper = await life.issue(life.it.keeper, "routing_notice")
    assert body in paper.text() and "第三十一条" in paper.text()
    await life.deliver(life.it.keeper, paper, "telephone", "通话记录 2026-07-22 10:05")
    life.coming = "请按告知书写明的法定途径提出。"
    await life.check("routed")
    await unrated(life)
    await close(life)
    return life


async def mailbox(stage: Stage) -> Life:
    """An accusation: to the discipline organs; the accused department finds nothing of it (Art. 30)."""
    life = await Life.begin(stage, DOORS["leader_mailbox"])
    await hidden(life)
    keeper = life.it.keeper
    way = {"class": "accusation", "way": "discipline", "words": "涉嫌违纪。"}
    await life.take(keeper, "classify", **way)
    await life.take(keeper, "route", body="城关区纪委监委", words="依干部管理权限移送。")
    life.meet(ROUTING)
    life.steps.append("已导入法定途径")
    life.coming = "已经移送有权处理的机关，由它依照规定处理。"
    paper = await life.issue(keeper, "routing_notice")
    assert "移送上述机关处理" in paper.text() and "请您在法定期限内" not in paper.text()
    told = await life.check("routed")
    assert "最迟什么时候答复" not in told.facts
    await unrated(life)
    await close(life)
    await hidden(life)
    return life


async def hidden(life: Life) -> None:
    """Neither the accused nor a colleague without leave: no page, no list, no search."""
    for who in (HANDLER, HEAD, CLERK):
        desk = await Desk.of(life.stage, who)
        assert await desk.open(f"/cases/{life.it.case}") == 404, who
        assert not await desk.finds(life.it.number)
        for path in ("/cases", "/clocks", "/supervision"):
            await desk.open(path)
            assert life.it.number not in await desk.page.content(), (who, path)


async def sms(stage: Stage) -> Life:
    """Refused: the same matter is being handled (Art. 19); the citizen asks by SMS how far it is."""
    life = await Life.begin(stage, DOORS["sms"])
    await life.take(life.it.keeper, "classify", **CLAIM)
    await ask_by_message(life)
    await ended(life, "refuse", "同一事项酒泉路街道正在办理，还在规定期限内。", "不予受理", "refusal_notice")
    await ask_by_message(life)
    return life


async def ask_by_message(life: Life) -> None:
    """The answer is sent, and the outbox has it."""
    await send(life.stage, "sms", "13893100006", f"查询 {life.it.number} {life.it.code}")
    desk = await Desk.of(life.stage, CLERK)
    await desk.open("/outbox")
    assert "进度查询" in await desk.page.inner_text("main")
    await life.stage.look(desk.page, "outbox")


async def wechat(stage: Stage) -> Life:
    """By a new rule of the district; no longer accepted: a recheck opinion on the same facts (Art. 36)."""
    try:
        life = await Life.begin(stage, DOORS["wechat"], first=await shorten_routing(stage))
        await life.take(life.it.keeper, "classify", **CLAIM)
        await ended(life, "cease", "省信访局已作出复核意见。", "不再受理", "cessation_notice")
    finally:
        hold_profiles({})  # What was confirmed holds in this process; the other lives know nothing of it.
    return life


async def ended(life: Life, step: str, words: str, told: str, kind: str) -> None:
    """An end at the door, with its notice."""
    keeper = life.it.keeper
    await life.take(keeper, step, words=words)
    life.meet(ROUTING)
    life.steps.append(told)
    life.coming = "理由写在告知书里。"
    paper = await life.issue(keeper, kind)
    await life.deliver(keeper, paper, "sms", "短信回执 1")
    await life.check(step)
    await unrated(life)
    await close(life)


async def video(stage: Stage) -> Life:
    """Booked by the citizen; told in writing first, then accepted; settled in a mediation."""
    life = await Life.begin(stage, DOORS["video"])
    await to_unit(life)
    life.wait(2)
    paper = await life.issue(HANDLER, "receipt_notice")
    await life.deliver(HANDLER, paper, "sms", "短信回执 2")
    life.meet(NOTICE)
    life.steps.append("已书面告知您接收情况")
    life.coming = ""
    await life.check("notified")
    life.wait(4)
    await accept(life)
    await mediate(life)
    life.wait(14)
    await conclude(life, "support", "十二月底前交房，逾期按日支付过渡费。")
    opinion = await life.issue(HANDLER, "handling_opinion")
    await life.deliver(HANDLER, opinion, "in_person", "送达回证第 9 号")
    await delivered(life)
    await rate_once(life, unit="5")
    await terminate(life, "agreed", "双方达成调解协议，信访人书面表示没有异议。", "请求复查")
    await close(life)
    return life


async def advice(stage: Stage) -> Life:
    """A suggestion: studied and answered by the article for suggestions (Art. 29); taken up, and rated."""
    life = await Life.begin(stage, by_advice)
    life.cited = {"acceptance_notice": ("第二十九条",), "handling_opinion": ("第二十九条", "第三十五条")}
    await to_unit(life, advice=True)
    life.wait(2)
    await accept(life)
    life.wait(20)
    await conclude(life, "support", "采纳，十月底前装好第一批。")
    opinion = await life.issue(HANDLER, "handling_opinion")
    await life.deliver(HANDLER, opinion, "in_person", "送达回证第 12 号")
    await delivered(life)
    await rate_once(life, unit="5")
    life.wait(33)
    await close(life, lapsed=True)
    return life


LIVES = {
    "letter": letter,
    "visit": visit,
    "web": web,
    "phone": telephone,
    "leader_mailbox": mailbox,
    "sms": sms,
    "wechat": wechat,
    "video": video,
    "advice": advice,
}
