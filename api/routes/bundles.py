"""Models in production."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool

from api.problems import documented
from api.routing import JsonRoute
from api.schemas.operations import BundleList, BundleOut, ComparisonOut, PromoteIn, PromotionOut, RollBackIn
from api.security import ServiceDep, allowed
from api.uploads import ARCHIVES, received, takes
from triage.casework import bundles
from triage.casework.bundles import Promotion, Shelf
from triage.store.access import Actor
from triage.store.bundles import StoredBundle

router = APIRouter(prefix="/v1/bundles", tags=["bundles 模型"], route_class=JsonRoute)

Reader = Annotated[Actor, Depends(allowed("bundle.read"))]
Changer = Annotated[Actor, Depends(allowed("bundle.change"))]


@router.get("", responses=documented(401, 403, 429), summary="模型列表 / list bundles")
def list_bundles(service: ServiceDep, actor: Reader) -> BundleList:
    """Return all uploaded bundles, the latest first, and the name of what decides now."""
    found = bundles.listed(service.shelf, actor)
    items = [BundleOut.model_validate(bundle) for bundle in found]
    return BundleList(items=items, deciding=service.desk.current().bundle)


@router.post(
    "",
    status_code=201,
    responses=documented(401, 403, 409, 415, 422, 429),
    openapi_extra=takes(ARCHIVES),
    summary="上传模型 / upload a bundle",
)
async def upload(request: Request, service: ServiceDep, actor: Changer) -> BundleOut:
    """Store a bundle (zip, tar or tar.gz as the body) after every file of it was checked; it decides nothing yet."""
    async with received(request, ARCHIVES) as path:
        stored = await run_in_threadpool(_upload, service.shelf, actor, path)
    return BundleOut.model_validate(stored)


def _upload(shelf: Shelf, actor: Actor, path: Path) -> StoredBundle:
    with path.open("rb") as archive:
        return bundles.upload(shelf, actor, archive)


@router.post("/{bundle_id}/evaluate", responses=documented(401, 403, 404, 422, 429), summary="评测 / evaluate")
def evaluate(bundle_id: UUID, service: ServiceDep, actor: Changer) -> ComparisonOut:
    """Compare a bundle with the deciding one on recent decisions that people confirmed."""
    return ComparisonOut.model_validate(bundles.evaluate(service.shelf, actor, bundle_id))


@router.post("/{bundle_id}/promote", responses=documented(401, 403, 404, 409, 415, 422, 429), summary="启用 / promote")
def promote(bundle_id: UUID, body: PromoteIn, service: ServiceDep, actor: Changer) -> PromotionOut:
    """Let a bundle decide from now on, without dropping a request; refused if it does worse, unless forced with a reason."""
    done = bundles.promote(service.shelf, actor, bundle_id, force=body.force, reason=body.reason or "")
    return _promoted(done)


@router.post("/rollback", responses=documented(401, 403, 409, 415, 422, 429), summary="回退 / roll back")
def roll_back(body: RollBackIn, service: ServiceDep, actor: Changer) -> PromotionOut:
    """Let the former bundle decide again."""
    return _promoted(bundles.roll_back(service.shelf, actor, reason=body.reason or ""))


def _promoted(done: Promotion) -> PromotionOut:
    comparison = ComparisonOut.model_validate(done.comparison) if done.comparison else None
    return PromotionOut(active=done.active, former=done.former, comparison=comparison)
