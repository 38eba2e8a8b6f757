"""Reach: the terms by which the policy finds a case, and those by which an actor finds what he may see.

A case is found by the units concerned and by every region above them; a confidential one only by leave. An
accused office or unit is left out, with everything below it. What a list shows is held against the live rule
(cases/visibility.py) all the same.
"""

from __future__ import annotations

from cases.casefile import PetitionCase, scope_of
from cases.organisations import covers
from cases.policy import Action, Actor, ActorKind, visible_organisation_ids, widest_prefixes
from cases.register.terms import term_of_office, term_of_region, terms_of_scope

# The term of every case, for the program itself.
EVERYTHING = "a:"


def term_of_grant(official_id: str) -> str:
    """Return the term of cases that an official was given leave to see."""
    return f"g:{official_id}"


def reaches_of_petition(petition: PetitionCase) -> set[str]:
    """Return `r:`, `o:`, `g:` and the term of everything: whoever has one of these finds the case."""
    scope = scope_of(petition)
    found = {EVERYTHING} | {term_of_grant(each) for each in scope.granted_official_ids}
    if petition.confidential:
        return found
    hidden = scope.accused_region_codes
    below = {
        part.organisation_id
        for part in petition.organisations
        if any(covers(code, part.organisation.region_code) for code in hidden)
    }
    found |= terms_of_scope(scope)
    found -= {term_of_office(each) for each in below | scope.accused_organisation_ids}
    return {each for each in found if not any(covers(code, each.removeprefix("r:")) for code in hidden)}


def reaches_of_actor(actor: Actor, action: Action) -> list[str]:
    """Return the fewest terms of which every case has one that the actor may do `action` to."""
    if actor.kind is ActorKind.SYSTEM:
        return [EVERYTHING]
    widest = widest_prefixes(actor, action)
    regions = {post.organisation_id: post.region_code for post in actor.posts}
    own = [
        each
        for each in visible_organisation_ids(actor, action)
        if not any(covers(code, regions[each]) for code in widest)
    ]
    granted = [term_of_grant(actor.official_id)] if actor.official_id else []
    return [term_of_region(code) for code in widest] + [term_of_office(each) for each in own] + granted
