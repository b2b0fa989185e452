"""Automatic dispatch: its state, its switch, and what people do about a single dispatch."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends

from api.problems import documented
from api.routes.appeals import case_of
from api.routing import JsonRoute
from api.schemas.appeals import CaseOut
from api.schemas.dispatching import CountsOut, DispatchingOut, ObjectedOut, ReviewList, SeriesOut, TurnIn
from api.security import ServiceDep, allowed
from triage.casework.dispatching import objecting, releasing, reporting, switching
from triage.casework.dispatching.bounds import Judgement
from triage.casework.dispatching.reporting import Status
from triage.casework.dispatching.switching import panel_of
from triage.store.access import Actor

router = APIRouter(prefix="/v1/dispatching", tags=["dispatching 自动派单"], route_class=JsonRoute)
steps = APIRouter(prefix="/v1/appeals", tags=["dispatching 自动派单"], route_class=JsonRoute)

Reader = Annotated[Actor, Depends(allowed("dispatching.read"))]
Changer = Annotated[Actor, Depends(allowed("dispatching.change"))]
Reviewer = Annotated[Actor, Depends(allowed("appeal.review"))]
Noter = Annotated[Actor, Depends(allowed("appeal.opt_out"))]


@router.get("", responses=documented(401, 403, 429), summary="自动派单状态 / how automatic dispatch stands")
def get_status(service: ServiceDep, actor: Reader) -> DispatchingOut:
    """Return mode, figures with their lower bounds, and why it stopped if it did; figures of the whole city."""
    return _status_of(reporting.status(panel_of(service.desk), actor))


@router.get("/reviews", responses=documented(401, 403, 429), summary="待人工复核的自动派单 / dispatches to review")
def list_reviews(service: ServiceDep, actor: Reviewer) -> ReviewList:
    """Return the appeals that the machine alone sent to their unit and whose appellant objects to that."""
    return ReviewList(items=objecting.to_review(service.desk, actor))


_TURNED: dict[str, Any] = {"responses": documented(401, 403, 409, 415, 422, 429)}


@router.post("/suspend", **_TURNED, summary="停用自动派单 / stop")
def suspend(body: TurnIn, service: ServiceDep, actor: Changer) -> DispatchingOut:
    """Stop automatic dispatch at once in all processes; what its units were not told yet goes back to people."""
    switching.suspend(panel_of(service.desk), actor, reason=body.reason)
    return _status_of(reporting.status(panel_of(service.desk), actor))


@router.post("/resume", **_TURNED, summary="恢复自动派单 / resume")
def resume(body: TurnIn, service: ServiceDep, actor: Changer) -> DispatchingOut:
    """Let automatic dispatch go on after a fall or a stop; refused while what people checked since then forbids it."""
    switching.resume(panel_of(service.desk), actor, reason=body.reason)
    return _status_of(reporting.status(panel_of(service.desk), actor))


_STEP: dict[str, Any] = {"responses": documented(401, 403, 404, 409, 422, 429)}


@steps.post("/{appeal_id}/recall", **_STEP, summary="撤回自动派单 / recall an automatic dispatch")
def recall(appeal_id: UUID, service: ServiceDep, actor: Reviewer) -> CaseOut:
    """Take an automatic dispatch back before its unit is told; the appeal waits for a person again."""
    return case_of(releasing.recall(service.desk, actor, appeal_id))


@steps.post("/{appeal_id}/keep-dispatch", **_STEP, summary="人工复核后维持派单 / keep an automatic dispatch")
def keep_dispatch(appeal_id: UUID, service: ServiceDep, actor: Reviewer) -> CaseOut:
    """Note that a person has looked at an automatic dispatch and leaves the appeal with its unit."""
    return case_of(objecting.keep_dispatch(service.desk, actor, appeal_id))


@steps.post(
    "/{appeal_id}/object-to-automation",
    responses=documented(401, 403, 404, 422, 429),
    summary="诉求人不同意自动化决定 / the appellant objects to automated decision",
)
def object_to_automation(appeal_id: UUID, service: ServiceDep, actor: Noter) -> ObjectedOut:
    """Note the objection (个人信息保护法第二十四条): a person decides on this appeal and on later ones of the appellant."""
    return ObjectedOut.model_validate(objecting.object_to_automation(service.desk, actor, appeal_id))


def _status_of(status: Status) -> DispatchingOut:
    policy, switch = status.policy, status.switch
    return DispatchingOut.model_validate(
        {
            "configured": policy.mode,
            "mode": status.mode,
            "fallen": switch.fallen,
            "changed_at": switch.at,
            "changed_by": switch.actor,
            "reason": switch.reason,
            "target": policy.target,
            "floor": round(status.floor, 4),
            "sample": policy.sample,
            "recall_seconds": int(policy.recall.total_seconds()),
            "series": [_series_of(one) for one in status.judgements],
            "counts": CountsOut(**status.counts),
            "held": status.held,
            "late": status.late,
        }
    )


def _series_of(judged: Judgement) -> SeriesOut:
    series = judged.series
    return SeriesOut.model_validate(
        {
            "name": series.name,
            "label": switching.NAMES[series.name],
            "checked": series.n,
            "agreed": series.agreed,
            "precision": judged.precision,
            "bound": judged.low,
            "holds": judged.holds,
        }
    )
