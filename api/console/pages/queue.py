"""收件台: the live queue, and the steps that a dispatcher takes in it."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import Annotated, Any
from urllib.parse import urlencode
from uuid import UUID

from fastapi import Depends, Query
from starlette.responses import Response

from api.console.pinyin import unit_list
from api.console.routing import page_router
from api.console.visit import Visit, visitor
from triage.casework import events, inbox, review, undoing
from triage.casework.desk import Desk
from triage.casework.dispatching import releasing
from triage.casework.lifecycle import handling
from triage.casework.lifecycle.handling import CHANNELS
from triage.casework.unit_lists import valid_units
from triage.errors import InputError
from triage.rules.deadlines import CHINA
from triage.store import appeals as appeal_rows
from triage.store import events as event_rows
from triage.store.inbox import MOST, ORDERS, TRAYS, InboxFilter, InboxPage

router = page_router()

Reader = Annotated[Visit, Depends(visitor("appeal.read"))]
Reviewer = Annotated[Visit, Depends(visitor("appeal.review"))]
Handler = Annotated[Visit, Depends(visitor("appeal.handle"))]
Merger = Annotated[Visit, Depends(visitor("event.change"))]

PAGE = 40
"""Appeals that are loaded at first, and with every ``继续加载``."""
_EVERY = 5
"""Seconds between two looks at the queue."""


def wanted_of(
    tray: Annotated[str, Query(max_length=20)] = "waiting",
    order: Annotated[str, Query(max_length=20)] = "risk",
    district: Annotated[str, Query(max_length=50)] = "",
    channel: Annotated[str, Query(max_length=50)] = "",
    level: Annotated[str, Query(max_length=1, pattern="^[0-4]?$")] = "",
) -> InboxFilter:
    """Read the filters; an address that somebody has changed by hand falls back to the whole queue."""
    return InboxFilter(
        tray=tray if tray in TRAYS else "waiting",
        order=order if order in ORDERS else "risk",
        district=district.replace("\x00", ""),
        channel=channel.replace("\x00", ""),
        level_at_least=int(level) if level else None,
    )


Wanted = Annotated[InboxFilter, Depends(wanted_of)]


@router.get("/queue")
def show(visit: Reader, wanted: Wanted) -> Response:
    """Show the queue."""
    page = inbox.queue(visit.desk, visit.actor, wanted, limit=PAGE)
    return visit.page(
        "queue/index.html",
        title="收件台",
        districts=districts_of(visit),
        channels=[channel.name for channel in visit.desk.channels.channels],
        every=_EVERY,
        **_shown(visit, wanted, page, count=PAGE),
    )


@router.get("/queue/rows")
def rows(
    visit: Reader,
    wanted: Wanted,
    count: Annotated[int, Query(ge=1, le=MOST)] = PAGE,
    stamp: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """Give the rows anew; nothing where they are the same as before."""
    page = inbox.queue(visit.desk, visit.actor, wanted, limit=count)
    context = _shown(visit, wanted, page, count=count)
    if context["stamp"] == stamp:
        return visit.nothing()
    return visit.fragment("queue/_list.html", **context)


@router.get("/queue/{appeal_id}/pane")
def pane(appeal_id: UUID, visit: Reader) -> Response:
    """Give everything that is needed to decide about one appeal."""
    return visit.fragment("queue/_pane.html", channels_out=CHANNELS, **dossier_of(visit, appeal_id))


@router.get("/units.json")
def units(visit: Reader) -> Response:
    """Give the units that exist today, with how they sound."""
    today = visit.desk.clock().astimezone(CHINA).date()
    listed = [entry.unit for entry in valid_units(visit.desk, visit.actor) if entry.unit.valid_on(today)]
    return Response(unit_list(listed or _known_units(visit.desk)), media_type="application/json")


@router.post("/queue/{appeal_id}/confirm")
def confirm(appeal_id: UUID, visit: Reviewer) -> Response:
    """Dispatch; the unit is told when the time to take it back is over."""
    unit = visit.posted.text("unit") or None
    view = review.confirm(
        visit.desk, visit.actor, appeal_id, unit=unit, seen=visit.posted.whole("seen"), hold=undoing.UNDO_FOR
    )
    return visit.nothing(f"已派往{view.unit}", undo=f"/console/queue/{appeal_id}/undo", event="decided")


@router.post("/queue/{appeal_id}/undo")
def undo(appeal_id: UUID, visit: Reviewer) -> Response:
    """Take one's own dispatch back."""
    undoing.undo(visit.desk, visit.actor, appeal_id)
    return visit.nothing("已撤销派单，该件回到待派单", event="undone")


@router.post("/queue/{appeal_id}/reassign")
def reassign(appeal_id: UUID, visit: Reviewer) -> Response:
    """Dispatch to another unit than the responsible one."""
    posted = visit.posted
    view = review.reassign(
        visit.desk,
        visit.actor,
        appeal_id,
        unit=posted.text("unit"),
        reason=posted.text("reason"),
        override=posted.flag("override"),
        seen=posted.whole("seen"),
    )
    return visit.nothing(f"已改派{view.unit}", event="decided")


@router.post("/queue/{appeal_id}/return")
def send_back(appeal_id: UUID, visit: Handler) -> Response:
    """Note that the unit sent it back."""
    posted = visit.posted
    review.send_back(
        visit.desk,
        visit.actor,
        appeal_id,
        reason=posted.text("reason"),
        proposed_unit=posted.text("unit") or None,
        seen=posted.whole("seen"),
    )
    return visit.nothing("已登记退单，该件转入“退回待派”，不再建议原单位", event="decided")


@router.post("/queue/{appeal_id}/pass-on")
def pass_on(appeal_id: UUID, visit: Reviewer) -> Response:
    """Close what another channel must handle."""
    channel = visit.posted.text("channel")
    handling.pass_on(visit.desk, visit.actor, appeal_id, channel=channel)
    return visit.nothing(f"已转送{channel}并办结", event="decided")


@router.post("/queue/{appeal_id}/recall")
def recall(appeal_id: UUID, visit: Reviewer) -> Response:
    """Take an automatic dispatch back before its unit is told."""
    releasing.recall(visit.desk, visit.actor, appeal_id)
    return visit.nothing("已撤回自动派单，该件回到待派单", event="decided")


@router.post("/queue/{appeal_id}/merge")
def merge(appeal_id: UUID, visit: Merger) -> Response:
    """Join the appeal's event with that of another appeal."""
    with visit.desk.database.transaction(visit.actor.scope) as connection:
        own = appeal_rows.get(connection, appeal_id).event_id
        chosen = visit.posted.ids("into")
        into = event_rows.get(connection, chosen[0], scope=visit.actor.scope) if chosen else None
    if into is None:
        raise InputError("请选择要并入的事件")
    if into.id == own:
        raise InputError("该件已在所选事件中，无需并单")
    view = events.merge(visit.desk, visit.actor, into=into.id, others=[own], reason=visit.posted.text("reason"))
    return visit.nothing(f"已并入“{into.title[:20]}”，该事件现有 {view.size} 件", event="merged")


def dossier_of(visit: Visit, appeal_id: UUID) -> dict[str, Any]:
    """Return what the templates of one appeal show."""
    found = inbox.dossier(visit.desk, visit.actor, appeal_id)
    record = found.record
    return {
        "file": found,
        "appeal": found.appeal,
        "record": record,
        "risk": record.get("risk") or {},
        "mergeable": _mergeable(found),
    }


def districts_of(visit: Visit) -> list[str]:
    """Return the districts that a filter offers: the visitor's own, or those of the city's units."""
    if not visit.actor.scope.everywhere:
        return list(visit.actor.scope.districts)
    directory = visit.desk.current().triage.directory
    return [area.name for area in directory.areas() if area.level == "区县"] if directory is not None else []


def _mergeable(found: inbox.Dossier) -> list[Any]:
    """Return linked appeals of other events, each event once, those first that are probably the same."""
    seen = {found.appeal.event_id}
    kept = []
    for link in found.similar:
        if link.verdict != "apart" and link.appeal.event_id not in seen:
            seen.add(link.appeal.event_id)
            kept.append(link)
    return kept[:9]


def _known_units(desk: Desk) -> list[Any]:
    """Return the units of the models where the store holds no list."""
    return list(desk.current().triage.directory or ())


def _shown(visit: Visit, wanted: InboxFilter, page: InboxPage, *, count: int) -> dict[str, Any]:
    numbers = inbox.trays(visit.desk, visit.actor)
    facts = [(item.appeal.id, item.appeal.decision_version, item.appeal.risk_level, item.size) for item in page.items]
    stamp = hashlib.sha256(repr((facts, numbers, page.next)).encode()).hexdigest()[:24]
    return {
        "items": page.items,
        "more": page.next is not None,
        "count": count,
        "wanted": wanted,
        "query": query_of(wanted),
        "trays": [(tray, name, numbers[tray], query_of(replace(wanted, tray=tray))) for tray, name in TRAYS.items()],
        "orders": ORDERS,
        "stamp": stamp,
    }


def query_of(wanted: InboxFilter) -> str:
    """Return the filters as a query string; what is as by default is left out."""
    fields = {
        "tray": wanted.tray if wanted.tray != "waiting" else "",
        "order": wanted.order if wanted.order != "risk" else "",
        "district": wanted.district,
        "channel": wanted.channel,
        "level": "" if wanted.level_at_least is None else str(wanted.level_at_least),
    }
    return urlencode({name: value for name, value in fields.items() if value})
