"""The city's units."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from starlette.concurrency import run_in_threadpool

from api.problems import documented
from api.routing import JsonRoute
from api.schemas.operations import UnitImportOut, UnitList, UnitOut
from api.schemas.terms import UnitDiffOut
from api.security import ServiceDep, allowed
from api.uploads import TABLES, received, takes
from triage.casework import unit_lists
from triage.store.access import Actor

router = APIRouter(prefix="/v1/units", tags=["units 单位"], route_class=JsonRoute)

Reader = Annotated[Actor, Depends(allowed("unit.read"))]
Changer = Annotated[Actor, Depends(allowed("unit.change"))]


@router.get("", responses=documented(401, 403, 429), summary="单位名录 / list units")
def list_units(service: ServiceDep, actor: Reader) -> UnitList:
    """Return the valid list, in the order of its import."""
    return UnitList(items=[UnitOut.model_validate(row.unit) for row in unit_lists.valid_units(service.desk, actor)])


@router.post(
    "/diff",
    responses=documented(401, 403, 415, 422, 429),
    openapi_extra=takes(TABLES),
    summary="名录差异（不改动） / compare a list",
)
async def diff_units(request: Request, service: ServiceDep, actor: Changer) -> UnitDiffOut:
    """Say what importing a csv or xlsx file (the body) would change: units that come, change, go, and their open appeals."""
    async with received(request, TABLES) as path:
        found = await run_in_threadpool(unit_lists.diff_units, service.desk.database, actor, path)
    return UnitDiffOut.model_validate({**asdict(found.changes), "open_at": found.open_at, "seen": found.seen})


@router.post(
    "/import",
    responses=documented(401, 403, 409, 415, 422, 429),
    openapi_extra=takes(TABLES),
    summary="导入名录（整表替换） / import the list",
)
async def import_units(
    request: Request,
    service: ServiceDep,
    actor: Changer,
    seen: Annotated[
        str | None, Query(max_length=64, pattern="^[0-9a-f]+$", description="查看差异时返回的 seen")
    ] = None,
) -> UnitImportOut:
    """Replace the list by that of a csv or xlsx file (the body); proposals follow within seconds, former rows are kept.

    With the ``seen`` of `POST /v1/units/diff` only what was looked at is applied: 409, if list or file changed meanwhile.
    """
    async with received(request, TABLES) as path:
        done = await run_in_threadpool(unit_lists.import_units, service.desk, actor, path, seen=seen)
    await run_in_threadpool(service.shelf.watcher.poll)
    return UnitImportOut.model_validate(done)
