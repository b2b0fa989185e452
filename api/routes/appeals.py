"""Appeals: receive, list, read, and what people decide about them."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Header, Query

from api import problems
from api.problems import Problem, documented
from api.routing import JsonRoute
from api.schemas.appeals import (
    AnswerState,
    AppealDetail,
    AppealIn,
    AppealOut,
    AppealPage,
    CaseOut,
    CaseState,
    ConfirmIn,
    DeliveryState,
    DraftIn,
    HistoryEntry,
    HistoryList,
    ReassignIn,
    ReceiptOut,
    ReturnIn,
    SimilarList,
    SimilarOut,
    UnmaskedOut,
    UnmaskIn,
)
from api.schemas.common import NO_NUL, CursorText, Moment
from api.schemas.decisions import Candidate, DecisionRecord
from api.security import ServiceDep, allowed
from api.service import Service
from triage.casework import privacy, receive, review
from triage.casework.cases import CaseView
from triage.casework.intake import NewAppeal
from triage.casework.lifecycle.timeline import readable
from triage.store import appeals, history
from triage.store.access import Actor
from triage.store.appeals import AppealFilter, Cursor, Page
from triage.store.errors import StoreError

router = APIRouter(prefix="/v1/appeals", tags=["appeals 诉求"], route_class=JsonRoute)

Poster = Annotated[Actor, Depends(allowed("appeal.post"))]
Reader = Annotated[Actor, Depends(allowed("appeal.read"))]
Reviewer = Annotated[Actor, Depends(allowed("appeal.review"))]
Handler = Annotated[Actor, Depends(allowed("appeal.handle"))]
Unmasker = Annotated[Actor, Depends(allowed("appeal.unmask"))]

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        pattern=r"^[\x21-\x7e]+$",
        description="由调用方生成；重复提交同一键得到同一答复 / a repeated key gets the first answer",
    ),
]
Filtered = Annotated[str, Query(max_length=100, pattern=NO_NUL)]


def wanted_appeals(
    *,
    case_state: CaseState | None = None,
    delivery_state: DeliveryState | None = None,
    answer_state: AnswerState | None = None,
    unit: Filtered = "",
    district: Filtered = "",
    channel: Filtered = "",
    risk: Annotated[int | None, Query(ge=0, le=4, description="风险等级不低于")] = None,
    event: UUID | None = None,
    since: Annotated[Moment | None, Query(description="收到时间不早于")] = None,
    until: Annotated[Moment | None, Query(description="收到时间早于")] = None,
    q: Annotated[str, Query(max_length=200, pattern=NO_NUL, description="以空格分隔的词，须全部出现")] = "",
) -> AppealFilter:
    """Read the filters of a list from the query string."""
    return AppealFilter(
        case_state=case_state or "",
        delivery_state=delivery_state or "",
        answer_state=answer_state or "",
        unit=unit,
        district=district,
        channel=channel,
        risk_at_least=risk,
        event_id=event,
        since=since,
        until=until,
        words=q,
    )


Wanted = Annotated[AppealFilter, Depends(wanted_appeals)]


@router.post(
    "", status_code=201, responses=documented(401, 403, 409, 415, 422, 429), summary="登记诉求 / post an appeal"
)
def post_appeal(
    body: AppealIn, service: ServiceDep, actor: Poster, idempotency_key: IdempotencyKey = None
) -> ReceiptOut:
    """Record an appeal and answer with its decision. What is answered 201 is kept.

    With an `Idempotency-Key` a repeated post gets the same body again and records nothing; another body under the same key
    is a conflict (409), and so is a second appeal of the same channel and reference.
    """
    return posted(service, actor, new_appeal(body), idempotency_key)


def posted(service: Service, actor: Actor, new: NewAppeal, idempotency_key: str | None) -> ReceiptOut:
    """Record an appeal and return the answer."""
    receipt = receive.receive(service.desk, actor, new, idempotency_key=idempotency_key)
    if receipt.created:
        service.metrics.count_decision(receipt.decision_record, dispatch=receipt.dispatch)
    return ReceiptOut(
        id=receipt.appeal_id,
        event_id=receipt.event_id,
        decision=DecisionRecord.model_validate(receipt.decision_record),
        supplements=receipt.supplements,
    )


def new_appeal(body: DraftIn) -> NewAppeal:
    """Return a posted appeal as the use case takes it."""
    return NewAppeal(**body.model_dump())


@router.get("", responses=documented(401, 403, 422, 429), summary="诉求列表 / list appeals")
def list_appeals(
    service: ServiceDep,
    actor: Reader,
    wanted: Wanted,
    limit: Annotated[int, Query(ge=1, le=appeals.MOST)] = 50,
    cursor: CursorText = "",
) -> AppealPage:
    """Return appeals of the caller's districts, newest first, all texts masked."""
    after = cursor_of(cursor)
    with service.desk.database.transaction(actor.scope) as connection:
        page = appeals.page(connection, wanted, after=after, limit=limit)
    return page_of(page)


def cursor_of(given: str) -> Cursor | None:
    """Return where a page begins; None for the first.

    Raises:
        Problem: 422, if no page ended there.
    """
    try:
        return Cursor.parse(given) if given else None
    except StoreError as error:
        raise Problem(problems.INVALID, str(error), extra={"errors": [_BAD_CURSOR]}) from error


_BAD_CURSOR = {"field": "query.cursor", "message": "无效；请使用上一页返回的 next"}


def page_of(page: Page) -> AppealPage:
    """Return a page as it is answered."""
    items = [AppealOut.model_validate(view) for view in page.items]
    return AppealPage(items=items, next=page.next.to_text() if page.next else None)


@router.get("/{appeal_id}", responses=documented(401, 403, 404, 422, 429), summary="单件诉求 / one appeal")
def get_appeal(appeal_id: UUID, service: ServiceDep, actor: Reader) -> AppealDetail:
    """Return an appeal with its present decision, masked."""
    with service.desk.database.transaction(actor.scope) as connection:
        view = appeals.get(connection, appeal_id)
        record = appeals.record(connection, appeal_id, version=view.decision_version)
    shown = AppealOut.model_validate(view).model_dump()
    return AppealDetail(**shown, decision=DecisionRecord.model_validate(record))


@router.get("/{appeal_id}/similar", responses=documented(401, 403, 404, 422, 429), summary="相似诉求 / similar appeals")
def similar_appeals(appeal_id: UUID, service: ServiceDep, actor: Reader) -> SimilarList:
    """Return the linked appeals that the caller may see, most probable first."""
    with service.desk.database.transaction(actor.scope) as connection:
        found = appeals.similar(connection, appeal_id)
    return SimilarList(items=[SimilarOut.model_validate(view) for view in found])


@router.get("/{appeal_id}/history", responses=documented(401, 403, 404, 422, 429), summary="办理过程 / history")
def appeal_history(appeal_id: UUID, service: ServiceDep, actor: Reader) -> HistoryList:
    """Return everything that was done with an appeal, oldest first."""
    with service.desk.database.transaction(actor.scope) as connection:
        appeals.get(connection, appeal_id)
        entries = readable(connection, history.of(connection, appeal_id))
    return HistoryList(items=[HistoryEntry.model_validate(entry) for entry in entries])


_REVIEWED: dict[str, Any] = {"responses": documented(401, 403, 404, 409, 415, 422, 429)}


@router.post("/{appeal_id}/confirm", **_REVIEWED, summary="确认派单 / confirm")
def confirm(appeal_id: UUID, body: ConfirmIn, service: ServiceDep, actor: Reviewer) -> CaseOut:
    """Dispatch to the proposed unit, or to another one."""
    return case_of(review.confirm(service.desk, actor, appeal_id, unit=body.unit, seen=body.seen))


@router.post("/{appeal_id}/reassign", **_REVIEWED, summary="改派 / reassign")
def reassign(appeal_id: UUID, body: ReassignIn, service: ServiceDep, actor: Reviewer) -> CaseOut:
    """Dispatch to another unit than the present one."""
    view = review.reassign(
        service.desk,
        actor,
        appeal_id,
        unit=body.unit,
        reason=body.reason,
        override=body.override,
        seen=body.seen,
    )
    return case_of(view)


@router.post("/{appeal_id}/return", **_REVIEWED, summary="退单 / return")
def send_back(appeal_id: UUID, body: ReturnIn, service: ServiceDep, actor: Handler) -> CaseOut:
    """Note that the unit sent it back; it is not proposed to that unit again."""
    view = review.send_back(
        service.desk, actor, appeal_id, reason=body.reason, proposed_unit=body.proposed_unit, seen=body.seen
    )
    return case_of(view)


@router.post(
    "/{appeal_id}/unmask",
    responses=documented(401, 403, 404, 415, 422, 429),
    summary="查看原文（记入审计） / read the original",
)
def unmask(appeal_id: UUID, body: UnmaskIn, service: ServiceDep, actor: Unmasker) -> UnmaskedOut:
    """Return the unmasked text; who read it and why is in the audit before it is shown."""
    return UnmaskedOut.model_validate(privacy.unmask(service.desk, actor, appeal_id, body.reason))


def case_of(view: CaseView) -> CaseOut:
    """Return a case as it is answered."""
    candidates = [Candidate(name=name, probability=probability) for name, probability in view.candidates]
    return CaseOut.model_validate({**asdict(view), "candidates": candidates})
