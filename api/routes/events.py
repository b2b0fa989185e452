"""Events (同一事件) and alerts (预警)."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from api.problems import documented
from api.routing import JsonRoute
from api.schemas.appeals import AppealOut
from api.schemas.common import Moment
from api.schemas.events import (
    AcknowledgedOut,
    AcknowledgeIn,
    AlertOut,
    AlertPage,
    AlertState,
    DayOut,
    EventActionOut,
    EventDetail,
    EventOrder,
    EventOut,
    EventPage,
    EventState,
    EventStep,
    MergeIn,
    ReopenIn,
    SplitIn,
    UnsurePageOut,
    UnsurePairOut,
    VerdictIn,
)
from api.security import ServiceDep, allowed
from triage.casework import alerts as alert_steps
from triage.casework import event_undo
from triage.casework import events as event_steps
from triage.errors import InputError
from triage.events.facts import local_day
from triage.store import alerts as alert_rows
from triage.store import appeals as appeal_rows
from triage.store import event_steps as step_rows
from triage.store import events as event_rows
from triage.store import unsure as unsure_rows
from triage.store.access import Actor
from triage.store.appeals import AppealFilter
from triage.store.events import EventFilter

events = APIRouter(prefix="/v1/events", tags=["events 事件"], route_class=JsonRoute)
alerts = APIRouter(prefix="/v1/alerts", tags=["alerts 预警"], route_class=JsonRoute)

Reader = Annotated[Actor, Depends(allowed("event.read"))]
Changer = Annotated[Actor, Depends(allowed("event.change"))]
AlertReader = Annotated[Actor, Depends(allowed("alert.read"))]
Acknowledger = Annotated[Actor, Depends(allowed("alert.acknowledge"))]

_SHOWN = 100
"""Appeals listed with their event; all of them are found with ``GET /v1/appeals?event=``."""


@events.get("", responses=documented(401, 403, 422, 429), summary="事件列表 / list events")
def list_events(
    *,
    service: ServiceDep,
    actor: Reader,
    state: EventState | None = None,
    district: Annotated[str | None, Query(max_length=50, description="所在区划")] = None,
    size: Annotated[int | None, Query(ge=1, le=1_000_000, description="件数不少于")] = None,
    risk: Annotated[int | None, Query(ge=0, le=4, description="风险等级不低于")] = None,
    since: Annotated[Moment | None, Query(description="最近一件的收到时间不早于")] = None,
    high_frequency: Annotated[bool | None, Query(description="是否多频事件")] = None,
    watched: Annotated[bool | None, Query(description="是否重点关注")] = None,
    order: Annotated[EventOrder, Query(description="last 最近来件，hot 近日热度，size 件数")] = "last",
    limit: Annotated[int, Query(ge=1, le=event_rows.MOST)] = 50,
    cursor: Annotated[UUID | None, Query(description="上一页返回的 next")] = None,
) -> EventPage:
    """Return events with appeals of the caller's districts in the order asked for, the most first."""
    wanted = EventFilter(
        state=state or "",
        district=district or "",
        size_at_least=size,
        risk_at_least=risk,
        since=since,
        frequent=high_frequency,
        watched=watched,
    )
    with service.desk.database.transaction(actor.scope) as connection:
        page = event_rows.page(
            connection,
            wanted,
            scope=actor.scope,
            order=order,
            after=cursor,
            limit=limit,
            until=local_day(service.desk.clock()),
            cutter=service.desk.words,
        )
    return EventPage(items=[EventOut.model_validate(view) for view in page.items], next=page.next)


@events.get("/unsure", responses=documented(401, 403, 422, 429), summary="待判定的诉求对 / pairs to judge")
def list_unsure(
    *,
    service: ServiceDep,
    actor: Reader,
    probability: Annotated[float, Query(ge=0, le=1, description="概率不低于")] = 0.0,
    limit: Annotated[int, Query(ge=1, le=unsure_rows.MOST)] = 50,
    cursor: Annotated[str | None, Query(max_length=80, description="上一页返回的 next")] = None,
) -> UnsurePageOut:
    """Return pairs of appeals of the caller's districts that a person should judge, the latest first."""
    after = _pair_of(cursor) if cursor else None
    with service.desk.database.transaction(actor.scope) as connection:
        page = unsure_rows.page(connection, least=probability, after=after, limit=limit)
    items = [UnsurePairOut.model_validate(pair) for pair in page.items]
    return UnsurePageOut(items=items, next=".".join(map(str, page.next)) if page.next else None)


_CHANGED = documented(401, 403, 404, 409, 415, 422, 429)


@events.post("/unsure", responses=_CHANGED, summary="判定诉求对 / judge a pair")
def judge(body: VerdictIn, service: ServiceDep, actor: Changer) -> EventStep:
    """Say whether two listed appeals are about one event; answers the event of the older one."""
    view = event_undo.judge(
        service.desk, actor, appeal_id=body.appeal, other_id=body.other, same=body.same, reason=body.reason or ""
    )
    return EventStep.model_validate(view)


@events.get("/{event_id}", responses=documented(401, 403, 404, 422, 429), summary="单个事件 / one event")
def get_event(event_id: UUID, service: ServiceDep, actor: Reader) -> EventDetail:
    """Return an event with its latest appeals, at most 100, of the caller's districts."""
    until = local_day(service.desk.clock())
    with service.desk.database.transaction(actor.scope) as connection:
        view = event_rows.get(connection, event_id, scope=actor.scope, until=until, cutter=service.desk.words)
        days = event_rows.daily(connection, event_id)
        steps = step_rows.of_event(connection, event_id)
        page = appeal_rows.page(connection, AppealFilter(event_id=event_id), limit=_SHOWN)
    return EventDetail(
        **EventOut.model_validate(view).model_dump(),
        daily=[DayOut(day=day, count=count) for day, count in days.items()],
        steps=[EventActionOut.model_validate(step) for step in steps],
        appeals=[AppealOut.model_validate(appeal) for appeal in page.items],
    )


@events.post("/{event_id}/merge", responses=_CHANGED, summary="并单 / merge")
def merge(event_id: UUID, body: MergeIn, service: ServiceDep, actor: Changer) -> EventStep:
    """Move the appeals of other events into this one."""
    view = event_steps.merge(service.desk, actor, into=event_id, others=body.others, reason=body.reason or "")
    return EventStep.model_validate(view)


@events.post("/{event_id}/split", responses=_CHANGED, summary="拆分 / split")
def split(event_id: UUID, body: SplitIn, service: ServiceDep, actor: Changer) -> EventStep:
    """Move appeals of this event into a new one, which is answered; the machine never links the two again."""
    view = event_steps.split(service.desk, actor, event_id, appeal_ids=body.appeals, reason=body.reason or "")
    return EventStep.model_validate(view)


_STEPPED = documented(401, 403, 404, 409, 422, 429)


@events.post("/{event_id}/undo", responses=_STEPPED, summary="撤销并单、拆分或判定 / undo")
def undo(event_id: UUID, service: ServiceDep, actor: Changer) -> EventStep:
    """Take back the latest merge, split or verdict that touched this event."""
    return EventStep.model_validate(event_undo.undo(service.desk, actor, event_id))


@events.post("/{event_id}/close", responses=_STEPPED, summary="办结 / close")
def close(event_id: UUID, service: ServiceDep, actor: Changer) -> EventStep:
    """Close an event and its cases; a new appeal about the matter begins a new event."""
    return EventStep.model_validate(event_steps.close(service.desk, actor, event_id))


@events.post("/{event_id}/reopen", responses=_CHANGED, summary="重新打开 / reopen")
def reopen(event_id: UUID, service: ServiceDep, actor: Changer, body: ReopenIn | None = None) -> EventStep:
    """Open a closed event again: new appeals about the matter join it; its cases stay closed."""
    reason = body.reason if body and body.reason else ""
    return EventStep.model_validate(event_steps.reopen(service.desk, actor, event_id, reason=reason))


@events.post("/{event_id}/watch", responses=_STEPPED, summary="重点关注 / watch")
def watch(event_id: UUID, service: ServiceDep, actor: Changer) -> EventStep:
    """Keep an eye on this event."""
    return EventStep.model_validate(event_steps.watch(service.desk, actor, event_id, watched=True))


@events.post("/{event_id}/unwatch", responses=_STEPPED, summary="取消重点关注 / unwatch")
def unwatch(event_id: UUID, service: ServiceDep, actor: Changer) -> EventStep:
    """No longer keep an eye on this event."""
    return EventStep.model_validate(event_steps.watch(service.desk, actor, event_id, watched=False))


def _pair_of(cursor: str) -> tuple[UUID, UUID]:
    """Read a cursor of pairs.

    Raises:
        InputError: It is none.
    """
    newer, _, older = cursor.partition(".")
    try:
        return UUID(newer), UUID(older)
    except ValueError as error:
        raise InputError("游标无效，请使用上一页返回的 next") from error


@alerts.get("", responses=documented(401, 403, 422, 429), summary="预警列表 / list alerts")
def list_alerts(
    *,
    service: ServiceDep,
    actor: AlertReader,
    state: AlertState | None = None,
    level: Annotated[int | None, Query(ge=0, le=4, description="等级不低于")] = None,
    limit: Annotated[int, Query(ge=1, le=alert_rows.MOST)] = 50,
    cursor: Annotated[UUID | None, Query(description="上一页返回的 next")] = None,
) -> AlertPage:
    """Return warnings of the caller's districts, the latest first."""
    with service.desk.database.transaction(actor.scope) as connection:
        page = alert_rows.page(connection, state=state or "", level_at_least=level, after=cursor, limit=limit)
    return AlertPage(items=[AlertOut.model_validate(view) for view in page.items], next=page.next)


@alerts.post("/{alert_id}/acknowledge", responses=_CHANGED, summary="签收预警 / acknowledge")
def acknowledge(
    alert_id: UUID, service: ServiceDep, actor: Acknowledger, body: AcknowledgeIn | None = None
) -> AcknowledgedOut:
    """Note that a person has taken the warning in hand, and whether it was one: its level in their judgement, 0 if not."""
    judged = body.judged_level if body else None
    return AcknowledgedOut.model_validate(alert_steps.acknowledge(service.desk, actor, alert_id, judged_level=judged))
