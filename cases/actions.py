"""What can be done, and which roles permit it at all; whom a role reaches is for cases/policy.py to say."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from cases.roles import ADMINISTRATORS, InvitationRole, Role


class Action(StrEnum):
    """Everything that can be asked of the policy (cases/policy.py)."""

    VIEW_PUBLIC = "view_public"
    BOOK_PUBLIC = "book_public"
    SUBMIT_PETITION = "submit_petition"
    OPEN_LINK = "open_link"
    SIGN_OUT = "sign_out"
    CHOOSE_LANGUAGE = "choose_language"
    CHOOSE_PASSWORD = "choose_password"
    SEE_BOARD = "see_board"
    SEE_PETITION = "see_petition"
    CREATE_PETITION = "create_petition"
    HANDLE_PETITION = "handle_petition"
    ANSWER_PETITION = "answer_petition"
    EXTEND_PETITION = "extend_petition"
    REVIEW_PETITION = "review_petition"
    SUPERVISE_PETITION = "supervise_petition"
    ANSWER_SUPERVISION = "answer_supervision"
    LIST_PETITION = "list_petition"
    CONFIRM_RESOLUTION = "confirm_resolution"
    GRANT_PETITION = "grant_petition"
    HAND_OVER_PETITION = "hand_over_petition"
    ISSUE_QUERY_CODE = "issue_query_code"
    SEE_MEDIATION = "see_mediation"
    CONDUCT_MEDIATION = "conduct_mediation"
    BOOK = "book"
    REQUEST_BOOKING = "request_booking"
    MANAGE_SLOTS = "manage_slots"
    SEE_SESSION = "see_session"
    MANAGE_SESSION = "manage_session"
    ISSUE_LINK = "issue_link"
    JOIN = "join"
    RECEIVE = "receive"
    HANDLE_INCIDENT = "handle_incident"
    HOST = "host"
    RECORD = "record"
    SEE_MINUTES = "see_minutes"
    WRITE_MINUTES = "write_minutes"
    FOLLOW_MINUTES = "follow_minutes"
    FINISH_TASK = "finish_task"
    SIGN_MINUTES = "sign_minutes"
    REPLAY = "replay"
    SEE_MANIFEST = "see_manifest"
    EXPORT_RECORDING = "export_recording"
    REVIEW_RECORDING = "review_recording"
    ANSWER_FINDING = "answer_finding"
    SEE_VIEW_LOG = "see_view_log"
    SEE_ALARMS = "see_alarms"
    ACKNOWLEDGE_ALARM = "acknowledge_alarm"
    SEE_ARCHIVE = "see_archive"
    HOLD_RECORDING = "hold_recording"
    PROPOSE_DESTRUCTION = "propose_destruction"
    APPROVE_DESTRUCTION = "approve_destruction"
    SEE_AUDIT = "see_audit"
    MANAGE_ACCOUNTS = "manage_accounts"
    SEE_OPERATIONS = "see_operations"
    SEE_OUTBOX = "see_outbox"
    SEE_RATINGS = "see_ratings"
    SEE_FIGURES = "see_figures"
    SEE_MATERIALS = "see_materials"
    ADD_MATERIAL = "add_material"
    KNOW_NAMES = "know_names"
    SEE_INTERNAL_DOCUMENTS = "see_internal_documents"
    SEE_ORDER_PAPERS = "see_order_papers"
    MANAGE_TEMPLATES = "manage_templates"
    SEE_ADMINISTRATION = "see_administration"
    SEE_ACCOUNTS = "see_accounts"
    MANAGE_ORGANISATIONS = "manage_organisations"
    CONFIGURE = "configure"
    SEE_RULES = "see_rules"
    CONFIRM_RULE = "confirm_rule"
    CONFIRM_POST = "confirm_post"
    GUARD_ACCOUNTS = "guard_accounts"


A = Action
PUBLIC_ACTIONS = frozenset({A.VIEW_PUBLIC, A.BOOK_PUBLIC, A.SUBMIT_PETITION, A.OPEN_LINK})
SIGNED_IN_ACTIONS = frozenset({A.SIGN_OUT, A.CHOOSE_LANGUAGE, A.CHOOSE_PASSWORD})
READ = frozenset({A.SEE_BOARD, A.SEE_PETITION, A.SEE_SESSION})
_WATCH = frozenset({A.REPLAY, A.SEE_MANIFEST, A.SEE_ALARMS, A.SEE_MINUTES})
# What opens a recording, or what is known of its content.
RECORDED = frozenset({A.REPLAY, A.SEE_MANIFEST, A.EXPORT_RECORDING, A.REVIEW_RECORDING, A.ANSWER_FINDING})
_PROTECT = frozenset({A.SEE_ARCHIVE, A.HOLD_RECORDING})
# Who sits with citizens: makes sure who they are, answers what they ask for, sees what was sent to them.
_DOOR = frozenset({A.RECEIVE, A.SEE_OUTBOX, A.HANDLE_INCIDENT})
# Of the community: talk rooms, third parties, mediation.
_MEDIATE = frozenset({A.SEE_MEDIATION, A.CONDUCT_MEDIATION})
# What offices write to one another about a case.
_PAPERS = frozenset({A.SEE_INTERNAL_DOCUMENTS})
_RATED = frozenset({A.SEE_RATINGS, A.SEE_FIGURES})  # Sums only, also for those they are about.
# The papers of a supervision order: of the office that issued it and of the unit it went to.
_ORDERED = frozenset({A.SEE_ORDER_PAPERS})
_TASKS = frozenset({A.FINISH_TASK, A.ANSWER_SUPERVISION}) | _ORDERED
# Over a matter that goes wrong: orders, and what weighs more (Art. 38 to 40).
_SUPERVISE = frozenset({A.SUPERVISE_PETITION, A.LIST_PETITION}) | _ORDERED
# That a matter taken in charge by a leader is solved: said by another than who worked on it.
_CONFIRM = frozenset({A.CONFIRM_RESOLUTION})
_WRITE = frozenset({A.WRITE_MINUTES, A.SIGN_MINUTES})
# Of everybody who sits in a session; which ones a guest sees: scheduling/materials/reading.py.
_MATERIALS = frozenset({A.SEE_MATERIALS, A.ADD_MATERIAL})
# Sits in a session by office and knows who came to it.
_SIT = frozenset({A.JOIN, A.KNOW_NAMES})
_ADMINISTER = frozenset({A.SEE_ADMINISTRATION})
# Asks the office that keeps a case for a reception in it.
_ASK = frozenset({A.REQUEST_BOOKING})
_UNIT = READ | _PAPERS | _RATED | _MATERIALS | _SIT | {A.SEE_MINUTES, A.ANSWER_PETITION} | _TASKS | _ASK
_CONDUCT = _WRITE | _MATERIALS | _SIT | {A.HOST, A.RECORD, A.MANAGE_SESSION, A.ISSUE_LINK}

ROLE_ACTIONS: Mapping[Role, frozenset[Action]] = {
    Role.RECEPTIONIST: READ
    | _MEDIATE
    | _PAPERS
    | _RATED
    | _WATCH
    | _CONDUCT
    | _DOOR
    | {A.CREATE_PETITION, A.HANDLE_PETITION, A.GRANT_PETITION, A.BOOK, A.MANAGE_SLOTS, A.ANSWER_FINDING}
    | {A.ISSUE_QUERY_CODE}
    | _ASK
    | _TASKS,
    Role.LEADER: READ
    | _MEDIATE
    | _PAPERS
    | _RATED
    | _WATCH
    | _CONDUCT
    | _DOOR
    | _PROTECT
    | {A.HANDLE_PETITION, A.GRANT_PETITION, A.HAND_OVER_PETITION}
    | {A.APPROVE_DESTRUCTION, A.ACKNOWLEDGE_ALARM}
    | {A.ANSWER_FINDING, A.SEE_VIEW_LOG}
    | _ASK
    | _TASKS
    | _SUPERVISE
    | _CONFIRM,
    Role.RECORDER: _WATCH | _DOOR | _WRITE | _MATERIALS | _SIT | {A.SEE_BOARD, A.SEE_SESSION, A.RECORD},
    Role.STATION_CLERK: READ
    | _MEDIATE
    | _DOOR
    | _MATERIALS
    | _SIT
    | _ASK
    | {A.SEE_FIGURES, A.CREATE_PETITION, A.BOOK, A.ISSUE_LINK, A.ISSUE_QUERY_CODE},
    Role.HANDLER: _UNIT,
    Role.UNIT_HEAD: _UNIT | {A.EXTEND_PETITION},
    Role.REVIEWER: READ
    | _PAPERS
    | _WATCH
    | _PROTECT
    | {A.EXPORT_RECORDING, A.REVIEW_RECORDING, A.REVIEW_PETITION, A.ANSWER_SUPERVISION}
    | _ORDERED,
    Role.INSPECTOR: READ
    | _PAPERS
    | _RATED
    | _WATCH
    | _PROTECT
    | _CONFIRM
    | {A.REVIEW_RECORDING, A.SEE_VIEW_LOG, A.SUPERVISE_PETITION}
    | _ORDERED,
    Role.JOINT_CONF_OFFICE: READ | {A.SEE_FIGURES} | _PAPERS | _MATERIALS | _SIT | _SUPERVISE | _CONFIRM,
    Role.ARCHIVIST: _WATCH
    | _PROTECT
    | {A.SEE_BOARD, A.SEE_SESSION, A.EXPORT_RECORDING, A.ACKNOWLEDGE_ALARM, A.PROPOSE_DESTRUCTION}
    | {A.SEE_VIEW_LOG},
    Role.SYSADMIN: _ADMINISTER
    | {A.SEE_ACCOUNTS, A.MANAGE_ACCOUNTS, A.MANAGE_ORGANISATIONS, A.CONFIGURE, A.SEE_RULES}
    | {A.SEE_OPERATIONS, A.MANAGE_TEMPLATES},
    # Lets roles and rules take effect and unlocks; makes no account and sets nothing up.
    Role.SECURITY_ADMIN: _ADMINISTER
    | {A.SEE_ACCOUNTS, A.CONFIRM_POST, A.GUARD_ACCOUNTS, A.SEE_RULES, A.CONFIRM_RULE},
    # Reads and changes nothing.
    Role.AUDITOR: _ADMINISTER | {A.SEE_AUDIT},
}

# What a role may do besides in a sitting of a mediation without a case: who conducts those conducts these.
MEDIATION_ACTIONS: Mapping[Role, frozenset[Action]] = {
    Role.STATION_CLERK: _WRITE | {A.HOST, A.MANAGE_SESSION, A.SEE_MINUTES},
}

# These roles see the whole region below them; the others only where their organisation takes part.
SUBTREE_ROLES = frozenset(Role) - ADMINISTRATORS - {Role.HANDLER, Role.UNIT_HEAD}

_GUEST = frozenset({A.JOIN, A.SEE_MATERIALS})
_READER = _GUEST | {A.FOLLOW_MINUTES}
_CITIZEN = _READER | {A.SIGN_MINUTES}
NAMES = frozenset({A.KNOW_NAMES})
COLLEAGUE = _MATERIALS | {A.SEE_SESSION, A.JOIN, A.SEE_MINUTES, A.SIGN_MINUTES}
INVITATION_ACTIONS: Mapping[InvitationRole, frozenset[Action]] = {
    InvitationRole.HOST: COLLEAGUE | NAMES | {A.HOST, A.RECORD, A.WRITE_MINUTES},
    InvitationRole.JOINT_RECEPTIONIST: COLLEAGUE | NAMES,
    InvitationRole.DEPARTMENT: COLLEAGUE,
    InvitationRole.RECORDER: COLLEAGUE | NAMES | {A.WRITE_MINUTES},
    InvitationRole.PETITIONER: _CITIZEN | NAMES | _MATERIALS,
    InvitationRole.PROXY: _CITIZEN | NAMES | _MATERIALS,
    InvitationRole.PARTY: _CITIZEN | NAMES | _MATERIALS,
    InvitationRole.COMPANION: _READER | NAMES | _MATERIALS,
    InvitationRole.INTERPRETER: _CITIZEN,
    InvitationRole.MEDIATOR: _CITIZEN | _MATERIALS,
    InvitationRole.THIRD_PARTY: _GUEST | _MATERIALS,
    InvitationRole.OBSERVER: _GUEST,
}
