"""What happens to a case after its dispatch."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query

from api.problems import documented
from api.routes.appeals import Handler, IdempotencyKey, Poster, Reader, Reviewer, case_of, new_appeal, posted
from api.routing import JsonRoute
from api.schemas.appeals import AppealIn, CaseOut, ReceiptOut
from api.schemas.common import NO_NUL, Moment
from api.schemas.lifecycle import (
    AssistanceEndIn,
    AssistanceList,
    AssistanceOut,
    AssistIn,
    CallBackIn,
    EvaluateIn,
    ExtendIn,
    ExtensionList,
    ExtensionOut,
    ExtensionRulingIn,
    FinishIn,
    ObjectIn,
    ObjectionList,
    ObjectionOut,
    ObjectionRulingIn,
    PassOnIn,
    RatesList,
    RatesOut,
    ReopenIn,
    SuperviseIn,
    SupervisionList,
    SupervisionOut,
    TimelineOut,
    WhistleIn,
)
from api.security import ServiceDep, allowed
from triage.casework.lifecycle import (
    answering,
    assisting,
    extensions,
    handling,
    objections,
    satisfaction,
    supervising,
    timeline,
)
from triage.errors import InputError
from triage.store.access import Actor

steps = APIRouter(prefix="/v1/appeals", tags=["life cycle 办理"], route_class=JsonRoute)
lists = APIRouter(prefix="/v1", tags=["life cycle 办理"], route_class=JsonRoute)

Ruler = Annotated[Actor, Depends(allowed("appeal.rule"))]
Answerer = Annotated[Actor, Depends(allowed("appeal.answer"))]
Urger = Annotated[Actor, Depends(allowed("appeal.urge"))]
Reporter = Annotated[Actor, Depends(allowed("report.read"))]

_STEP: dict[str, Any] = {"responses": documented(401, 403, 404, 409, 415, 422, 429)}
_BARE: dict[str, Any] = {"responses": documented(401, 403, 404, 409, 422, 429)}


@steps.get(
    "/{appeal_id}/timeline", responses=documented(401, 403, 404, 422, 429), summary="办理全程 / everything about a case"
)
def read_timeline(appeal_id: UUID, service: ServiceDep, actor: Reader) -> TimelineOut:
    """Return where a case stands, who did what when, what is due, and what was asked of whom."""
    return TimelineOut.model_validate(timeline.timeline(service.desk, actor, appeal_id))


@steps.post("/{appeal_id}/accept", **_BARE, summary="接单 / the unit accepts")
def accept(appeal_id: UUID, service: ServiceDep, actor: Handler) -> CaseOut:
    """Note that the unit has taken the appeal on; the first one that does is kept as 首接单位."""
    return case_of(handling.accept(service.desk, actor, appeal_id))


@steps.post("/{appeal_id}/handle", **_BARE, summary="开始办理 / the unit begins")
def handle(appeal_id: UUID, service: ServiceDep, actor: Handler) -> CaseOut:
    """Note that the unit has contacted the appellant and works on it."""
    return case_of(handling.handle(service.desk, actor, appeal_id))


@steps.post("/{appeal_id}/close", **_BARE, summary="办结（不填结果） / close without saying how")
def close(appeal_id: UUID, service: ServiceDep, actor: Handler) -> CaseOut:
    """Note that the unit has answered and nothing is left to do."""
    return case_of(handling.finish(service.desk, actor, appeal_id))


@steps.post("/{appeal_id}/finish", **_STEP, summary="办结 / close")
def finish(appeal_id: UUID, body: FinishIn, service: ServiceDep, actor: Handler) -> CaseOut:
    """Note that the unit has answered, and how it ended."""
    return case_of(handling.finish(service.desk, actor, appeal_id, outcome=body.outcome or ""))


@steps.post("/{appeal_id}/pass-on", **_STEP, summary="转送其他途径 / pass on")
def pass_on(appeal_id: UUID, body: PassOnIn, service: ServiceDep, actor: Reviewer) -> CaseOut:
    """Close what another legal channel or an emergency number must handle."""
    return case_of(handling.pass_on(service.desk, actor, appeal_id, channel=body.channel))


@steps.post("/{appeal_id}/reopen", **_STEP, summary="重新办理 / reopen")
def reopen(appeal_id: UUID, body: ReopenIn, service: ServiceDep, actor: Reviewer) -> CaseOut:
    """Let a closed case be handled again."""
    return case_of(handling.reopen(service.desk, actor, appeal_id, reason=body.reason, unit=body.unit))


@steps.post("/{appeal_id}/object", **_STEP, summary="职责异议 / object")
def object_to(appeal_id: UUID, body: ObjectIn, service: ServiceDep, actor: Handler) -> CaseOut:
    """Note that the unit says it is not its duty; nothing goes on before the review."""
    view = objections.raise_objection(
        service.desk, actor, appeal_id, reason=body.reason, proposed_unit=body.proposed_unit, seen=body.seen
    )
    return case_of(view)


@steps.post("/{appeal_id}/objection", **_STEP, summary="异议审查 / decide an objection")
def rule_objection(appeal_id: UUID, body: ObjectionRulingIn, service: ServiceDep, actor: Ruler) -> CaseOut:
    """Uphold: back to the dispatcher with a new proposal. Reject: it stays with the unit."""
    view = objections.rule(
        service.desk, actor, appeal_id, uphold=body.uphold, reason=body.reason, proposed_unit=body.proposed_unit
    )
    return case_of(view)


@steps.post("/{appeal_id}/extend", **_STEP, summary="申请延期 / ask for more time")
def extend(appeal_id: UUID, body: ExtendIn, service: ServiceDep, actor: Handler) -> ExtensionOut:
    """Note that the unit asks for more time; once per case."""
    found = extensions.ask(service.desk, actor, appeal_id, days=body.days, reason=body.reason)
    return ExtensionOut.model_validate(found)


@steps.post("/{appeal_id}/extension", **_STEP, summary="延期审批 / decide about more time")
def rule_extension(appeal_id: UUID, body: ExtensionRulingIn, service: ServiceDep, actor: Ruler) -> ExtensionOut:
    """Approve or refuse; approved, the case is due later."""
    found = extensions.decide(service.desk, actor, appeal_id, approve=body.approve, reason=body.reason)
    return ExtensionOut.model_validate(found)


@steps.post("/{appeal_id}/urge", **_BARE, summary="催办 / urge")
def urge(appeal_id: UUID, service: ServiceDep, actor: Urger) -> CaseOut:
    """Note that the appellant or the hotline urges."""
    return case_of(supervising.urge(service.desk, actor, appeal_id))


@steps.post("/{appeal_id}/supplement", status_code=201, **_STEP, summary="补充 / add to an open ticket")
def supplement(
    appeal_id: UUID, body: AppealIn, service: ServiceDep, actor: Poster, idempotency_key: IdempotencyKey = None
) -> ReceiptOut:
    """Record a second call about an open ticket, as `POST /v1/appeals` with `supplements` does.

    It belongs to the ticket's district, whatever `district` says.
    """
    if body.supplements not in ("", str(appeal_id)):
        raise InputError("supplements 与地址中的工单不一致；请只写其中一处")
    added = new_appeal(body.model_copy(update={"supplements": str(appeal_id)}))
    return posted(service, actor, added, idempotency_key)


@steps.post("/{appeal_id}/assist", status_code=201, **_STEP, summary="增加协办 / call units in")
def assist(appeal_id: UUID, body: AssistIn, service: ServiceDep, actor: Handler) -> AssistanceList:
    """Call units in beside the responsible one; for disputes also mediation, the police of the grid, legal aid."""
    found = assisting.call_in(service.desk, actor, appeal_id, units=body.units, reason=body.reason, kind=body.kind)
    return AssistanceList(items=[AssistanceOut.model_validate(one) for one in found])


@steps.post("/{appeal_id}/whistle", status_code=201, **_STEP, summary="吹哨 / a street calls departments in")
def whistle(appeal_id: UUID, body: WhistleIn, service: ServiceDep, actor: Handler) -> AssistanceList:
    """Let a street call departments in; each has to report in."""
    found = assisting.whistle(
        service.desk, actor, appeal_id, street=body.street, departments=body.departments, reason=body.reason
    )
    return AssistanceList(items=[AssistanceOut.model_validate(one) for one in found])


@steps.post("/{appeal_id}/assistance/{assistance_id}/report-in", **_BARE, summary="报到 / report in")
def report_in(appeal_id: UUID, assistance_id: UUID, service: ServiceDep, actor: Handler) -> AssistanceOut:
    """Note that a unit that was called has come."""
    return AssistanceOut.model_validate(assisting.report_in(service.desk, actor, appeal_id, assistance_id))


@steps.post("/{appeal_id}/assistance/{assistance_id}/end", **_STEP, summary="结束协办 / end an assistance")
def end_assistance(
    appeal_id: UUID, assistance_id: UUID, body: AssistanceEndIn, service: ServiceDep, actor: Handler
) -> AssistanceOut:
    """Note that a unit has done its part, or is not needed any more."""
    found = assisting.end(service.desk, actor, appeal_id, assistance_id, done=body.done)
    return AssistanceOut.model_validate(found)


@steps.post("/{appeal_id}/supervise", status_code=201, **_STEP, summary="督办 / issue a supervision order")
def supervise(appeal_id: UUID, body: SuperviseIn, service: ServiceDep, actor: Ruler) -> SupervisionOut:
    """Issue an order with a number to the responsible unit."""
    found = supervising.supervise(service.desk, actor, appeal_id, reason=body.reason, due_at=body.due_at)
    return SupervisionOut.model_validate(found)


@steps.post("/{appeal_id}/supervision/{supervision_id}/end", **_BARE, summary="结束督办 / end a supervision order")
def end_supervision(appeal_id: UUID, supervision_id: UUID, service: ServiceDep, actor: Ruler) -> SupervisionOut:
    """End an order before the case is closed; the close ends it by itself."""
    found = supervising.end_supervision(service.desk, actor, appeal_id, supervision_id)
    return SupervisionOut.model_validate(found)


@steps.post("/{appeal_id}/call-back", **_STEP, summary="回访 / call back")
def call_back(appeal_id: UUID, body: CallBackIn, service: ServiceDep, actor: Answerer) -> CaseOut:
    """Note what the appellant said; an attempt that reached nobody is noted too."""
    view = answering.call_back(
        service.desk,
        actor,
        appeal_id,
        reached=body.reached,
        responded=body.responded,
        solved=body.solved,
        satisfaction=body.satisfaction or "",
    )
    return case_of(view)


@steps.post("/{appeal_id}/evaluate", **_STEP, summary="评价 / evaluate")
def evaluate(appeal_id: UUID, body: EvaluateIn, service: ServiceDep, actor: Answerer) -> CaseOut:
    """Note the appellant's own evaluation."""
    view = answering.evaluate(service.desk, actor, appeal_id, satisfaction=body.satisfaction, solved=body.solved)
    return case_of(view)


@lists.get("/objections", responses=documented(401, 403, 429), summary="待审查的异议 / objections to decide")
def list_objections(service: ServiceDep, actor: Reader) -> ObjectionList:
    """Return objections of the caller's districts that wait for a review."""
    found = objections.waiting(service.desk, actor)
    return ObjectionList(items=[ObjectionOut.model_validate(one) for one in found])


@lists.get("/extensions", responses=documented(401, 403, 429), summary="待审批的延期 / requests to decide")
def list_extensions(service: ServiceDep, actor: Reader) -> ExtensionList:
    """Return requests of the caller's districts that wait for a decision."""
    found = extensions.waiting(service.desk, actor)
    return ExtensionList(items=[ExtensionOut.model_validate(one) for one in found])


@lists.get("/supervisions", responses=documented(401, 403, 422, 429), summary="督办单 / supervision orders")
def list_supervisions(
    service: ServiceDep,
    actor: Reader,
    unit: Annotated[str, Query(max_length=100, pattern=NO_NUL)] = "",
) -> SupervisionList:
    """Return open orders of the caller's districts, the most pressing first."""
    found = supervising.orders(service.desk, actor, unit=unit)
    return SupervisionList(items=[SupervisionOut.model_validate(one) for one in found])


@lists.get("/reports/satisfaction", responses=documented(401, 403, 422, 429), summary="三率 / what appellants said")
def report_satisfaction(
    service: ServiceDep,
    actor: Reporter,
    since: Annotated[Moment, Query(description="回访或评价时间不早于")],
    until: Annotated[Moment, Query(description="回访或评价时间早于")],
) -> RatesList:
    """Return 响应率, 解决率 and 满意率 of all units together and of each."""
    found = satisfaction.rates(service.desk, actor, since=since, until=until)
    return RatesList(since=since, until=until, items=[RatesOut.model_validate(one) for one in found])
