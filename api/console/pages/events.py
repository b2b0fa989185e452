"""同类诉求: events with how they grow; joined, parted, watched, closed and opened again by people, and all that undone."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any, Literal
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Depends, Query
from starlette.responses import Response

from api.console.charts import growth_chart
from api.console.routing import page_router
from api.console.visit import Visit, visitor
from triage.casework import event_undo
from triage.casework import events as steps
from triage.errors import InputError
from triage.rules.deadlines import CHINA
from triage.store import appeals, event_steps, events, people
from triage.store import unsure as pairs
from triage.store.appeals import AppealFilter
from triage.store.events import EventFilter, EventView
from triage.store.narrow import look_up

router = page_router()

Reader = Annotated[Visit, Depends(visitor("event.read"))]
Changer = Annotated[Visit, Depends(visitor("event.change"))]

PATH = "/console/events"
PAGE = 40
SHOWN_APPEALS = 200
SPARK_DAYS = 14
MOST_DAYS = 60
"""Days of a growth curve; of a longer event the last ones."""
ORDERS = {"hot": "热度", "last": "最近", "size": "件数"}
STATES = {"open": "办理中", "closed": "已办结", "merged": "已并入", "": "全部"}
STEPS = {
    "merge": "并单",
    "split": "拆分",
    "close": "办结",
    "reopen": "重新打开",
    "watch": "关注",
    "unwatch": "取消关注",
    "undo": "撤销",
    "same": "判为同一事件",
    "apart": "判为不同事件",
}


@router.get("/events")
def show(
    visit: Reader,
    *,
    order: Annotated[Literal["hot", "last", "size"], Query()] = "hot",
    state: Annotated[Literal["open", "closed", "merged", ""], Query()] = "open",
    frequent: bool = False,
    watched: bool = False,
    risk: Annotated[int | None, Query(ge=0, le=4)] = None,
    size: Annotated[int, Query(ge=1, le=1_000_000)] = 2,
    district: Annotated[str, Query(max_length=50)] = "",
    cursor: UUID | None = None,
) -> Response:
    """Show events."""
    wanted = EventFilter(
        state=state,
        size_at_least=size if state != "merged" else None,
        risk_at_least=risk,
        district=district,
        frequent=frequent or None,
        watched=watched or None,
    )
    today = _today(visit)
    since = today - timedelta(days=SPARK_DAYS - 1)
    with visit.desk.database.transaction(visit.actor.scope) as connection:
        look_up(connection, visit.actor.scope)
        page = events.page(
            connection, wanted, scope=visit.actor.scope, order=order, after=cursor, limit=PAGE, until=today
        )
        daily = events.daily_many(connection, [event.id for event in page.items], since=since)
    days = [since + timedelta(days=number) for number in range(SPARK_DAYS)]
    chosen: dict[str, Any] = {
        "order": order,
        "state": state,
        "frequent": frequent,
        "watched": watched,
        "risk": risk,
        "size": size,
    }
    shown: dict[str, Any] = {
        "events": page.items,
        "sparks": {event: [counts.get(day, 0) for day in days] for event, counts in daily.items()},
        "flat": [0] * SPARK_DAYS,
        "next": _following(chosen, district, page.next),
        "address": lambda **changed: _address({**chosen, "district": district, **changed}),
    }
    if visit.partial:
        return visit.fragment("events/_rows.html", **shown)
    chosen["district"] = district
    return visit.page("events/index.html", title="同类诉求", chosen=chosen, orders=ORDERS, states=STATES, **shown)


@router.get("/events/unsure")
def unsure(visit: Reader, after: UUID | None = None, other: UUID | None = None) -> Response:
    """Show pairs that the machine leaves to a person; ``after`` and ``other`` are the last pair of the page before."""
    last = (after, other) if after and other else None
    with visit.desk.database.transaction(visit.actor.scope) as connection:
        look_up(connection, visit.actor.scope)
        page = pairs.page(connection, after=last, limit=20)
    following = f"{PATH}/unsure?{urlencode({'after': page.next[0], 'other': page.next[1]})}" if page.next else ""
    if visit.partial:
        return visit.fragment("events/_pairs.html", pairs=page.items, next=following)
    return visit.page("events/unsure.html", title="待核实的同类", pairs=page.items, next=following)


@router.post("/events/unsure")
def judge(visit: Changer) -> Response:
    """Note whether two appeals are about the same event."""
    pair, same = visit.posted.ids("appeal"), visit.posted.text("verdict")
    if len(pair) != 2 or same not in ("same", "apart"):
        raise InputError("请选择“同一事件”或“不同事件”")
    event_undo.judge(visit.desk, visit.actor, appeal_id=pair[0], other_id=pair[1], same=same == "same")
    return visit.fragment("events/_judged.html", notice=f"已{STEPS[same]}", same=same == "same")


@router.post("/events/merge")
def merge_chosen(visit: Changer) -> Response:
    """Make the ticked events one: the others go into the one with the most appeals."""
    chosen = visit.posted.ids("event")
    if len(chosen) < 2:
        raise InputError("请至少选择两个事件再并单")
    with visit.desk.database.transaction(visit.actor.scope) as connection:
        look_up(connection, visit.actor.scope)
        found = [events.get(connection, one, scope=visit.actor.scope) for one in dict.fromkeys(chosen)]
    kept = max(found, key=lambda event: (event.size, -event.first_at.timestamp()))
    return _merged(visit, kept.id, [event.id for event in found if event.id != kept.id])


@router.get("/events/{event_id}")
def one(event_id: UUID, visit: Reader) -> Response:
    """Show an event with its appeals, its growth and what people did to it."""
    today = _today(visit)
    with visit.desk.database.transaction(visit.actor.scope) as connection:
        look_up(connection, visit.actor.scope)
        event = events.get(connection, event_id, scope=visit.actor.scope, until=today)
        page = appeals.page(connection, AppealFilter(event_id=event_id), limit=SHOWN_APPEALS)
        daily = events.daily(connection, event_id)
        done = event_steps.of_event(connection, event_id)
        names = people.names(connection, sorted({step.actor for step in done}))
    days = curve_days(event, today)
    return visit.page(
        "events/one.html",
        title=event.title or "同类诉求",
        event=event,
        appeals=page.items,
        more=page.next is not None,
        days=days,
        daily=daily,
        growth=growth_chart(daily, days),
        steps=done,
        step_names=STEPS,
        names=names,
        undoable=any(step.kind in event_steps.REVERSIBLE and step.undone_at is None for step in done),
    )


@router.get("/events/{event_id}/partners")
def partners(event_id: UUID, visit: Changer, q: Annotated[str, Query(max_length=100)] = "") -> Response:
    """Show open events that this one could be joined with: those whose appeals hold the words, else the latest."""
    scope = visit.actor.scope
    with visit.desk.database.transaction(scope) as connection:
        look_up(connection, scope)
        if q.strip():
            page = appeals.page(connection, AppealFilter(words=q), limit=100)
            found = events.get_many(connection, list({view.event_id for view in page.items}), scope=scope)
            listed = sorted(found.values(), key=lambda event: event.last_at, reverse=True)
        else:
            listed = list(events.page(connection, EventFilter(state="open"), scope=scope, limit=30).items)
    chosen = [event for event in listed if event.id != event_id and event.state == "open"][:20]
    return visit.fragment("events/_partners.html", events=chosen, q=q)


@router.post("/events/{event_id}/merge")
def merge(event_id: UUID, visit: Changer) -> Response:
    """Move the appeals of other events into this one."""
    return _merged(visit, event_id, visit.posted.ids("event"))


@router.post("/events/{event_id}/split")
def split(event_id: UUID, visit: Changer) -> Response:
    """Move the ticked appeals into an event of their own."""
    chosen, reason = visit.posted.ids("appeal"), visit.posted.text("reason")
    fresh = steps.split(visit.desk, visit.actor, event_id, appeal_ids=chosen, reason=reason)
    return visit.redirect(f"{PATH}/{event_id}", f"已拆出 {fresh.size} 件，成为新的事件；系统不会再把它们并到一起")


@router.post("/events/{event_id}/{step}")
def change(event_id: UUID, step: Literal["close", "reopen", "watch", "unwatch", "undo"], visit: Changer) -> Response:
    """Close an event, open it again, watch it, or take back the latest step."""
    desk, actor = visit.desk, visit.actor
    if step == "close":
        steps.close(desk, actor, event_id)
    elif step == "reopen":
        steps.reopen(desk, actor, event_id, reason=visit.posted.text("reason"))
    elif step == "undo":
        event_undo.undo(desk, actor, event_id)
    else:
        steps.watch(desk, actor, event_id, watched=step == "watch")
    said = "已撤销上一步，恢复到操作之前" if step == "undo" else f"已{STEPS[step]}"
    return visit.redirect(f"{PATH}/{event_id}", said)


def curve_days(event: EventView, today: date) -> list[date]:
    """Return the days of a growth curve: from the first appeal to some days after the last, at most `MOST_DAYS`."""
    first, last = (moment.astimezone(CHINA).date() for moment in (event.first_at, event.last_at))
    end = min(today, last + timedelta(days=7))
    length = min(MOST_DAYS, max((end - first).days + 1, SPARK_DAYS))
    return [end - timedelta(days=length - 1 - number) for number in range(length)]


def _merged(visit: Visit, into: UUID, others: list[UUID]) -> Response:
    view = steps.merge(visit.desk, visit.actor, into=into, others=others, reason=visit.posted.text("reason"))
    return visit.redirect(f"{PATH}/{into}", f"已并单，现有 {view.size} 件诉求；可在本页撤销")


def _following(chosen: dict[str, Any], district: str, last: UUID | None) -> str:
    return _address({**chosen, "district": district, "cursor": last}) if last else ""


def _address(values: dict[str, Any]) -> str:
    """Return the address of a list; what is not asked for is left out, except a state, where nothing says 办理中."""
    said = {name: value for name, value in values.items() if value not in (None, False, "") or name == "state"}
    return f"{PATH}?{urlencode({name: 'true' if value is True else value for name, value in said.items()})}"


def _today(visit: Visit) -> date:
    return visit.desk.clock().astimezone(CHINA).date()
