"""Equipment that can be in one place at a time: a document camera, a self-service terminal, a mobile set."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, String, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column, relationship

from cases.audit import add_audit
from cases.clock import Clock
from cases.database import ID_LENGTH, Base, new_id
from cases.errors import Invalid, NotFound
from cases.fields import clean_name
from cases.organisations import Organisation, OrganisationKind, get_organisation
from cases.policy import Action, Actor, require
from scheduling.booking.slots import scope_of_organisation


class EquipmentKind(StrEnum):
    """What it is for."""

    STATION = "station"
    DOCUMENT_CAMERA = "document_camera"
    MOBILE_SET = "mobile_set"
    OTHER = "other"


EQUIPMENT_KIND_NAMES = {
    EquipmentKind.STATION: "接访终端",
    EquipmentKind.DOCUMENT_CAMERA: "实物展台",
    EquipmentKind.MOBILE_SET: "移动接访设备",
    EquipmentKind.OTHER: "其他设备",
}


class Equipment(Base):
    """One piece of an organisation. `retired_at`: no longer lent."""

    __tablename__ = "equipment"

    id: Mapped[str] = mapped_column(String(ID_LENGTH), primary_key=True, default=new_id)
    organisation_id: Mapped[str] = mapped_column(
        String(ID_LENGTH), ForeignKey("organisations.id"), index=True
    )
    kind: Mapped[EquipmentKind]
    name: Mapped[str] = mapped_column(String(256))
    retired_at: Mapped[datetime | None] = mapped_column(default=None)
    organisation: Mapped[Organisation] = relationship(lazy="joined")


async def add_equipment(
    db: AsyncSession, clock: Clock, actor: Actor, organisation_id: str, kind: str, name: str
) -> Equipment:
    """Enter a piece of an office or station and commit. Raises Invalid at `kind`, `name`, NotFound."""
    organisation = await get_organisation(db, organisation_id)
    require(actor, Action.MANAGE_SLOTS, scope_of_organisation(organisation))
    if organisation.kind is OrganisationKind.DEPARTMENT:
        raise Invalid("bad_organisation", "只有信访部门和接访点可以登记接访设备。", "organisation_id")
    if kind not in set(EquipmentKind):
        raise Invalid("bad_kind", "请选择设备的种类。", "kind")
    row = Equipment(
        id=new_id(), organisation_id=organisation.id, organisation=organisation, kind=EquipmentKind(kind),
        name=clean_name(name, "name", "设备名称"),
    )  # fmt: skip
    db.add(row)
    await add_audit(db, clock, actor, "equipment.added", "equipment", row.id)
    await db.commit()
    return row


async def retire_equipment(db: AsyncSession, clock: Clock, actor: Actor, equipment_id: str) -> Equipment:
    """Lend it no more and commit; what is arranged already stays. Twice is the same as once."""
    row = await db.get(Equipment, equipment_id)
    if row is None:
        raise NotFound("equipment_not_found", "没有找到这件设备。")
    require(actor, Action.MANAGE_SLOTS, scope_of_organisation(row.organisation))
    if row.retired_at is None:
        row.retired_at = clock.now()
        await add_audit(db, clock, actor, "equipment.retired", "equipment", row.id)
        await db.commit()
    return row


async def list_equipment(db: AsyncSession, organisation_ids: Sequence[str]) -> Sequence[Equipment]:
    """What these organisations lend, by organisation and name."""
    query = select(Equipment).where(
        Equipment.organisation_id.in_(organisation_ids), Equipment.retired_at.is_(None)
    )
    return (await db.scalars(query.order_by(Equipment.organisation_id, Equipment.name, Equipment.id))).all()
