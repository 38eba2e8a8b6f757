"""Whose cases a figure is about: what the asker reaches, narrowed by what he asked for.

Secret cases, and cases that accuse an organisation, are in no figure: a sum of one would tell the accused
that there is one (Art. 30). So whoever sees a figure may also see the list behind it.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import Channel, PetitionCase, PetitionClass
from cases.organisations import Organisation
from cases.policy import Action, Actor, visible_organisation_ids, visible_prefixes

# What may be in a figure at all, and what may not, as the index of these few says it.
COUNTED = and_(PetitionCase.confidential.is_(False), PetitionCase.accused_organisation_id.is_(None))
UNCOUNTED = or_(PetitionCase.confidential.is_(True), PetitionCase.accused_organisation_id.is_not(None))


@dataclass(frozen=True, slots=True)
class Filters:
    """What is asked for; empty means all. `region`: a region code with everything below it, or, where `own`,
    that level alone: what the city itself keeps, without its districts.
    """

    region: str = ""
    own: bool = False
    office_id: str = ""
    unit_id: str = ""
    channel: Channel | None = None
    class_: PetitionClass | None = None


@dataclass(frozen=True, slots=True)
class Ground:
    """The organisations a question is about: `offices` keep the cases, None for those of any office."""

    offices: tuple[Organisation, ...]
    units: tuple[str, ...]
    filters: Filters

    def condition(self) -> ColumnElement[bool]:
        """On PetitionCase."""
        keepers = PetitionCase.custodian_id.in_([office.id for office in self.offices])
        mine = or_(keepers, PetitionCase.handler_id.in_(self.units)) if self.units else keepers
        asked = [COUNTED, mine]
        filters = self.filters
        if filters.unit_id:
            asked.append(PetitionCase.handler_id == filters.unit_id)
        if filters.channel:
            asked.append(PetitionCase.channel == filters.channel)
        if filters.class_:
            asked.append(PetitionCase.class_ == filters.class_)
        return and_(*asked)


async def find_ground(db: AsyncSession, actor: Actor, filters: Filters) -> Ground:
    """Where `actor` may count. The caller has asked the policy for SEE_FIGURES."""
    prefixes = visible_prefixes(actor, Action.SEE_FIGURES)
    below = [Organisation.region_code.startswith(prefix, autoescape=True) for prefix in prefixes]
    offices: tuple[Organisation, ...] = ()
    if below:
        query = select(Organisation).where(or_(*below))
        if filters.region and filters.own:
            query = query.where(Organisation.region_code == filters.region)
        elif filters.region:
            query = query.where(Organisation.region_code.startswith(filters.region, autoescape=True))
        if filters.office_id:
            query = query.where(Organisation.id == filters.office_id)
        order = Organisation.region_code, Organisation.kind.desc(), Organisation.name
        offices = tuple((await db.scalars(query.order_by(*order))).all())
    narrowed = bool(filters.region or filters.office_id)
    units = () if narrowed else visible_organisation_ids(actor, Action.SEE_FIGURES)
    return Ground(offices, units, filters)
