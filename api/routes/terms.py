"""Terms and the supervision list, the admission list, channels."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request
from starlette.concurrency import run_in_threadpool

from api import problems
from api.problems import Problem, documented
from api.routing import JsonRoute
from api.schemas.common import NO_NUL, CursorText, Moment
from api.schemas.terms import (
    AdmissionImportOut,
    AdmissionItemOut,
    AdmissionOut,
    ChannelList,
    ChannelOut,
    DueOut,
    DuePage,
    SupervisedList,
    SupervisedOut,
    TermIn,
    TermList,
    TermOut,
)
from api.security import ServiceDep, allowed
from api.uploads import received, takes
from triage.casework import admission as lists
from triage.casework import term_lists, term_steps
from triage.casework.term_lists import TermFilter, TermView
from triage.rules.deadlines import STEPS
from triage.store.access import Actor
from triage.store.terms import Term

appeals = APIRouter(prefix="/v1/appeals", tags=["terms 时限"], route_class=JsonRoute)
router = APIRouter(prefix="/v1", tags=["terms 时限"], route_class=JsonRoute)
city = APIRouter(prefix="/v1", tags=["units 单位"], route_class=JsonRoute)

Reader = Annotated[Actor, Depends(allowed("appeal.read"))]
Reviewer = Annotated[Actor, Depends(allowed("appeal.review"))]
UnitReader = Annotated[Actor, Depends(allowed("unit.read"))]
UnitChanger = Annotated[Actor, Depends(allowed("unit.change"))]

RULES = {"application/json": ".json"}


@appeals.get("/{appeal_id}/terms", responses=documented(401, 403, 404, 422, 429), summary="办理时限 / terms")
def appeal_terms(appeal_id: UUID, service: ServiceDep, actor: Reader) -> TermList:
    """Return all terms of an appeal, oldest first: what is due, what was met, and when."""
    return _list(term_steps.of(service.desk, actor, appeal_id), service.desk.clock())


@appeals.post(
    "/{appeal_id}/terms",
    responses=documented(401, 403, 404, 409, 415, 422, 429),
    summary="记录时限（联系、告知、听证中止等） / note about a term",
)
def change_term(appeal_id: UUID, body: TermIn, service: ServiceDep, actor: Reviewer) -> TermList:
    """Begin, meet, suspend or resume a term that follows no other step: contact, written notice, a hearing."""
    done = term_steps.act(
        service.desk, actor, appeal_id, step=body.step, action=body.action, unit=body.unit, due_at=body.due_at
    )
    return _list(done, service.desk.clock())


@router.get("/terms", responses=documented(401, 403, 422, 429), summary="在办时限 / open terms")
def open_terms(
    *,
    service: ServiceDep,
    actor: Reader,
    overdue: bool | None = None,
    step: Annotated[str, Query(max_length=20, pattern=r"^[a-z_]*$", description="环节，如 finish")] = "",
    unit: Annotated[str, Query(max_length=100, pattern=NO_NUL)] = "",
    until: Annotated[Moment | None, Query(description="截止时刻早于")] = None,
    limit: Annotated[int, Query(ge=1, le=term_lists.MOST)] = 50,
    cursor: CursorText = "",
) -> DuePage:
    """Return open terms of the caller's districts, what ends first at the top."""
    if step and step not in STEPS:
        raise Problem(problems.INVALID, f"step 不是已知环节；可用 {'、'.join(STEPS)}")
    wanted = TermFilter(overdue=overdue, step=step, unit=unit, until=until)
    page = term_lists.standing(
        service.desk.database, actor, wanted, now=service.desk.clock(), after=_place(cursor), limit=limit
    )
    return DuePage(items=[_due(view) for view in page.items], next=_cursor(page.next))


@router.get("/supervision", responses=documented(401, 403, 422, 429), summary="督办清单 / to be supervised")
def supervision(
    service: ServiceDep, actor: Reader, limit: Annotated[int, Query(ge=1, le=term_lists.MOST)] = 50
) -> SupervisedList:
    """Return tickets of the caller's districts that are overdue, repeated or returned again and again, with the reasons."""
    found = term_lists.to_supervise(service.desk.database, actor, now=service.desk.clock(), limit=limit)
    return SupervisedList(items=[SupervisedOut.model_validate(one) for one in found])


@city.get("/admission", responses=documented(401, 403, 429), summary="准入清单 / admission list")
def admission(service: ServiceDep, actor: UnitReader) -> AdmissionOut:
    """Return the list in force: what may go down to street, community and grid."""
    view = lists.in_force(service.desk.database, actor, rules=service.desk.rules)
    return AdmissionOut(items=[AdmissionItemOut.model_validate(item) for item in view.items], imported=view.imported)


@city.post(
    "/admission/import",
    responses=documented(401, 403, 415, 422, 429),
    openapi_extra=takes(RULES),
    summary="导入准入清单（整表替换） / import the admission list",
)
async def import_admission(request: Request, service: ServiceDep, actor: UnitChanger) -> AdmissionImportOut:
    """Replace the list by that of a JSON file (the body, as triage/data/admission.json); decisions follow within seconds."""
    desk = service.desk
    async with received(request, RULES) as path:
        done = await run_in_threadpool(lists.apply_admission, desk.database, actor, path, at=desk.clock())
    await run_in_threadpool(service.shelf.watcher.poll)
    return AdmissionImportOut.model_validate(done)


@city.get("/channels", responses=documented(401, 403, 429), summary="受理渠道 / channels")
def channels(service: ServiceDep, actor: UnitReader) -> ChannelList:
    """Return the city's channels with their reference numbers and columns."""
    book = service.desk.channels
    items = [
        ChannelOut(
            name=one.name,
            aliases=list(one.aliases),
            references=[form.written for form in one.forms],
            columns={name: list(headers) for name, headers in one.columns.items()},
        )
        for one in book.channels
    ]
    return ChannelList(items=items, closed=book.closed)


def _list(found: list[Term], now: datetime) -> TermList:
    return TermList(items=[TermOut.model_validate(_facts(term, term.is_over(now))) for term in found])


def _due(view: TermView) -> DueOut:
    whose = {name: getattr(view, name) for name in ("reference", "title", "district", "risk_level", "event_id")}
    return DueOut.model_validate({**_facts(view.term, view.overdue), **whose})


def _facts(term: Term, overdue: bool) -> dict[str, object]:
    return {**asdict(term), "name": STEPS.get(term.step, term.step), "overdue": overdue and term.state != "dropped"}


def _cursor(place: tuple[datetime, int] | None) -> str | None:
    return f"{int(place[0].timestamp() * 1_000_000)}_{place[1]}" if place else None


def _place(cursor: str) -> tuple[datetime, int] | None:
    if not cursor:
        return None
    moment, _, number = cursor.partition("_")
    try:
        return datetime.fromtimestamp(int(moment) / 1_000_000, UTC), int(number)
    except (ValueError, OverflowError, OSError) as error:
        bad = {"field": "query.cursor", "message": "无效；请使用上一页返回的 next"}
        raise Problem(problems.INVALID, "游标无效；请使用上一页返回的 next", extra={"errors": [bad]}) from error
