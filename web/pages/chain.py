"""链与时间戳: how the recordings of each office stand as evidence, and the proof of one recording."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from pathlib import Path

from aiohttp import web

from recordings.evidence.day_root import ledger_of
from recordings.evidence.keys import REGISTER_FILE, KeyRegister, RegisterError, read_register
from recordings.evidence.signing import load_signer
from recordings.packages.day_proof import DayProof, see_proof, take_proof
from recordings.packages.package import Package, zip_package
from recordings.watch.completeness import last_check
from recordings.watch.day_lines import DayLine, LedgerGlance, glance, read_days, read_line
from recordings.watch.standing import list_standing, office_standing, read_place
from web.http.access import client_address
from web.http.paging import onward
from web.keys import ACTOR, CLOCK, DATABASE, SETTINGS
from web.rendering import page
from web.settings import Settings

DAYS_SHOWN = 20


async def show_list(request: web.Request) -> web.StreamResponse:
    after, settings = read_place(request.query.get("after", "")), request.app[SETTINGS]
    async with request.app[DATABASE].session() as db:
        lines, more = await list_standing(db, request.app[CLOCK], request[ACTOR], after, _period(settings))
        check = await last_check(db)
    offices = [line.organisation_id for line in lines]
    ledgers = await asyncio.to_thread(_glances, settings.recordings_root, offices)
    context = {
        "nav": "alarms",
        "lines": [(line, ledgers[line.organisation_id]) for line in lines],
        "check": check,
        "period": settings.recordings.verify_days,
        "authority": settings.stamps.authority,
        "beside": onward("/chain", {}, after is not None, "after", more.spelled() if more else None),
    }
    return page(request, "chain.html", context, title="链与时间戳")


async def show_office(request: web.Request) -> web.StreamResponse:
    settings, office = request.app[SETTINGS], request.match_info["organisation_id"]
    before = _day(request.query.get("before", ""))
    async with request.app[DATABASE].session() as db:
        standing, wanting = await office_standing(
            db, request.app[CLOCK], request[ACTOR], office, _period(settings)
        )
    directory = ledger_of(settings.recordings_root, standing.organisation_id)
    days, older = await asyncio.to_thread(
        read_days, directory, _register(settings), _authority(settings), before, DAYS_SHOWN
    )
    context = {
        "nav": "alarms",
        "standing": standing,
        "wanting": wanting,
        "days": days,
        "beside": onward(
            f"/chain/{office}", {}, before is not None, "before", days[-1].name if older else None
        ),
        "period": settings.recordings.verify_days,
        "authority": settings.stamps.authority,
    }
    return page(request, "chain_office.html", context, title=f"链与时间戳：{standing.name}")


async def show_proof(request: web.Request) -> web.StreamResponse:
    """The proof behind the integrity badge of one recording."""
    settings, recording_id = request.app[SETTINGS], request.match_info["recording_id"]
    async with request.app[DATABASE].session() as db:
        proof = await see_proof(
            db, request[ACTOR], recording_id, settings.recordings_root, _register(settings)
        )
    line = await asyncio.to_thread(_day_of, proof, settings) if proof.day else None
    context = {"nav": "cases", "proof": proof, "line": line, "title": proof.session.title}
    return page(request, "replay_proof.html", context, title=f"日根证明：{proof.session.title}")


async def download_proof(request: web.Request) -> web.StreamResponse:
    """The proof as a ZIP of a few kilobytes that `lianxin verify` reads."""
    settings, recording_id = request.app[SETTINGS], request.match_info["recording_id"]
    signer = await asyncio.to_thread(load_signer, settings.state / "keys")
    async with request.app[DATABASE].session() as db:
        package = await take_proof(
            db, request.app[CLOCK], request[ACTOR], recording_id, settings.recordings_root,
            _register(settings), signer,
            client_address(request),
        )  # fmt: skip
    headers = {
        "Content-Disposition": f'attachment; filename="{package.name}.zip"',
        "Cache-Control": "private, no-store",
    }
    body = await asyncio.to_thread(_zipped, package)
    return web.Response(body=body, content_type="application/zip", headers=headers)


def _period(settings: Settings) -> timedelta:
    return timedelta(days=settings.recordings.verify_days)


def _zipped(package: Package) -> bytes:
    return b"".join(zip_package(package))


def _glances(root: Path, offices: list[str]) -> dict[str, LedgerGlance]:
    return {office: glance(ledger_of(root, office)) for office in offices}


def _day_of(proof: DayProof, settings: Settings) -> DayLine:
    return read_line(proof.directory / f"{proof.day}.json", _register(settings), _authority(settings))


def _register(settings: Settings) -> KeyRegister | None:
    try:
        return read_register(settings.state / "keys" / REGISTER_FILE)
    except RegisterError:
        return None  # The nightly check and `lianxin doctor` say so.


def _authority(settings: Settings) -> Path | None:
    return Path(settings.stamps.certificate) if settings.stamps.authority else None


def _day(typed: str) -> date | None:
    try:
        return date.fromisoformat(typed) if typed.isascii() and len(typed) == len("2026-11-22") else None
    except ValueError:
        return None
