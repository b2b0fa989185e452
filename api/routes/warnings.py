"""The history of warning levels (升级记录): which event rose when, and why."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from api.problems import documented
from api.routing import JsonRoute
from api.schemas.common import Moment
from api.schemas.warnings import EscalationOut, EscalationPage, Ground
from api.security import ServiceDep, allowed
from triage.store import escalations
from triage.store.access import Actor

router = APIRouter(prefix="/v1/escalations", tags=["alerts 预警"], route_class=JsonRoute)

Reader = Annotated[Actor, Depends(allowed("alert.read"))]


@router.get("", responses=documented(401, 403, 422, 429), summary="升级记录 / list escalations")
def list_escalations(
    *,
    service: ServiceDep,
    actor: Reader,
    event: Annotated[UUID | None, Query(description="只看该事件")] = None,
    level: Annotated[int | None, Query(ge=0, le=4, description="升至的等级不低于")] = None,
    ground: Ground | None = None,
    since: Annotated[Moment | None, Query(description="发生时间不早于")] = None,
    limit: Annotated[int, Query(ge=1, le=escalations.MOST)] = 50,
    cursor: Annotated[int | None, Query(ge=1, le=2**63 - 1, description="上一页返回的 next")] = None,
) -> EscalationPage:
    """Return why the levels of events rose, the latest first, as it stands for the caller's districts."""
    with service.desk.database.transaction(actor.scope) as connection:
        page = escalations.page(
            connection,
            event_id=event,
            level_at_least=level,
            ground=ground or "",
            since=since,
            after=cursor,
            limit=limit,
        )
    return EscalationPage(items=[EscalationOut.model_validate(one) for one in page.items], next=page.next)
