"""The organisation tree of Lanzhou: Gansu, the city, its eight districts and counties, their townships.

Region codes are those of the statistics bureau (2023); the county part agrees with GB/T 2260. Lanzhou New
Area (620171) is a statistical code and no district, and is left out.
"""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from cases.database import new_id
from cases.organisations import Organisation, OrganisationKind, Tier

PROVINCE_CODE = "62"
CITY_CODE = "6201"
DISTRICTS = {
    "620102": "城关区",
    "620103": "七里河区",
    "620104": "西固区",
    "620105": "安宁区",
    "620111": "红古区",
    "620121": "永登县",
    "620122": "皋兰县",
    "620123": "榆中县",
}
# The last three digits of the code, then the name.
TOWNSHIPS = {
    "620102": (
        "001酒泉路街道 002张掖路街道 003雁南街道 004临夏路街道 005雁北街道 006五泉街道 "
        "007白银路街道 008皋兰路街道 009广武门街道 010伏龙坪街道 011靖远路街道 012草场街街道 "
        "013火车站街道 014拱星墩街道 015东岗街道 016团结新村街道 017东岗西路街道 018铁路东村街道 "
        "019铁路西村街道 020渭源路街道 021盐场路街道 022嘉峪关路街道 023焦家湾街道 024青白石街道 "
        "025雁园街道"
    ),
    "620103": (
        "001西园街道 002西湖街道 003建兰路街道 004敦煌路街道 005西站街道 006晏家坪街道 "
        "007龚家湾街道 008土门墩街道 009秀川街道 100阿干镇 101八里镇 102彭家坪镇 "
        "103西果园镇 104黄峪镇 201魏岭乡"
    ),
    "620104": (
        "001陈坪街道 002先锋路街道 003福利路街道 004西固城街道 005四季青街道 006临洮街街道 "
        "007西柳沟街道 100新城镇 101东川镇 102河口镇 103达川镇 104柳泉镇 "
        "204金沟乡"
    ),
    "620105": (
        "001培黎街道 002安宁西路街道 003沙井驿街道 004十里店街道 005孔家崖街道 006银滩路街道 "
        "007刘家堡街道 008安宁堡街道 100忠和镇 101九合镇"
    ),
    "620111": ("001窑街街道 003矿区街道 004华龙街道 101海石湾镇 102花庄镇 103平安镇 104红古镇"),
    "620121": (
        "100城关镇 101红城镇 102中堡镇 103武胜驿镇 104河桥镇 105连城镇 "
        "106苦水镇 109大同镇 110龙泉寺镇 111树屏镇 113柳树镇 114通远镇 "
        "201坪城乡 202民乐乡 204七山乡"
    ),
    "620122": ("100石洞镇 103什川镇 105水阜镇 106黑石镇"),
    "620123": (
        "100城关镇 101夏官营镇 102高崖镇 103金崖镇 104和平镇 105甘草店镇 "
        "106青城镇 107定远镇 108连搭镇 109新营镇 110贡井镇 202小康营乡 "
        "205马坡乡 207清水驿乡 208龙泉乡 209韦营乡 210中连川乡 212园子岔乡 "
        "213上花岔乡 214哈岘乡"
    ),
}


async def seed_lanzhou(db: AsyncSession) -> dict[str, Organisation]:
    """Create what is missing of the tree and commit. Returns the offices and stations by region code.

    Every district also gets one department, a housing bureau, so that there is a responsible unit to invite.
    """
    found = await db.scalars(select(Organisation).where(Organisation.region_code.startswith(PROVINCE_CODE)))
    known = {(each.region_code, each.name): each for each in found}
    offices: dict[str, Organisation] = {}
    for wanted in _plan():
        parent = offices.get(_parent_code(wanted))
        wanted.parent_id = parent.id if parent else None
        organisation = known.get((wanted.region_code, wanted.name), wanted)
        if organisation is wanted:
            db.add(wanted)
            await db.flush()
        if organisation.kind is not OrganisationKind.DEPARTMENT:
            offices[organisation.region_code] = organisation
    await db.commit()
    return offices


def _plan() -> list[Organisation]:
    """Return the whole tree, parents first, as rows that are not in any database yet."""
    office, department, station = (
        OrganisationKind.PETITION_OFFICE,
        OrganisationKind.DEPARTMENT,
        OrganisationKind.STATION,
    )
    plan = [
        _organisation(PROVINCE_CODE, "甘肃省信访局", "省信访局", Tier.PROVINCE, office),
        _organisation(CITY_CODE, "兰州市信访局", "市信访局", Tier.CITY, office),
    ]
    for code, name in DISTRICTS.items():
        plan.append(_organisation(code, f"{name}信访局", f"{name}信访局", Tier.DISTRICT, office))
        housing = f"{name}住房和城乡建设局"
        plan.append(_organisation(code, housing, f"{name}住建局", Tier.DISTRICT, department))
        for entry in TOWNSHIPS[code].split():
            township = entry[3:]
            full = f"{name}{township}视频接访点"
            plan.append(_organisation(code + entry[:3], full, township, Tier.TOWNSHIP, station))
    return plan


def _organisation(code: str, name: str, short_name: str, tier: Tier, kind: OrganisationKind) -> Organisation:
    return Organisation(id=new_id(), region_code=code, name=name, short_name=short_name, tier=tier, kind=kind)


def _parent_code(organisation: Organisation) -> str:
    """Return the region of the office above; a department stands under its own region's office."""
    if organisation.kind is OrganisationKind.DEPARTMENT:
        return organisation.region_code
    lengths = {Tier.PROVINCE: 0, Tier.CITY: 2, Tier.DISTRICT: 4, Tier.TOWNSHIP: 6}
    return organisation.region_code[: lengths[organisation.tier]]
