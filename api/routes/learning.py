"""Learning from people: what to decide next, and what has changed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api.problems import documented
from api.routing import JsonRoute
from api.schemas.learning import DriftOut, QueueItemOut, QueueOut
from api.security import ServiceDep, allowed
from triage.casework.learning import drift as reports
from triage.casework.learning import queue
from triage.store.access import Actor

router = APIRouter(prefix="/v1", tags=["learning 学习"], route_class=JsonRoute)

Reviewer = Annotated[Actor, Depends(allowed("appeal.review"))]
ReportReader = Annotated[Actor, Depends(allowed("report.read"))]


@router.get(
    "/review-queue", responses=documented(401, 403, 422, 429), summary="按学习价值排序的待派诉求 / what to decide next"
)
def review_queue(
    service: ServiceDep,
    actor: Reviewer,
    limit: Annotated[int, Query(ge=1, le=queue.MOST)] = 50,
) -> QueueOut:
    """Return waiting appeals of the caller's districts, those first that teach most; urgent ones are found by risk."""
    found = queue.review_queue(service.desk, actor, limit=limit)
    return QueueOut(items=[QueueItemOut.model_validate(item) for item in found])


@router.get("/reports/drift", responses=documented(401, 403, 422, 429), summary="数据变化报告 / what has changed")
def read_drift(
    service: ServiceDep,
    actor: ReportReader,
    days: Annotated[int, Query(ge=1, le=reports.MOST_DAYS, description="近期天数")] = 7,
    before: Annotated[int, Query(ge=1, le=4 * reports.MOST_DAYS, description="对照期天数")] = 56,
) -> DriftOut:
    """Compare the latest days with the weeks before: new words, precision of proposals per unit, new units."""
    return DriftOut.model_validate(reports.drift(service.desk, actor, days=days, before=before))
