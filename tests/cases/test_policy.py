"""Who may do what, as a table of role x place x object, and the overrides above it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cases.errors import Forbidden, NotFound, SignInRequired
from cases.organisations import OrganisationKind, Tier
from cases.policy import (
    ANONYMOUS,
    INVITATION_ACTIONS,
    PUBLIC_ACTIONS,
    ROLE_ACTIONS,
    SIGNED_IN_ACTIONS,
    SYSTEM,
    Action,
    Actor,
    ActorKind,
    PostRef,
    Scope,
    allowed,
    require,
    visible_organisation_ids,
    visible_prefixes,
)
from cases.roles import ADMINISTRATORS, InvitationRole, Role

# The object: a case of 城关区 with a session that 城关区 hosts and its housing department joins.
PLACES = {
    "chengguan": ("620102", Tier.DISTRICT, OrganisationKind.PETITION_OFFICE),
    "xigu": ("620104", Tier.DISTRICT, OrganisationKind.PETITION_OFFICE),
    "city": ("6201", Tier.CITY, OrganisationKind.PETITION_OFFICE),
    "province": ("62", Tier.PROVINCE, OrganisationKind.PETITION_OFFICE),
    "station": ("620102001", Tier.TOWNSHIP, OrganisationKind.STATION),
    "housing": ("620102", Tier.DISTRICT, OrganisationKind.DEPARTMENT),
    "roads": ("620102", Tier.DISTRICT, OrganisationKind.DEPARTMENT),
}
OFFICE = Scope(frozenset({"620102"}), frozenset({"chengguan"}), frozenset({"chengguan"}))
PETITION = Scope(frozenset({"620102"}), frozenset({"chengguan", "housing"}), frozenset({"chengguan"}))
SESSION = replace(PETITION, session_id="session")
OBJECTS = {
    "office": (
        OFFICE,
        {
            "create": Action.CREATE_PETITION,
            "slots": Action.MANAGE_SLOTS,
            "mediate": Action.CONDUCT_MEDIATION,
            "mediations": Action.SEE_MEDIATION,
            "accounts": Action.SEE_ACCOUNTS,
            "people": Action.MANAGE_ACCOUNTS,
            "tree": Action.MANAGE_ORGANISATIONS,
            "rules": Action.CONFIGURE,
            "laws": Action.SEE_RULES,
            "let": Action.CONFIRM_RULE,
            "confirm": Action.CONFIRM_POST,
            "unlock": Action.GUARD_ACCOUNTS,
        },
    ),
    "petition": (
        PETITION,
        {
            "see": Action.SEE_PETITION,
            "handle": Action.HANDLE_PETITION,
            "grant": Action.GRANT_PETITION,
            "pass": Action.HAND_OVER_PETITION,
            "code": Action.ISSUE_QUERY_CODE,
            "book": Action.BOOK,
            "ask": Action.REQUEST_BOOKING,
            "decide": Action.REVIEW_PETITION,
            "respond": Action.ANSWER_PETITION,
            "extend": Action.EXTEND_PETITION,
            "finish": Action.FINISH_TASK,
            "papers": Action.SEE_INTERNAL_DOCUMENTS,
            "supervise": Action.SUPERVISE_PETITION,
            "list": Action.LIST_PETITION,
            "confirm": Action.CONFIRM_RESOLUTION,
            "report": Action.ANSWER_SUPERVISION,
            "ordered": Action.SEE_ORDER_PAPERS,
        },
    ),
    "session": (
        SESSION,
        {
            "see": Action.SEE_SESSION,
            "manage": Action.MANAGE_SESSION,
            "link": Action.ISSUE_LINK,
            "join": Action.JOIN,
            "receive": Action.RECEIVE,
            "tend": Action.HANDLE_INCIDENT,
            "materials": Action.SEE_MATERIALS,
            "bring": Action.ADD_MATERIAL,
            "names": Action.KNOW_NAMES,
            "host": Action.HOST,
            "record": Action.RECORD,
            "minutes": Action.SEE_MINUTES,
            "write": Action.WRITE_MINUTES,
            "sign": Action.SIGN_MINUTES,
            "follow": Action.FOLLOW_MINUTES,
            "replay": Action.REPLAY,
            "manifest": Action.SEE_MANIFEST,
            "export": Action.EXPORT_RECORDING,
            "review": Action.REVIEW_RECORDING,
            "answer": Action.ANSWER_FINDING,
            "viewers": Action.SEE_VIEW_LOG,
            "alarms": Action.SEE_ALARMS,
            "acknowledge": Action.ACKNOWLEDGE_ALARM,
            "archive": Action.SEE_ARCHIVE,
            "hold": Action.HOLD_RECORDING,
            "destroy": Action.PROPOSE_DESTRUCTION,
            "approve": Action.APPROVE_DESTRUCTION,
        },
    ),
}
# Whatever stands in no cell is refused; a role and a place in no row may do nothing with these objects.
MATRIX = """
role               place      office                           petition                                                                       session
receptionist       chengguan  create slots mediate mediations  see handle grant book finish papers report code ask ordered                    see manage link join names materials bring receive tend host record minutes write sign replay manifest alarms answer
receptionist       station    create                           -                                                                              -
receptionist       city       create                           see book papers ask                                                            see minutes replay manifest alarms
receptionist       province   create                           see book papers ask                                                            see minutes replay manifest alarms
receptionist       housing    -                                see book finish papers report ask ordered                                      see join names materials bring receive tend minutes replay manifest alarms answer
leader             chengguan  mediate mediations               see handle grant pass finish papers supervise list report ask confirm ordered  see manage link join names materials bring receive tend host record minutes write sign replay manifest alarms acknowledge archive hold approve answer viewers
leader             city       -                                see papers supervise list ask confirm                                          see minutes replay manifest alarms archive hold viewers
leader             province   -                                see papers supervise list ask confirm                                          see minutes replay manifest alarms archive hold viewers
leader             housing    -                                see finish papers report ask ordered                                           see join names materials bring receive tend minutes replay manifest alarms archive hold answer viewers
recorder           chengguan  -                                -                                                                              see join names materials bring receive tend record minutes write sign replay manifest alarms
recorder           city       -                                -                                                                              see minutes replay manifest alarms
recorder           province   -                                -                                                                              see minutes replay manifest alarms
recorder           housing    -                                -                                                                              see join names materials bring receive tend minutes replay manifest alarms
station_clerk      chengguan  create mediate mediations        see book code ask                                                              see link join names materials bring receive tend
station_clerk      station    create                           -                                                                              -
station_clerk      city       create                           see book ask                                                                   see
station_clerk      province   create                           see book ask                                                                   see
station_clerk      housing    -                                see book ask                                                                   see join names materials bring receive tend
handler            chengguan  -                                see finish respond papers report ask ordered                                   see join names materials bring minutes
handler            housing    -                                see finish respond papers report ask ordered                                   see join names materials bring minutes
unit_head          chengguan  -                                see finish respond extend papers report ask ordered                            see join names materials bring minutes
unit_head          housing    -                                see finish respond extend papers report ask ordered                            see join names materials bring minutes
reviewer           chengguan  -                                see decide papers report ordered                                               see minutes replay manifest export alarms archive hold review
reviewer           city       -                                see papers                                                                     see minutes replay manifest export alarms archive hold review
reviewer           province   -                                see papers                                                                     see minutes replay manifest export alarms archive hold review
reviewer           housing    -                                see decide papers report ordered                                               see minutes replay manifest export alarms archive hold review
inspector          chengguan  -                                see papers supervise confirm ordered                                           see minutes replay manifest alarms archive hold review viewers
inspector          city       -                                see papers supervise confirm                                                   see minutes replay manifest alarms archive hold review viewers
inspector          province   -                                see papers supervise confirm                                                   see minutes replay manifest alarms archive hold review viewers
inspector          housing    -                                see papers ordered                                                             see minutes replay manifest alarms archive hold review viewers
joint_conf_office  chengguan  -                                see papers supervise list confirm ordered                                      see join names materials bring
joint_conf_office  city       -                                see papers supervise list confirm                                              see
joint_conf_office  province   -                                see papers supervise list confirm                                              see
joint_conf_office  housing    -                                see papers ordered                                                             see join names materials bring
archivist          chengguan  -                                -                                                                              see minutes replay manifest export alarms acknowledge archive hold destroy viewers
archivist          city       -                                -                                                                              see minutes replay manifest export alarms archive hold viewers
archivist          province   -                                -                                                                              see minutes replay manifest export alarms archive hold viewers
archivist          housing    -                                -                                                                              see minutes replay manifest export alarms archive hold viewers
sysadmin           chengguan  accounts people tree rules laws  -                                                                              -
sysadmin           city       accounts people tree rules laws  -                                                                              -
sysadmin           province   accounts people tree rules laws  -                                                                              -
security_admin     chengguan  accounts confirm unlock laws let -                                                                              -
security_admin     city       accounts confirm unlock laws let -                                                                              -
security_admin     province   accounts confirm unlock laws let -                                                                              -
"""  # noqa: E501


def official(role: Role, place: str, official_id: str = "official") -> Actor:
    code, tier, kind = PLACES[place]
    return Actor(ActorKind.OFFICIAL, "某人", official_id, (PostRef(role, place, code, tier, kind),))


def holder(role: InvitationRole, session_id: str = "session") -> Actor:
    return Actor(ActorKind.INVITEE, "某人", invitation_id="i", session_id=session_id, invitation_role=role)


def read_matrix() -> dict[tuple[str, str, str], set[str]]:
    lines = MATRIX.strip("\n").splitlines()
    starts = [lines[0].index(word) for word in lines[0].split()]
    table = {}
    for line in lines[1:]:
        cells = [line[a:b].strip() for a, b in zip(starts, [*starts[1:], None], strict=True)]
        for kind, cell in zip(OBJECTS, cells[2:], strict=True):
            table[cells[0], cells[1], kind] = set() if cell == "-" else set(cell.split())
    return table


EXPECTED = read_matrix()


@pytest.mark.parametrize("kind", OBJECTS)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("role", Role)
def test_matrix(role: Role, place: str, kind: str) -> None:
    scope, words = OBJECTS[kind]
    may = {word for word, action in words.items() if allowed(official(role, place), action, scope)}
    assert may == EXPECTED.get((role.value, place, kind), set())


def test_matrix_names_every_action_on_an_object() -> None:
    named = {action for _, words in OBJECTS.values() for action in words.values()}
    general = PUBLIC_ACTIONS | {Action.SIGN_OUT, Action.CHOOSE_LANGUAGE, Action.SEE_BOARD, Action.SEE_AUDIT}
    assert set(Action) - named == general | {
        Action.CHOOSE_PASSWORD,
        Action.SEE_ADMINISTRATION,
        Action.MANAGE_TEMPLATES,
        Action.SEE_OPERATIONS,
        Action.SEE_OUTBOX,
        Action.SEE_RATINGS,
        Action.SEE_FIGURES,
    }


@pytest.mark.parametrize("action", sorted(set(Action) - PUBLIC_ACTIONS))
def test_nobody_is_sent_to_sign_in(action: Action) -> None:
    for scope in (None, PETITION, SESSION):
        with pytest.raises(SignInRequired):
            require(ANONYMOUS, action, scope)


@pytest.mark.parametrize("action", sorted(set(Action) - SIGNED_IN_ACTIONS - PUBLIC_ACTIONS))
def test_an_official_without_a_post_may_nothing(action: Action) -> None:
    with pytest.raises((Forbidden, NotFound)):
        require(Actor(ActorKind.OFFICIAL, "某人", "official"), action, SESSION)


@pytest.mark.parametrize("action", [a for _, words in OBJECTS.values() for a in words.values()])
def test_an_empty_scope_is_nobodys(action: Action) -> None:
    for role in Role:
        assert not allowed(official(role, "province"), action, Scope())


def test_what_is_out_of_sight_does_not_exist() -> None:
    for action in (Action.SEE_PETITION, Action.HANDLE_PETITION, Action.BOOK):
        with pytest.raises(NotFound):
            require(official(Role.RECEPTIONIST, "xigu"), action, PETITION)
    for action in (Action.SEE_SESSION, Action.JOIN, Action.REPLAY, Action.SEE_MANIFEST, Action.HOST):
        with pytest.raises(NotFound):
            require(official(Role.LEADER, "xigu"), action, SESSION)


def test_what_is_seen_but_not_permitted_is_forbidden() -> None:
    for action in (Action.MANAGE_SESSION, Action.HOST, Action.RECORD, Action.JOIN):
        with pytest.raises(Forbidden):
            require(official(Role.INSPECTOR, "city"), action, SESSION)


@pytest.mark.parametrize("role", sorted(ADMINISTRATORS))
@pytest.mark.parametrize("place", PLACES)
def test_administrators_see_no_case_content(role: Role, place: str) -> None:
    actor = official(role, place)
    named = replace(
        SESSION, invited_official_ids=frozenset({"official"}), granted_official_ids=frozenset({"official"})
    )
    for action in [a for kind in ("petition", "session") for a in OBJECTS[kind][1].values()]:
        with pytest.raises(NotFound):
            require(actor, action, named)


# What a link holder may do, in his own session.
HOLDERS = {
    InvitationRole.HOST: {
        "see",
        "join",
        "names",
        "materials",
        "bring",
        "host",
        "record",
        "minutes",
        "write",
        "sign",
    },
    InvitationRole.JOINT_RECEPTIONIST: {"see", "join", "names", "materials", "bring", "minutes", "sign"},
    InvitationRole.DEPARTMENT: {"see", "join", "materials", "bring", "minutes", "sign"},
    InvitationRole.RECORDER: {"see", "join", "names", "materials", "bring", "minutes", "write", "sign"},
    InvitationRole.PETITIONER: {"join", "names", "materials", "bring", "follow", "sign"},
    InvitationRole.PROXY: {"join", "names", "materials", "bring", "follow", "sign"},
    InvitationRole.PARTY: {"join", "names", "materials", "bring", "follow", "sign"},
    InvitationRole.COMPANION: {"join", "names", "materials", "bring", "follow"},
    InvitationRole.INTERPRETER: {"join", "materials", "follow", "sign"},
    InvitationRole.MEDIATOR: {"join", "materials", "bring", "follow", "sign"},
    InvitationRole.THIRD_PARTY: {"join", "materials", "bring"},
    InvitationRole.OBSERVER: {"join", "materials"},
}


@pytest.mark.parametrize("role", InvitationRole)
def test_a_link_holder_knows_one_session(role: InvitationRole) -> None:
    words = OBJECTS["session"][1]
    assert {word for word, action in words.items() if allowed(holder(role), action, SESSION)} == HOLDERS[role]
    for action in Action:
        if action in PUBLIC_ACTIONS:
            continue
        for scope in (OFFICE, PETITION, replace(SESSION, session_id="another")):
            assert not allowed(holder(role), action, scope)
            with pytest.raises(NotFound):
                require(holder(role), action, scope)


def test_a_link_holder_is_forbidden_what_he_may_not_do_in_his_session() -> None:
    for action in (Action.HOST, Action.RECORD, Action.REPLAY, Action.MANAGE_SESSION):
        with pytest.raises(Forbidden):
            require(holder(InvitationRole.PETITIONER), action, SESSION)


def test_a_confidential_case_is_seen_by_grant_alone() -> None:
    secret = replace(SESSION, confidential=True)
    for place in PLACES:
        for role in Role:
            for action in (Action.SEE_PETITION, Action.SEE_SESSION, Action.REPLAY, Action.MANAGE_SESSION):
                assert not allowed(official(role, place), action, secret)
    granted = replace(secret, granted_official_ids=frozenset({"official"}))
    assert allowed(official(Role.RECEPTIONIST, "chengguan"), Action.MANAGE_SESSION, granted)
    assert allowed(official(Role.RECEPTIONIST, "xigu"), Action.SEE_PETITION, granted)
    assert not allowed(official(Role.RECEPTIONIST, "xigu"), Action.HOST, granted)
    assert not allowed(official(Role.RECEPTIONIST, "chengguan", "other"), Action.SEE_PETITION, granted)


def test_the_accused_never_see_the_case() -> None:
    named = frozenset({"official"})
    accused = replace(SESSION, granted_official_ids=named, invited_official_ids=named)
    office = replace(accused, accused_region_codes=frozenset({"620102"}))
    department = replace(accused, accused_organisation_ids=frozenset({"housing"}))
    for role in Role:
        for action in (Action.SEE_PETITION, Action.SEE_SESSION, Action.JOIN, Action.REPLAY):
            for place in ("chengguan", "station", "housing", "roads"):
                assert not allowed(official(role, place), action, office)
            assert not allowed(official(role, "housing"), action, department)
    assert allowed(official(Role.RECEPTIONIST, "city"), Action.SEE_PETITION, office)
    assert allowed(official(Role.RECEPTIONIST, "chengguan"), Action.SEE_PETITION, department)


def test_an_official_invited_by_name_joins_from_elsewhere() -> None:
    named = replace(SESSION, invited_official_ids=frozenset({"official"}), confidential=True)
    xigu = official(Role.RECEPTIONIST, "xigu")
    assert allowed(xigu, Action.JOIN, named) and allowed(xigu, Action.SEE_SESSION, named)
    for action in (Action.SEE_PETITION, Action.REPLAY, Action.HOST, Action.MANAGE_SESSION):
        assert not allowed(xigu, action, named)


def test_whom_the_host_lets_write_writes_minutes_in_this_session_alone() -> None:
    let = replace(
        SESSION,
        invited_official_ids=frozenset({"official"}),
        minutes_writer_ids=frozenset({"official", "i"}),
    )
    for actor in (official(Role.HANDLER, "housing"), holder(InvitationRole.DEPARTMENT)):
        assert allowed(actor, Action.WRITE_MINUTES, let)
        assert not allowed(actor, Action.WRITE_MINUTES, replace(let, minutes_writer_ids=frozenset()))
        assert not allowed(actor, Action.HOST, let)
    uninvited = replace(let, invited_official_ids=frozenset())
    assert not allowed(official(Role.HANDLER, "housing"), Action.WRITE_MINUTES, uninvited)
    elsewhere = replace(let, session_id="another")
    assert not allowed(holder(InvitationRole.DEPARTMENT), Action.WRITE_MINUTES, elsewhere)
    accused = replace(let, accused_organisation_ids=frozenset({"housing"}))
    assert not allowed(official(Role.HANDLER, "housing"), Action.WRITE_MINUTES, accused)


def test_templates_are_an_administrators_of_the_office_alone() -> None:
    for role in Role:
        for place in ("chengguan", "city", "xigu", "station"):
            may = role is Role.SYSADMIN and place == "chengguan"
            assert allowed(official(role, place), Action.MANAGE_TEMPLATES, OFFICE) is may


def test_without_scope_the_question_is_whether_ever() -> None:
    require(official(Role.RECEPTIONIST, "xigu"), Action.SEE_PETITION)
    require(official(Role.AUDITOR, "city"), Action.SEE_AUDIT)
    with pytest.raises(Forbidden):
        require(official(Role.SYSADMIN, "city"), Action.SEE_PETITION)
    with pytest.raises(Forbidden):
        require(holder(InvitationRole.PETITIONER), Action.SEE_BOARD)


def test_prefixes_for_lists() -> None:
    city = official(Role.RECEPTIONIST, "city")
    assert visible_prefixes(city, Action.SEE_PETITION) == ("6201",)
    assert visible_prefixes(official(Role.HANDLER, "housing"), Action.SEE_PETITION) == ()
    assert visible_organisation_ids(official(Role.HANDLER, "housing"), Action.SEE_PETITION) == ("housing",)
    assert visible_prefixes(official(Role.SYSADMIN, "city"), Action.SEE_PETITION) == ()
    assert visible_prefixes(ANONYMOUS, Action.SEE_PETITION) == ()
    assert visible_prefixes(SYSTEM, Action.SEE_PETITION) == ("",)


def test_every_role_has_a_row() -> None:
    assert set(ROLE_ACTIONS) == set(Role) and set(INVITATION_ACTIONS) == set(InvitationRole)


def test_secrets_do_not_show_when_an_actor_is_printed() -> None:
    assert "s3cret" not in repr(Actor(ActorKind.OFFICIAL, csrf_token="s3cret"))
