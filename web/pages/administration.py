"""The landing page of the three administrators: the areas each of them has, and what wants attention."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from cases.administration.holidays import missing_years
from cases.administration.posts import list_requests
from cases.administration.rule_proposal import list_proposals
from cases.policy import Action, allowed
from web.keys import ACTOR, CLOCK, DATABASE
from web.rendering import page


@dataclass(frozen=True, slots=True)
class Area:
    """One area: where it is, what it is called, what is done there."""

    href: str
    name: str
    words: str
    action: Action


AREAS = (
    Area("/administration/organisations", "单位", "单位树：增设、更名、停用", Action.MANAGE_ORGANISATIONS),
    Area("/administration/accounts", "账号和岗位", "建账号、停用、调动、重设密码", Action.SEE_ACCOUNTS),
    Area("/administration/requests", "待确认的岗位", "由安全管理员确认后才生效", Action.SEE_ACCOUNTS),
    Area("/administration/signins", "登录安全", "登录记录、失败和锁定，提前解锁", Action.GUARD_ACCOUNTS),
    Area("/administration/holidays", "节假日", "每年的放假和调休安排", Action.CONFIGURE),
    Area("/administration/deadlines", "办理期限", "各项法定期限、本地规定的版本和差别", Action.SEE_RULES),
    Area("/administration/retention", "保管期限", "录像至少保存多少年", Action.SEE_RULES),
    Area("/administration/rules", "待确认的规定", "期限的改动由另一人确认后才生效", Action.SEE_RULES),
    Area("/templates", "文书模板", "本单位和下级使用的文书模板", Action.MANAGE_TEMPLATES),
    Area("/clients", "接入的系统", "通过接口登记和读取信访件的系统", Action.MANAGE_ACCOUNTS),
    Area("/administration/audit", "操作审计", "谁在什么时候做了什么，可查询、导出", Action.SEE_AUDIT),
    Area("/audit/recordings", "调阅审计", "谁以什么事由看过哪份录像", Action.SEE_AUDIT),
)


async def show(request: web.Request) -> web.StreamResponse:
    actor = request[ACTOR]
    waiting = rules = 0
    async with request.app[DATABASE].session() as db:
        if allowed(actor, Action.SEE_ACCOUNTS):
            waiting = len(await list_requests(db, actor))
        if allowed(actor, Action.SEE_RULES):
            rules = len(await list_proposals(db, actor))
    context = {
        "nav": "administration",
        "areas": [each for each in AREAS if allowed(actor, each.action)],
        "waiting": waiting,
        "rules": rules,
        "may_confirm": allowed(actor, Action.CONFIRM_POST),
        "missing": missing_years(request.app[CLOCK]) if allowed(actor, Action.CONFIGURE) else [],
    }
    return page(request, "administration.html", context, title="系统管理")
