"""A version of a region's deadlines as two administrators let it take effect; it is never changed.

It says everything in which the region differs from the rules of the program that it stands on, so that a
clock can be counted again by its version after any number of later ones.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import Date, String, UniqueConstraint, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from cases.append_only import append_only
from cases.database import ID_LENGTH, Base, new_id
from cases.deadlines.in_force import BUILT_IN_PROFILES, hold_profiles
from cases.deadlines.profile import Profile, add_profile


@append_only
class DeadlineVersion(Base):
    """`content`: `extends`, `law`, `roll_on_holiday`, `duties`, as in profiles.json."""

    __tablename__ = "deadline_versions"
    __table_args__ = (UniqueConstraint("region_code", "version"),)

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    region_code: Mapped[str] = mapped_column(String(12))
    version: Mapped[int]
    effective_on: Mapped[date] = mapped_column(Date)
    name: Mapped[str] = mapped_column(String(256))
    content: Mapped[dict[str, Any]]
    why: Mapped[str] = mapped_column(String(800))
    made_at: Mapped[datetime]
    proposed_by: Mapped[str] = mapped_column(String(256))
    confirmed_by: Mapped[str] = mapped_column(String(256))

    @property
    def code(self) -> str:
        """What a clock keeps of it (`petition_clocks.profile`)."""
        return f"{self.region_code}@{self.version}"


async def load_rules(db: AsyncSession) -> None:
    """Hold in this process what was entered."""
    hold_profiles(profiles_entered(await read_versions(db)))


async def read_versions(db: AsyncSession) -> Sequence[DeadlineVersion]:
    """All of all regions, each region's oldest first. The caller has asked the policy."""
    order = (DeadlineVersion.region_code, DeadlineVersion.version)
    return (await db.scalars(select(DeadlineVersion).order_by(*order))).all()


def profiles_entered(rows: Sequence[DeadlineVersion]) -> Mapping[str, Profile]:
    """The rules of versions by their code."""
    return MappingProxyType({row.code: profile_entered(row) for row in rows})


def profile_entered(row: DeadlineVersion) -> Profile:
    """The rules of one version. Raises ValueError for one that is not whole."""
    told = {
        "name": row.name,
        "regions": [row.region_code],
        "since": row.effective_on.isoformat(),
        "version": row.version,
        **row.content,
    }
    return add_profile(row.code, told, BUILT_IN_PROFILES)
