"""The policy as a condition in SQL, so that lists hold what `policy.allowed` permits one by one."""

from __future__ import annotations

import functools

from sqlalchemy import ColumnElement, Select, and_, exists, false, literal, or_, select, true

from cases.casefile import PetitionCase, PetitionGrant, PetitionOrganisation
from cases.organisations import Organisation, OrganisationKind
from cases.policy import Action, Actor, ActorKind, visible_organisation_ids, visible_prefixes

# Conditions that are kept as they were put together; to do so takes longer than many a database to answer.
MOST_KEPT = 1000


def visible_petitions(actor: Actor, action: Action = Action.SEE_PETITION) -> ColumnElement[bool]:
    """Return the condition on PetitionCase under which `actor` may do `action` (one that reads)."""
    return _visible_petitions(_asker(actor), action)


@functools.lru_cache(maxsize=MOST_KEPT)
def _visible_petitions(actor: Actor, action: Action) -> ColumnElement[bool]:
    if actor.kind is ActorKind.SYSTEM:
        return true()
    if actor.kind is not ActorKind.OFFICIAL or not visible_organisation_ids(actor, action):
        return false()
    # EXISTS, not IN: SQLite would first write down every case that the actor may see.
    concerned = exists().where(
        PetitionOrganisation.petition_id == PetitionCase.id,
        PetitionOrganisation.organisation_id.in_(reachable_organisations(actor, action)),
    )
    public = and_(PetitionCase.confidential.is_(False), concerned.correlate(PetitionCase))
    return and_(not_accused(actor), or_(_is_granted(actor), public))


def _asker(actor: Actor) -> Actor:
    """The actor with what decides alone: no name, no token, the same for all his sign-ins."""
    return Actor(kind=actor.kind, official_id=actor.official_id, posts=actor.posts)


def reachable_organisations(actor: Actor, action: Action) -> Select[str]:
    """Return a query for the organisations whose part in an object makes it visible to `actor`."""
    own = Organisation.id.in_(visible_organisation_ids(actor, action))
    below = [Organisation.region_code.startswith(p) for p in visible_prefixes(actor, action)]
    return select(Organisation.id).where(or_(own, *below))


def open_to(actor: Actor) -> ColumnElement[bool]:
    """Return the condition under which a case is neither secret to `actor` nor accuses its organisation."""
    if actor.kind is ActorKind.SYSTEM:
        return true()
    public = PetitionCase.confidential.is_(False)
    return and_(not_accused(actor), or_(public, _is_granted(actor)))


def not_accused(actor: Actor) -> ColumnElement[bool]:
    """Return the condition under which no post of `actor` is in, or below, the accused organisation."""
    if not actor.posts:
        return true()
    own = Organisation.id.in_(sorted(actor.organisation_ids))
    above = [
        and_(
            Organisation.kind != OrganisationKind.DEPARTMENT,
            literal(post.region_code).startswith(Organisation.region_code),
        )
        for post in actor.posts
    ]
    accused = select(Organisation.id).where(or_(own, *above))
    return or_(
        PetitionCase.accused_organisation_id.is_(None), PetitionCase.accused_organisation_id.not_in(accused)
    )


def _is_granted(actor: Actor) -> ColumnElement[bool]:
    given = exists().where(
        PetitionGrant.petition_id == PetitionCase.id, PetitionGrant.official_id == actor.official_id
    )
    return given.correlate(PetitionCase)
