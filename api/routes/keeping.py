"""Figures, the audit, and the right to be forgotten."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query

from api import problems
from api.problems import Problem, documented
from api.routing import JsonRoute
from api.schemas.operations import (
    AuditCheck,
    AuditPage,
    AuditRow,
    CountOut,
    ErasedOut,
    EraseIn,
    OverviewOut,
    RiskCountOut,
)
from api.security import ServiceDep, allowed
from triage.casework import auditing, overview, privacy
from triage.rules.deadlines import CHINA
from triage.store.access import Actor
from triage.store.audit import SEAL_FILE

reports = APIRouter(prefix="/v1/reports", tags=["reports 报表"], route_class=JsonRoute)
audits = APIRouter(prefix="/v1/audit", tags=["audit 审计"], route_class=JsonRoute)
appellants = APIRouter(prefix="/v1/appellants", tags=["privacy 个人信息"], route_class=JsonRoute)

ReportReader = Annotated[Actor, Depends(allowed("report.read"))]
AuditReader = Annotated[Actor, Depends(allowed("audit.read"))]
Eraser = Annotated[Actor, Depends(allowed("appellant.erase"))]


@reports.get("/overview", responses=documented(401, 403, 422, 429), summary="日、周概览 / figures of some days")
def read_overview(
    service: ServiceDep,
    actor: ReportReader,
    day: Annotated[date | None, Query(description="第一天；缺省为今天 / first day")] = None,
    days: Annotated[int, Query(ge=1, le=overview.MOST_DAYS, description="天数；一周为 7")] = 1,
) -> OverviewOut:
    """Count the appeals of some days by unit, category, district and risk; only what the caller may see."""
    first = day or datetime.now(CHINA).date()
    if not 1990 <= first.year <= 2099:
        raise Problem(problems.INVALID, "query.day：应在 1990 年至 2099 年之间")
    found = overview.overview(service.desk, actor, first=first, days=days)
    return OverviewOut(
        since=found.since,
        until=found.until,
        total=found.total,
        units=[CountOut.model_validate(count) for count in found.units],
        categories=[CountOut.model_validate(count) for count in found.categories],
        districts=[CountOut.model_validate(count) for count in found.districts],
        risks=[RiskCountOut(level=level, count=count) for level, count in enumerate(found.risks)],
    )


@audits.get("", responses=documented(401, 403, 422, 429), summary="审计记录 / list the audit")
def list_audit(
    service: ServiceDep,
    actor: AuditReader,
    before: Annotated[int | None, Query(ge=1, le=1 << 62, description="只列此编号之前的记录")] = None,
    limit: Annotated[int, Query(ge=1, le=auditing.MOST)] = 50,
) -> AuditPage:
    """Return who did what, the latest first."""
    rows = auditing.entries(service.desk, actor, before=before, limit=limit)
    following = rows[-1].id if len(rows) == limit and rows[-1].id > 1 else None
    return AuditPage(items=[AuditRow.model_validate(row) for row in rows], next=following)


@audits.get("/verify", responses=documented(401, 403, 429), summary="校验审计链 / verify the chain")
def verify_audit(service: ServiceDep, actor: AuditReader) -> AuditCheck:
    """Compute the chain of hashes again and name the first row that does not fit."""
    data = service.settings.store.data
    report = auditing.check(service.desk, actor, seal=data / SEAL_FILE if data else None)
    return AuditCheck.model_validate(report)


@appellants.post("/erase", responses=documented(401, 403, 415, 422, 429), summary="按申请删除 / erase a person")
def erase(body: EraseIn, service: ServiceDep, actor: Eraser) -> ErasedOut:
    """Remove texts, address and every quote of all appeals of one person; that there were appeals is kept."""
    return ErasedOut.model_validate(privacy.erase(service.desk, actor, body.user))
