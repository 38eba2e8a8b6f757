"""Roles: what a post lets an official be, and as what somebody is invited to one session."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from cases.vocabulary import names


class Role(StrEnum):
    """What a Post lets an official do."""

    RECEPTIONIST = "receptionist"
    LEADER = "leader"
    RECORDER = "recorder"
    STATION_CLERK = "station_clerk"
    HANDLER = "handler"
    UNIT_HEAD = "unit_head"
    REVIEWER = "reviewer"
    INSPECTOR = "inspector"
    JOINT_CONF_OFFICE = "joint_conf_office"
    ARCHIVIST = "archivist"
    SYSADMIN = "sysadmin"
    SECURITY_ADMIN = "security_admin"
    AUDITOR = "auditor"


ROLE_NAMES: Mapping[Role, str] = {
    Role.RECEPTIONIST: "接访员",
    Role.LEADER: "接访领导",
    Role.RECORDER: "记录员",
    Role.STATION_CLERK: "基层窗口员",
    Role.HANDLER: "承办人",
    Role.UNIT_HEAD: "单位负责人",
    Role.REVIEWER: "复查复核员",
    Role.INSPECTOR: "督查员",
    Role.JOINT_CONF_OFFICE: "联席办",
    Role.ARCHIVIST: "档案员",
    Role.SYSADMIN: "系统管理员",
    Role.SECURITY_ADMIN: "安全管理员",
    Role.AUDITOR: "审计管理员",
}

# Separation of duties (三员分立, GB/T 22239 level 3): these hold no other post and open no recording. The
# system administrator sets up, the security administrator lets it take effect, the audit administrator reads.
ADMINISTRATORS = frozenset({Role.SYSADMIN, Role.SECURITY_ADMIN, Role.AUDITOR})


class InvitationRole(StrEnum):
    """As what somebody is invited to one session."""

    HOST = "host"
    JOINT_RECEPTIONIST = "joint_receptionist"
    DEPARTMENT = "department"
    PETITIONER = "petitioner"
    PROXY = "proxy"
    COMPANION = "companion"
    PARTY = "party"
    INTERPRETER = "interpreter"
    MEDIATOR = "mediator"
    THIRD_PARTY = "third_party"
    RECORDER = "recorder"
    OBSERVER = "observer"


INVITATION_ROLE_NAMES: Mapping[InvitationRole, str] = names("role", InvitationRole)
