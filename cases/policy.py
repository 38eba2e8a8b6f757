"""Who may do what: the only place that answers, and it answers no unless a table here says yes.

Three questions are asked in turn. *Role*: does a post's role permit the action at all (cases/actions.py)?
*Reach*: does that post touch the object (REACH)? *Override*: is the object confidential, or is the asker
accused in it? The rules follow domain.md 4.3 and Art. 14, 28 and 30 of the 2022 Regulations:

- A higher tier sees the cases of its subtree; a lower tier sees an upper tier's case only when it takes part.
- A department sees only what it takes part in, whatever its region code; its region's office sees that too.
- Seeing is by region, acting (hosting, inviting, recording) only in the owning organisation itself.
- Organisations invited to a joint reception see that case, session and recording as a receptionist's
  "case invited to"; they do not own them.
- Minutes are written by the host and who is invited as recorder; others in the session where the host lets.
- The responsible unit of a case answers it; only its head extends the time (Art. 34).
- A petition office supervises what goes wrong at or below its own place; the unit answers (Art. 38 to 40).
- A confidential case (检举控告) is seen by explicit grant alone, and never by the accused organisation.
- A link holder knows one session and nothing else; administrators see no case content. They administer what
  lies below their office in the tree of regions, all of it or nothing.
- What was recorded of a mediation is for the officials who sat there as mediators by name, whoever reviews
  the case.
- A sitting of a mediation that belongs to no case is for those who may see mediations in the offices that sit
  in it, and for officials invited by name, whatever tier is above: privacy of parties goes before tiers.
- Who helps in a session by link and is no party to it (department, lawyer, mediator, interpreter, observer)
  reads the names of citizens masked.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto

from cases.actions import (
    COLLEAGUE,
    INVITATION_ACTIONS,
    MEDIATION_ACTIONS,
    NAMES,
    PUBLIC_ACTIONS,
    READ,
    RECORDED,
    ROLE_ACTIONS,
    SIGNED_IN_ACTIONS,
    SUBTREE_ROLES,
)
from cases.actions import Action as Action
from cases.errors import Forbidden, NotFound, SignInRequired
from cases.organisations import OrganisationKind, Tier, covers
from cases.roles import ADMINISTRATORS
from cases.roles import InvitationRole as InvitationRole
from cases.roles import Role as Role


class Reach(Enum):
    """How a post must touch an object before its role counts."""

    CONCERNED = auto()  # The region contains an organisation concerned, or it is one itself.
    MEMBER = auto()  # The organisation itself takes part.
    OWNER = auto()  # The organisation itself is custodian, registrar or host.
    LINE = auto()  # Above or below on the same line of the tree.
    OFFICE = auto()  # A petition office of the region that contains an organisation concerned.
    BELOW = auto()  # Every organisation concerned is the own one or lies below an office: administrators.


A = Action
REACH: Mapping[Action, Reach] = {
    A.CREATE_PETITION: Reach.LINE,
    A.HANDLE_PETITION: Reach.OWNER,
    A.GRANT_PETITION: Reach.OWNER,
    A.HAND_OVER_PETITION: Reach.OWNER,
    A.ISSUE_QUERY_CODE: Reach.OWNER,
    A.MANAGE_SLOTS: Reach.OWNER,
    A.MANAGE_SESSION: Reach.OWNER,
    A.ISSUE_LINK: Reach.OWNER,
    A.HOST: Reach.OWNER,
    A.RECORD: Reach.OWNER,
    A.WRITE_MINUTES: Reach.OWNER,
    A.SIGN_MINUTES: Reach.OWNER,
    A.ACKNOWLEDGE_ALARM: Reach.OWNER,
    A.PROPOSE_DESTRUCTION: Reach.OWNER,
    A.APPROVE_DESTRUCTION: Reach.OWNER,
    A.JOIN: Reach.MEMBER,
    A.SEE_MATERIALS: Reach.MEMBER,
    A.ADD_MATERIAL: Reach.MEMBER,
    A.KNOW_NAMES: Reach.MEMBER,
    A.RECEIVE: Reach.MEMBER,
    A.HANDLE_INCIDENT: Reach.MEMBER,
    A.ANSWER_FINDING: Reach.MEMBER,
    A.FINISH_TASK: Reach.MEMBER,
    A.ANSWER_PETITION: Reach.MEMBER,
    A.EXTEND_PETITION: Reach.MEMBER,
    A.REVIEW_PETITION: Reach.MEMBER,
    A.ANSWER_SUPERVISION: Reach.MEMBER,
    A.SEE_ORDER_PAPERS: Reach.MEMBER,
    A.SUPERVISE_PETITION: Reach.OFFICE,
    A.LIST_PETITION: Reach.OFFICE,
    A.CONFIRM_RESOLUTION: Reach.OFFICE,
    A.SEE_MEDIATION: Reach.MEMBER,
    A.CONDUCT_MEDIATION: Reach.OWNER,
    A.SEE_ACCOUNTS: Reach.BELOW,
    A.MANAGE_ACCOUNTS: Reach.BELOW,
    A.MANAGE_ORGANISATIONS: Reach.BELOW,
    A.CONFIGURE: Reach.BELOW,
    A.SEE_RULES: Reach.BELOW,
    A.CONFIRM_RULE: Reach.BELOW,
    A.CONFIRM_POST: Reach.BELOW,
    A.GUARD_ACCOUNTS: Reach.BELOW,
}

# Whoever may not even see the object is told that there is none.
SEEN_BY: Mapping[Action, Action] = {
    A.CREATE_PETITION: A.CREATE_PETITION,
    A.HANDLE_PETITION: A.SEE_PETITION,
    A.GRANT_PETITION: A.SEE_PETITION,
    A.HAND_OVER_PETITION: A.SEE_PETITION,
    A.ISSUE_QUERY_CODE: A.SEE_PETITION,
    A.BOOK: A.SEE_PETITION,
    A.REQUEST_BOOKING: A.SEE_PETITION,
    A.FINISH_TASK: A.SEE_PETITION,
    A.ANSWER_PETITION: A.SEE_PETITION,
    A.EXTEND_PETITION: A.SEE_PETITION,
    A.REVIEW_PETITION: A.SEE_PETITION,
    A.SEE_INTERNAL_DOCUMENTS: A.SEE_PETITION,
    A.ANSWER_SUPERVISION: A.SEE_PETITION,
    A.SUPERVISE_PETITION: A.SEE_PETITION,
    A.SEE_ORDER_PAPERS: A.SEE_PETITION,
    A.LIST_PETITION: A.SEE_PETITION,
    A.CONFIRM_RESOLUTION: A.SEE_PETITION,
    A.CONDUCT_MEDIATION: A.SEE_MEDIATION,
    A.MANAGE_ACCOUNTS: A.SEE_ACCOUNTS,
    A.CONFIRM_POST: A.SEE_ACCOUNTS,
    A.CONFIRM_RULE: A.SEE_RULES,
    A.GUARD_ACCOUNTS: A.SEE_ACCOUNTS,
    A.MANAGE_SESSION: A.SEE_SESSION,
    A.ISSUE_LINK: A.SEE_SESSION,
    A.JOIN: A.SEE_SESSION,
    A.SEE_MATERIALS: A.SEE_SESSION,
    A.ADD_MATERIAL: A.SEE_SESSION,
    A.KNOW_NAMES: A.SEE_SESSION,
    A.RECEIVE: A.SEE_SESSION,
    A.HANDLE_INCIDENT: A.SEE_SESSION,
    A.HOST: A.SEE_SESSION,
    A.RECORD: A.SEE_SESSION,
    A.SEE_MINUTES: A.SEE_SESSION,
    A.WRITE_MINUTES: A.SEE_SESSION,
    A.SIGN_MINUTES: A.SEE_SESSION,
    A.REPLAY: A.SEE_SESSION,
    A.SEE_MANIFEST: A.SEE_SESSION,
    A.EXPORT_RECORDING: A.SEE_SESSION,
    A.REVIEW_RECORDING: A.SEE_SESSION,
    A.ANSWER_FINDING: A.SEE_SESSION,
    A.SEE_VIEW_LOG: A.SEE_SESSION,
    A.ACKNOWLEDGE_ALARM: A.SEE_ALARMS,
    A.SEE_ARCHIVE: A.SEE_SESSION,
    A.HOLD_RECORDING: A.SEE_SESSION,
    A.PROPOSE_DESTRUCTION: A.SEE_SESSION,
    A.APPROVE_DESTRUCTION: A.SEE_SESSION,
}


class ActorKind(StrEnum):
    """Where an Actor comes from."""

    OFFICIAL = "official"
    INVITEE = "invitee"
    ANONYMOUS = "anonymous"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class PostRef:
    """One live post of an official: a role in an organisation."""

    role: Role
    organisation_id: str
    region_code: str
    tier: Tier
    kind: OrganisationKind = OrganisationKind.PETITION_OFFICE

    @property
    def sees_subtree(self) -> bool:
        """Tell whether the post sees the region below, and not only what its organisation takes part in."""
        return self.role in SUBTREE_ROLES and self.kind is not OrganisationKind.DEPARTMENT


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is asking: a signed-in official, the holder of a personal link, nobody, or the program itself."""

    kind: ActorKind
    name: str = ""
    official_id: str | None = None
    posts: tuple[PostRef, ...] = ()
    invitation_id: str | None = None
    session_id: str | None = None
    invitation_role: InvitationRole | None = None
    csrf_token: str = field(default="", repr=False)
    sign_in_id: str | None = None
    must_change: bool = False  # A one-time password; until then no post counts (cases/signin.py).
    link_id: str | None = None  # With the device that holds it (scheduling/links.py).

    @property
    def organisation_ids(self) -> frozenset[str]:
        """Return the organisations in which the actor holds a post."""
        return frozenset(post.organisation_id for post in self.posts)


ANONYMOUS = Actor(kind=ActorKind.ANONYMOUS)
SYSTEM = Actor(kind=ActorKind.SYSTEM, name="系统")


@dataclass(frozen=True, slots=True)
class Scope:
    """What the policy needs to know of an object. Everything empty means: nobody is concerned."""

    region_codes: frozenset[str] = frozenset()  # Of every organisation concerned.
    organisation_ids: frozenset[str] = frozenset()  # Those that take part themselves.
    owner_organisation_ids: frozenset[str] = frozenset()  # Those that may act: custodian, registrar, host.
    confidential: bool = False
    accused_region_codes: frozenset[str] = frozenset()
    accused_organisation_ids: frozenset[str] = frozenset()
    session_id: str | None = None
    granted_official_ids: frozenset[str] = frozenset()
    invited_official_ids: frozenset[str] = frozenset()  # By name, to this session.
    minutes_writer_ids: frozenset[str] = frozenset()  # Officials and invitations that write in it by name.
    sealed_apart: bool = False  # A mediation: its recording is for its mediators alone.
    mediator_official_ids: frozenset[str] = frozenset()
    mediation: bool = False  # A sitting of a mediation that belongs to no case.


def require(actor: Actor, action: Action, scope: Scope | None = None) -> None:
    """Return if `actor` may do `action` to what `scope` describes; without scope: may ever do it.

    Raises SignInRequired for nobody, NotFound if the actor may not even see it, Forbidden otherwise.
    """
    if allowed(actor, action, scope):
        return
    if actor.kind is ActorKind.ANONYMOUS:
        raise SignInRequired()
    seen = scope is None or allowed(actor, SEEN_BY.get(action, action), scope)
    if not seen and not (scope and _holds_own_session(actor, scope)):
        raise NotFound()
    raise Forbidden()


def allowed(actor: Actor, action: Action, scope: Scope | None = None) -> bool:
    """Answer the same question as `require` without raising."""
    if action in PUBLIC_ACTIONS or actor.kind is ActorKind.SYSTEM:
        return True
    if actor.kind is ActorKind.INVITEE:
        return _invitee_may(actor, action, scope)
    if actor.kind is ActorKind.OFFICIAL:
        return action in SIGNED_IN_ACTIONS or _official_may(actor, action, scope)
    return False


def visible_prefixes(actor: Actor, action: Action) -> tuple[str, ...]:
    """Return the region prefixes below which `actor` may do `action`; the empty prefix means everywhere."""
    if actor.kind is ActorKind.SYSTEM:
        return ("",)
    return tuple(sorted({p.region_code for p in _posts_for(actor, action) if p.sees_subtree}))


def widest_prefixes(actor: Actor, action: Action) -> list[str]:
    """Return those region prefixes that lie in no other one of the actor's."""
    found = visible_prefixes(actor, action)
    return [code for code in found if not any(code != up and covers(up, code) for up in found)]


def visible_organisation_ids(actor: Actor, action: Action) -> tuple[str, ...]:
    """Return the organisations whose objects `actor` sees because it holds a post there."""
    return tuple(sorted({post.organisation_id for post in _posts_for(actor, action)}))


def mediating_organisation_ids(actor: Actor, action: Action) -> tuple[str, ...]:
    """Return the organisations whose sittings without a case `actor` may do `action` to."""
    if actor.kind is not ActorKind.OFFICIAL:
        return ()
    return tuple(sorted({p.organisation_id for p in actor.posts if _mediates(p.role, action)}))


def _posts_for(actor: Actor, action: Action) -> tuple[PostRef, ...]:
    if actor.kind is not ActorKind.OFFICIAL:
        return ()
    return tuple(post for post in actor.posts if action in ROLE_ACTIONS[post.role])


def _mediates(role: Role, action: Action) -> bool:
    known = ROLE_ACTIONS[role] - {A.RECORD}  # Nothing of it is recorded.
    return A.SEE_MEDIATION in known and action in known | MEDIATION_ACTIONS.get(role, frozenset())


def _holds_own_session(actor: Actor, scope: Scope) -> bool:
    own = actor.kind is ActorKind.INVITEE and actor.session_id is not None
    return own and scope.session_id == actor.session_id


def _invitee_may(actor: Actor, action: Action, scope: Scope | None) -> bool:
    if actor.invitation_role is None:
        return False
    let = action is Action.WRITE_MINUTES and scope is not None and _writes_by_name(actor, scope)
    if not let and action not in INVITATION_ACTIONS[actor.invitation_role]:
        return False
    return scope is None or _holds_own_session(actor, scope)


def _writes_by_name(actor: Actor, scope: Scope) -> bool:
    return bool({actor.official_id, actor.invitation_id} & scope.minutes_writer_ids)


def _official_may(actor: Actor, action: Action, scope: Scope | None) -> bool:
    posts = _posts_for(actor, action)
    if scope is None:
        return bool(posts or mediating_organisation_ids(actor, action))
    if scope.mediation:
        posts = tuple(post for post in actor.posts if _mediates(post.role, action))
    if is_accused(actor, scope):
        return False
    if scope.sealed_apart and action in RECORDED and actor.official_id not in scope.mediator_official_ids:
        return False
    if action in COLLEAGUE | NAMES and _is_invited(actor, scope):
        return True
    if action is Action.WRITE_MINUTES and _is_invited(actor, scope) and _writes_by_name(actor, scope):
        return True
    granted = actor.official_id in scope.granted_official_ids
    if scope.confidential and not granted:
        return False
    if granted and action in READ:
        return bool(posts)
    return any(_reaches(post, action, scope) for post in posts)


def _is_above(post: PostRef, scope: Scope) -> bool:
    """An account with a post elsewhere is nobody's to close who administers only one of its places."""
    office = post.kind is not OrganisationKind.DEPARTMENT
    below = office and all(covers(post.region_code, code) for code in scope.region_codes)
    own = scope.organisation_ids == {post.organisation_id}
    return bool(scope.region_codes) and (below or own)


def is_accused(actor: Actor, scope: Scope) -> bool:
    """Tell whether one of the actor's posts is in, or below, an organisation the case accuses (Art. 30)."""
    return any(
        post.organisation_id in scope.accused_organisation_ids or _within(post, scope.accused_region_codes)
        for post in actor.posts
    )


def _is_invited(actor: Actor, scope: Scope) -> bool:
    works_on_cases = any(post.role not in ADMINISTRATORS for post in actor.posts)
    return works_on_cases and actor.official_id in scope.invited_official_ids


def _within(post: PostRef, codes: Iterable[str]) -> bool:
    return any(covers(code, post.region_code) for code in codes)


def _reaches(post: PostRef, action: Action, scope: Scope) -> bool:
    reach = REACH.get(action, Reach.CONCERNED)
    if reach is Reach.OWNER:
        return post.organisation_id in scope.owner_organisation_ids
    if reach is Reach.BELOW:
        return _is_above(post, scope)
    if reach is Reach.OFFICE and post.kind is not OrganisationKind.PETITION_OFFICE:
        return False
    if post.organisation_id in scope.organisation_ids:
        return True
    if reach is Reach.MEMBER or not post.sees_subtree:
        return False
    above = any(covers(post.region_code, code) for code in scope.region_codes)
    return above or (reach is Reach.LINE and _within(post, scope.region_codes))
