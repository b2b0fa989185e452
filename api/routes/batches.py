"""Batches of appeals and how far they are."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from api import problems
from api.problems import Problem, documented
from api.routes.appeals import new_appeal
from api.routing import JsonRoute
from api.schemas.appeals import BatchIn
from api.schemas.operations import JobDetail, JobItemOut, JobList, JobOut
from api.security import ServiceDep, allowed
from triage.casework import batches
from triage.store import jobs
from triage.store.access import Actor

router = APIRouter(tags=["batches 批量"], route_class=JsonRoute)

Poster = Annotated[Actor, Depends(allowed("appeal.batch"))]
Reader = Annotated[Actor, Depends(allowed("job.read"))]


@router.post(
    "/v1/appeals/batch",
    status_code=202,
    responses=documented(401, 403, 415, 422, 429),
    summary="批量登记 / post a batch",
)
def post_batch(body: BatchIn, service: ServiceDep, actor: Poster) -> JobOut:
    """Keep many appeals at once; a worker records them in order. Look at the job for progress and results."""
    most = service.settings.limits.batch_rows
    if len(body.appeals) > most:
        raise Problem(problems.TOO_LARGE, f"一批最多 {most:,} 件；请拆分后再发")
    appeals = [new_appeal(appeal) for appeal in body.appeals]
    job = batches.post(service.desk, actor, appeals, announce=service.queue.announce)
    return JobOut.model_validate(job)


@router.get("/v1/jobs", responses=documented(401, 403, 429), summary="批量任务列表 / list jobs")
def list_jobs(service: ServiceDep, actor: Reader) -> JobList:
    """Return the latest 50 jobs that the caller may see."""
    with service.desk.database.transaction(actor.scope) as connection:
        found = jobs.latest(connection)
    return JobList(items=[JobOut.model_validate(job) for job in found])


@router.get("/v1/jobs/{job_id}", responses=documented(401, 403, 404, 422, 429), summary="批量任务 / one job")
def get_job(
    job_id: UUID,
    service: ServiceDep,
    actor: Reader,
    after: Annotated[int, Query(ge=0, le=1_000_000, description="列出此行之后的各行")] = 0,
) -> JobDetail:
    """Return a job with up to 100 of its rows."""
    with service.desk.database.transaction(actor.scope) as connection:
        job = jobs.get(connection, job_id)
        rows = jobs.items(connection, job_id, after=after)
    items = [JobItemOut(row=row.row, appeal_id=row.appeal_id, error=row.error) for row in rows]
    return JobDetail(**JobOut.model_validate(job).model_dump(), items=items)
