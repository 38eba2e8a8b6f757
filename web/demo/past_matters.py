"""What was received in the weeks before the demo day: invented matters, what was said, what came of it.

Nothing of it was recorded, and its minutes say so: a film that nobody was filmed for would be no evidence.
"""

from __future__ import annotations

from dataclasses import dataclass

from cases.casefile import Channel
from cases.handling.procedure import Conclusion
from scheduling.minutes.signature import SignatureAct
from scheduling.session import SessionKind, SessionState


@dataclass(frozen=True)
class PastReception:
    """One sitting. `ago`: working days before today; `hour`: when it began; `minutes`: how long it took.

    `offices`: which demonstration accounts sat beside the district. `asked`: questions with their answers.
    `promised`: of a return visit, what was agreed the first time. `scores`: of the three questions of the
    rating, None where the citizen would rather not, empty where the page was never opened. `task`: what the
    unit is to do, `done`: what became of it. `opinion`: the words of the unit's paper.
    """

    subject: str
    name: str
    phone: str
    ago: int
    hour: tuple[int, int]
    minutes: int
    said: str
    asked: tuple[tuple[str, str], ...] = ()
    offices: tuple[str, ...] = ()
    channel: Channel = Channel.VISIT
    kind: SessionKind = SessionKind.RECEPTION
    state: SessionState = SessionState.CLOSED
    promised: str = ""
    decided: str = ""
    answered: str = "同意这样办，希望按时办好。"
    signed: SignatureAct = SignatureAct.SIGNED
    reason: str = ""
    scores: tuple[int | None, ...] = ()
    words: str = ""
    task: str = ""
    done: str = ""
    conclusion: Conclusion | None = None
    opinion: str = ""


CITY, PROVINCE = "lanzhou", "gansu"
FOLLOW_UP = SessionKind.FOLLOW_UP
PAST = (
    PastReception(
        "暖气管道冻裂楼道结冰", "郭玉兰", "13893100021", 25, (9, 0), 34,
        "五楼暖气立管冻裂，水流到楼道结了冰，老人不敢出门，报修八天没有人来。",
        (("哪一天开始漏的？", "上个月底，当天就打了热力公司的电话。"), ("现在还在流吗？",
        "阀门关了，整栋楼没有暖气。")),
        (CITY,), Channel.PHONE,
        decided="区住建局督促热力公司三日内更换立管，楼道除冰，停暖天数按规定退费。",
        scores=(5, 5, 4), words="三家单位都在，当场就定了。",
        task="督促更换立管、清除楼道结冰。", done="立管已更换，楼道结冰已清除，十四户恢复供暖。",
        conclusion=Conclusion.SUPPORT, opinion="热力公司已更换立管，停暖八日的采暖费按规定退还。",
    ),
    PastReception(
        "小区电梯反复停运", "申国庆", "13893100022", 23, (10, 30), 28,
        "二号楼电梯今年停了九次，有一次关了两个人半个小时。",
        (("维修资金够不够？", "物业说要业主签字，一直没有组织。"),),
        decided="区住建局指导物业公司组织业主表决，使用维修资金更换曳引机。",
        scores=(4, 5, 3), task="指导物业公司组织业主表决。", done="表决已通过，维修资金已申请。",
    ),
    PastReception(
        "征收补偿面积少算", "柴永红", "13893100023", 21, (14, 30), 47,
        "房产证上是八十二平方米，补偿协议只算了七十六平方米，差的六平方米是阳台。",
        (("协议是您本人签的吗？", "是我签的，当时没有看明白。"), ("有没有申请过重新测量？",
        "口头说过，没有书面申请。")),
        (CITY, PROVINCE),
        decided="区住建局请测绘机构复测；阳台按规定计算一半面积，结果书面告知。",
        answered="不同意只算一半，要求全部计算。", signed=SignatureAct.REFUSED, reason="不同意阳台只算一半",
        scores=(4, 3, 2), words="说得清楚，但是结果不满意。",
        task="请测绘机构复测面积。", done="复测结果与补偿协议一致。",
        conclusion=Conclusion.NOT_SUPPORT,
        opinion="经复测，未封闭阳台按规定计算一半面积，补偿协议的面积无误。",
    ),
    PastReception(
        "公租房申请没有结果", "段小梅", "13893100024", 18, (9, 0), 22,
        "三月交了材料，窗口说在审核，到现在没有答复。",
        (("材料回执还在吗？", "在，上面盖着三月十一日的章。"),), channel=Channel.WEB,
        decided="区住建局核对收入证明，十五日内书面答复是否符合条件。",
        signed=SignatureAct.AGREED_ALOUD, reason="本人眼睛不好，听读笔录后口头确认",
        scores=(5, 4, 4), task="核对材料，书面答复。", done="已审核通过，列入十二月轮候名单。",
    ),
    PastReception(
        "临街店铺油烟排到居民楼", "梁守业", "13893100025", 16, (15, 0), 26,
        "一楼饭馆的排烟口正对着二楼窗户，夏天不能开窗。",
        (("环保部门来过吗？", "来过一次，说要装净化器，到现在没有装。"),), channel=Channel.WECHAT,
        decided="区住建局会同街道到现场查看，要求饭馆把排烟管接到楼顶。",
        scores=(3, 4, 3), task="到现场查看，督促改造排烟管。",
    ),
    PastReception(
        "地下车库雨天进水", "邵志刚", "13893100026", 14, (9, 30), 31,
        "一下大雨车库就进水，去年泡坏了七辆车。",
        (("排水泵能用吗？", "两台坏了一台，物业说没有钱修。"),), (CITY,),
        decided="物业公司十日内修好排水泵，区住建局检查车库出入口的挡水设施。",
        scores=(5, 5, 5), words="一次就说明白了，不用来回跑。",
        task="检查排水泵和挡水设施。", done="排水泵已修好，出入口加装了挡水板。",
        conclusion=Conclusion.SUPPORT, opinion="排水泵已修复，出入口已加装挡水板。",
    ),
    PastReception(
        "房产证办理延误两年", "温秀珍", "13893100027", 12, (14, 30), 38,
        "交房两年多，开发商一直说资料在备案，办不了房产证。",
        (("税费交齐了吗？", "契税和维修资金都交了，有票据。"),), (CITY, PROVINCE), Channel.LETTER,
        decided="区住建局约谈开发商，一个月内完成竣工验收备案。",
        scores=(4, 4, None), task="约谈开发商，督促备案。",
    ),
    PastReception(
        "楼道灯长期不亮", "毛福来", "13893100028", 11, (10, 0), 0,
        "", state=SessionState.NO_SHOW, channel=Channel.PHONE,
    ),
    PastReception(
        "外墙瓷砖脱落砸车", "岳桂芝", "13893100029", 9, (9, 0), 6,
        "", state=SessionState.TECHNICAL_FAILED, reason="信访人家里停电，线路中断，另约时间",
    ),
    PastReception(
        "外墙瓷砖脱落砸车", "岳桂芝", "13893100029", 7, (9, 0), 24,
        "外墙瓷砖掉下来砸坏了汽车，楼下还有小学生经过。",
        (("有没有围起来？", "拉了一根绳子，没有人看着。"),),
        decided="物业公司当天设围挡，区住建局组织鉴定外墙，维修费用从维修资金列支。",
        scores=(5, 5, 4), task="组织鉴定外墙。",
    ),
    PastReception(
        "小区充电桩不够用", "童立军", "13893100030", 5, (15, 30), 19,
        "两百多户只有六个充电桩，有人从楼上拉线充电。",
        (("物业是怎么说的？", "说变压器容量不够，要等供电公司。"),), channel=Channel.SMS,
        decided="向信访人说明增容的程序和时间，街道组织业主和供电公司商议。",
        answered="知道了，希望早一点。", scores=(4, 5, 4),
        conclusion=Conclusion.EXPLAIN,
        opinion="变压器增容已列入供电公司明年一季度计划，之前由街道协调临时充电点。",
    ),
    PastReception(
        "暖气管道冻裂楼道结冰", "郭玉兰", "13893100021", 3, (10, 0), 12,
        "立管换好了，家里二十一度。", (("退费到了吗？", "昨天到账了，一百八十六元。"),), kind=FOLLOW_UP,
        promised="区住建局督促热力公司更换立管，停暖天数按规定退费。",
        decided="事项已经落实，不需要再安排接访。", answered="满意，谢谢。", scores=(5, 5, 5),
    ),
    PastReception(
        "物业撤场没有人管", "侯文英", "13893100031", 2, (14, 30), 41,
        "物业公司月初撤走了，垃圾没有人清，门禁也坏了。",
        (("业主委员会成立了吗？", "没有成立，大家选不出人。"),), (CITY,), Channel.LEADER_MAILBOX,
        decided="街道临时托管三个月，区住建局指导成立业主委员会。",
        scores=(4, 4, 3), task="指导街道办理临时托管。",
    ),
)  # fmt: skip
