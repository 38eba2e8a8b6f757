"""The words of the pages: one vocabulary for states, roles and tiers (docs/glossary.md)."""

from __future__ import annotations

from datetime import datetime

from cases.casefile import CHANNEL_NAMES
from cases.clock import BEIJING
from cases.fields import mask_phone
from cases.organisations import TIER_NAMES
from cases.roles import INVITATION_ROLE_NAMES

ROLES: dict[str, str] = {str(role): name for role, name in INVITATION_ROLE_NAMES.items()}
CHANNELS: dict[str, str] = {str(channel): name for channel, name in CHANNEL_NAMES.items()}
TIERS: dict[str, str] = {str(tier): name for tier, name in TIER_NAMES.items()}
WEEKDAYS = "一二三四五六日"

# State: (words officials read, icon, tone). Colour never stands alone: icon and word go with it.
ALARM_STATES: dict[str, tuple[str, str, str]] = {
    "open": ("未处理", "warning", "bad"),
    "acknowledged": ("已处理", "tick", "plain"),
}

SESSION_STATES: dict[str, tuple[str, str, str]] = {
    "requested": ("待审批", "clock", "plain"),
    "approved": ("已同意", "clock", "plain"),
    "scheduled": ("已预约", "clock", "plain"),
    "notified": ("已通知", "clock", "plain"),
    "checked_in": ("已签到", "person", "notice"),
    "waiting": ("候访中", "person", "notice"),
    "called": ("已叫号", "bell", "notice"),
    "live": ("接访中", "record", "live"),
    "paused": ("已暂停", "pause", "notice"),
    "minutes_confirming": ("核对笔录", "pen", "notice"),
    "signed": ("已签字", "tick", "good"),
    "closed": ("已结束", "tick", "good"),
    "archived": ("已归档", "tick", "good"),
    "rejected": ("已退回", "cross", "plain"),
    "redirected": ("转其他渠道", "arrow", "plain"),
    "cancelled": ("已取消", "cross", "plain"),
    "no_show": ("未到", "cross", "plain"),
    "rescheduled": ("已改期", "arrow", "plain"),
    "technical_failed": ("技术故障", "warning", "bad"),
}
BOARD_COLUMNS: tuple[tuple[str, str, frozenset[str]], ...] = (
    (
        "waiting",
        "候访",
        frozenset(
            (
                "requested",
                "approved",
                "scheduled",
                "notified",
                "checked_in",
                "waiting",
                "called",
                "rescheduled",
            )
        ),
    ),
    ("live", "进行中", frozenset(("live", "paused"))),
    ("to_sign", "待签字", frozenset(("minutes_confirming", "signed"))),
    ("done", "已完成", frozenset(("closed", "archived"))),
)
RECORDING_STATES: dict[str, tuple[str, str, str]] = {
    "initiated": ("准备录制", "clock", "plain"),
    "active": ("正在录音录像", "record", "live"),
    "stopped": ("正在封存", "clock", "notice"),
    "sealed": ("已封存", "shield", "good"),
    "archived": ("已归档", "shield", "good"),
    "destroyed": ("已销毁", "cross", "plain"),
    "failed": ("录制异常", "warning", "bad"),
}
ARCHIVE_STATES: dict[str, tuple[str, str, str]] = {
    "waiting": ("等待归档", "clock", "plain"),
    "copying": ("正在归档", "clock", "notice"),
    "archived": ("已归档", "shield", "good"),
    "failed": ("归档没有成功", "warning", "bad"),
    "local_removed": ("已归档，原件已移出本机", "shield", "good"),
    "destroying": ("正在销毁", "clock", "notice"),
    "destroyed": ("已销毁", "cross", "plain"),
}
OUTCOMES: dict[str, tuple[str, str, str]] = {
    "met": ("做到", "tick", "good"),
    "not_met": ("没有做到", "warning", "bad"),
    "not_applicable": ("不适用", "cross", "plain"),
}
REVIEW_STATES: dict[str, tuple[str, str, str]] = {
    "open": ("评阅中", "pen", "plain"),
    "submitted": ("待复核", "clock", "notice"),
    "agreed": ("复核同意", "tick", "good"),
    "disagreed": ("复核不同意，退回评阅", "warning", "bad"),
}
FINDING_STATES: dict[str, tuple[str, str, str]] = {
    "open": ("待整改", "warning", "bad"),
    "remedied": ("已整改，待确认", "clock", "notice"),
    "confirmed": ("整改已确认", "tick", "good"),
    "withdrawn": ("已撤销", "cross", "plain"),
}
NOTICE_STATES: dict[str, tuple[str, str, str]] = {
    "queued": ("等待发送", "clock", "notice"),
    "sent": ("已发送", "tick", "good"),
    "failed": ("没有发出", "warning", "bad"),
}
REQUEST_STATES: dict[str, tuple[str, str, str]] = {
    "open": ("待答复", "clock", "notice"),
    "granted": ("已同意", "tick", "good"),
    "refused": ("未同意", "cross", "plain"),
}
BOOKING_STATES: dict[str, tuple[str, str, str]] = {
    "requested": ("待确认", "clock", "notice"),
    "confirmed": ("已确认", "tick", "good"),
    "cancelled": ("已取消", "cross", "plain"),
    "fulfilled": ("已接访", "tick", "good"),
    "missed": ("未到", "cross", "plain"),
}
PETITION_STATES: dict[str, tuple[str, str, str]] = {
    "draft": ("草稿", "pen", "plain"),
    "registered": ("已登记", "tick", "plain"),
    "classified": ("已分类", "tick", "plain"),
    "accepted": ("已受理", "tick", "good"),
    "handling": ("办理中", "clock", "notice"),
    "concluded": ("已办结", "tick", "good"),
    "closed": ("已归档", "tick", "good"),
}
# The devices of who petitions, before the slot (scheduling/device_check.py).
DEVICE_VERDICTS: dict[str, tuple[str, str, str]] = {
    "None": ("设备未检测", "clock", "plain"),
    "ok": ("设备已检测·正常", "tick", "good"),
    "sound_only": ("只能通语音", "microphone", "notice"),
    "blocked": ("设备受阻", "warning", "bad"),
}
# Levels of a network from good to none, as the room says them (static/js/words.js).
QUALITY_LEVELS: dict[str, str] = {"good": "良好", "fair": "一般", "poor": "较差", "gone": "中断"}
EVENTS: dict[str, str] = {
    "material.added": "上传材料",
    "material.kept": "保存批注副本",
    "material.shown": "出示材料",
    "material.turned": "翻页",
    "material.ended": "收起材料",
    "session.created": "建立接访",
    "session.approved": "同意接访",
    "session.scheduled": "排定时间",
    "session.notified": "发出通知",
    "session.checked_in": "信访人签到",
    "session.waiting": "开始候访",
    "session.called": "叫号",
    "session.opened": "开始接访",
    "session.paused": "暂停",
    "session.resumed": "继续",
    "session.closed": "结束接访",
    "session.archived": "归档",
    "session.rejected": "退回",
    "session.redirected": "转其他单位",
    "session.cancelled": "取消接访",
    "session.rescheduled": "改期",
    "session.missed": "信访人未到",
    "session.failed": "技术故障",
    "veil.began": "屏蔽（无画面，声音处理）",
    "veil.ended": "解除屏蔽",
    "deliberation.began": "内部合议开始，不录音录像",
    "deliberation.returning": "合议即将结束",
    "deliberation.ended": "返回接访",
    "minutes.presented": "出示笔录",
    "minutes.signed": "笔录签字",
    "participant.joined": "进入",
    "participant.left": "离开",
    "participant.dropped": "掉线",
    "participant.resumed": "恢复连接",
    "participant.ready": "设备检查完成，等候",
    "participant.stepped_away": "暂时离开",
    "participant.admitted": "准入",
    "participant.denied": "未准入",
    "participant.removed": "移出",
    "participant.moved_to_lobby": "移至等候室",
    "participant.missed_call": "过号，顺延一位",
    "participant.postponed": "顺延",
    "participant.referred": "改为其他方式接访",
    "participant.renamed": "更改显示的名字",
    "layout.chosen": "切换画面版式",
    "phase.begun": "进入环节",
    "deputy.named": "指定副主持人",
    "host.handed_over": "交接主持",
    "host.succeeded": "主持人掉线，接替主持",
    "host.taken_back": "主持人收回主持",
    "hand.raised": "举手",
    "hand.lowered": "放下手",
    "screen.shared": "出示材料",
    "screen.ended": "停止出示材料",
    "mark.set": "标记",
    "mark.withdrawn": "撤回标记",
    "minutes.begun": "开始记录笔录",
    "minutes.shown": "笔录同步给信访人看",
    "minutes.hidden": "停止同步笔录",
    "minutes.writer_given": "授权一起记录笔录",
    "minutes.writer_taken": "收回记录笔录的授权",
    "minutes.read_back": "笔录交信访人核对",
    "minutes.reopened": "笔录退回继续记录",
    "minutes.signing": "笔录开始签字",
    "minutes.locked": "笔录定稿",
    "outcome.added": "记下议定事项",
    "task.added": "交办事项",
    "task.done": "交办事项办结",
    "task.withdrawn": "撤销交办事项",
    "chat.said": "文字消息",
    "source.locked": "主持人静音",
    "source.released": "解除静音",
    "participant.cut": "参加资格已收回，连接断开",
    "recording.ordered": "准备录音录像",
    "recording.started": "开始录音录像",
    "recording.paused": "暂停录音录像",
    "recording.resumed": "继续录音录像",
    "recording.stopped": "停止录音录像",
    "recording.faulty": "录制异常",
    "recording.failed": "录制失败",
    "recording.sealed": "录像封存",
    "recording.composed": "录像合成完成",
    "recording.attached": "录像归入信访件",
    "recording.archived": "录像归档",
    "recording.destroyed": "录像销毁",
    "recording.opened": "调阅录像",
    "recording.export_begun": "开始导出录像",
    "recording.exported": "导出录像",
    "media.interrupted": "音视频中断",
    "media.restored": "音视频恢复",
    "consent.given": "同意录音录像告知",
    "consent.declined": "不同意录音录像",
    "link.issued": "发出链接",
    "link.opened": "打开链接",
    "link.revoked": "撤回链接",
    "link.released": "允许换一台设备打开链接",
    "identity.code_sent": "发出验证码",
    "identity.confirmed": "身份已核验",
    "identity.refused": "验证码连续输错",
    "identity.number_checked": "身份证号已核对",
    "identity.number_differs": "身份证号与登记不一致",
    "companions.declared": "登记在场的人",
    "device.checked": "设备检测",
    "request.made": "群众提出请求",
    "request.answered": "答复群众的请求",
    "session.unrecorded": "批准本场不录音录像",
    "link.refused": "另一台设备试图打开链接",
    "invitation.created": "邀请参加",
    "invitation.revoked": "取消邀请",
    "petition.registered": "登记信访件",
    "alarm.acknowledged": "处理录像告警",
    "grant.given": "授权查看",
    "booking.created": "预约",
    "booking.confirmed": "确认预约",
    "booking.cancelled": "取消预约",
    "booking.rejected": "退回预约",
    "booking.redirected": "预约转其他单位",
    "booking.fulfilled": "预约已接访",
    "booking.missed": "预约未到",
}
GAP_CAUSES = {
    "worker_killed": "录制进程中断，随后恢复",
    "not_resumed": "录制进程中断，到结束没有恢复",
    "not_continued": "换到下一段文件时中断",
    "no_packets": "没有收到声音或画面",
    "changed_before_sealing": "封存之前文件被改动",
    "torn_tail": "中断时最后一条没有写完",
    "damaged": "文件损坏",
    "queue_full": "写入来不及",
    "disk_slow": "磁盘没有及时响应",
    "disk_full": "磁盘已满",
    "disk_read_only": "磁盘变为只读",
    "disk_error": "磁盘故障",
    "track_ended:deliberation": "内部合议，不录制",
}


def local(moment: datetime) -> datetime:
    return moment.astimezone(BEIJING)


def clock_time(moment: datetime | None) -> str:
    return f"{local(moment):%H:%M}" if moment else "—"


def clock_seconds(moment: datetime | None) -> str:
    return f"{local(moment):%H:%M:%S}" if moment else "—"


def long_date(moment: datetime | None) -> str:
    """`2026年11月25日 星期三`."""
    if moment is None:
        return "—"
    day = local(moment)
    return f"{day.year}年{day.month}月{day.day}日 星期{WEEKDAYS[day.weekday()]}"


def date_time(moment: datetime | None) -> str:
    if moment is None:
        return "—"
    day = local(moment)
    return f"{day.year}年{day.month}月{day.day}日 {day:%H:%M}"


def duration(seconds: float | None) -> str:
    """`1:02:03` or `2:03`; a dash when unknown."""
    if seconds is None:
        return "—"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def length_of(seconds: float) -> str:
    """`1 小时 2 分 3 秒`, without the parts that are zero; at least a second."""
    minutes, rest = divmod(max(1, round(seconds)), 60)
    hours, minutes = divmod(minutes, 60)
    parts = ((hours, "小时"), (minutes, "分"), (rest, "秒"))
    return " ".join(f"{amount} {unit}" for amount, unit in parts if amount)


def size(count: int | None) -> str:
    if count is None:
        return "—"
    amount = float(count)
    for unit in ("字节", "KB", "MB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "字节" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.2f} GB"


def event_word(kind: str) -> str:
    return EVENTS.get(kind, kind)


def gap_cause(code: str) -> str:
    """Why a recording holds nothing there."""
    return GAP_CAUSES.get(code, "画面或声音中断" if code.startswith("track_ended") else code)


def masked_phone(phone: str | None) -> str:
    return mask_phone(phone) if phone else "—"
