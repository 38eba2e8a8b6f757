"""Papers for the petitioner who has the number and the query code: to keep, and to say that they came.

Both are posted by the page that was asked for with them; neither stands in an address.
"""

from __future__ import annotations

from aiohttp import web
from sqlalchemy.ext.asyncio import AsyncSession

from cases.casefile import PetitionCase
from cases.documents.reading import read_own_file
from cases.mediation.agreement import read_own_agreement
from cases.petitions import find_by_query_code
from web.figures import RATE_LIMITED
from web.http.access import client_address
from web.http.errors import trouble
from web.http.forms import Form
from web.keys import DATABASE, LIMITS
from web.pages.documents import file_name


async def download(request: web.Request) -> web.StreamResponse:
    """POST {number, query_code}: the PDF; wrong numbers, codes and papers look alike."""
    if not request.app[LIMITS].allow("query", client_address(request)):
        RATE_LIMITED.labels("query").inc()
        return trouble(request, 429)
    async with request.app[DATABASE].session() as db:
        petition = await petition_of(db, Form(await request.post()))
        if petition is None:
            return trouble(request, 404)
        document, body = await read_own_file(db, petition, request.match_info["document_id"])
    headers = {"Content-Disposition": f'attachment; filename="{file_name(document)}"'}
    return web.Response(body=body, content_type="application/pdf", headers=headers)


async def agreement(request: web.Request) -> web.StreamResponse:
    """POST {number, query_code}: the petitioner's own mediation agreement; all that is wrong looks alike."""
    if not request.app[LIMITS].allow("query", client_address(request)):
        RATE_LIMITED.labels("query").inc()
        return trouble(request, 429)
    async with request.app[DATABASE].session() as db:
        petition = await petition_of(db, Form(await request.post()))
        if petition is None:
            return trouble(request, 404)
        name, mediation_id = petition.petitioner.name, request.match_info["mediation_id"]
        body = await read_own_agreement(db, petition.id, name, mediation_id)
    headers = {"Content-Disposition": 'attachment; filename="mediation-agreement.pdf"'}
    return web.Response(body=body, content_type="application/pdf", headers=headers)


async def petition_of(db: AsyncSession, form: Form) -> PetitionCase | None:
    """The case of what was posted."""
    return await find_by_query_code(db, form.typed("number")[:40], form.typed("query_code")[:40])
