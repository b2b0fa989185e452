"""诉求详情: one appeal with its whole history; the unmasked text for those who say why they need it."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import Depends
from starlette.responses import Response

from api.console.pages.queue import dossier_of
from api.console.routing import page_router
from api.console.visit import Visit, visitor
from triage.casework import privacy
from triage.casework.lifecycle import handling, supervising, timeline
from triage.casework.lifecycle.handling import CHANNELS, OUTCOMES
from triage.rules.deadlines import STEPS as TERM_STEPS

router = page_router()

Reader = Annotated[Visit, Depends(visitor("appeal.read"))]
Unmasker = Annotated[Visit, Depends(visitor("appeal.unmask"))]
Handler = Annotated[Visit, Depends(visitor("appeal.handle"))]
Urger = Annotated[Visit, Depends(visitor("appeal.urge"))]
Ruler = Annotated[Visit, Depends(visitor("appeal.rule"))]

OUTCOME_WORDS = {
    "solved": "已解决",
    "explained": "已解释说明",
    "agreed": "已商定分期解决",
    "unfounded": "查无此事",
    "": "不填",
}


@router.get("/appeals/{appeal_id}")
def show(appeal_id: UUID, visit: Reader) -> Response:
    """Show everything about one appeal."""
    return visit.page(
        "appeal/index.html",
        title="诉求详情",
        way=timeline.timeline(visit.desk, visit.actor, appeal_id),
        channels_out=CHANNELS,
        outcomes=[(outcome, OUTCOME_WORDS[outcome]) for outcome in OUTCOMES],
        term_steps=TERM_STEPS,
        **dossier_of(visit, appeal_id),
    )


@router.post("/appeals/{appeal_id}/unmask")
def unmask(appeal_id: UUID, visit: Unmasker) -> Response:
    """Show the text as it came in; who read it and why is in the audit before it is shown."""
    found = privacy.unmask(visit.desk, visit.actor, appeal_id, visit.posted.text("reason"))
    return visit.fragment("appeal/_raw.html", found=found)


@router.post("/appeals/{appeal_id}/accept")
def accept(appeal_id: UUID, visit: Handler) -> Response:
    """Note that the unit has taken it on."""
    view = handling.accept(visit.desk, visit.actor, appeal_id)
    return visit.redirect(_address(appeal_id), f"已登记{view.unit}签收")


@router.post("/appeals/{appeal_id}/finish")
def finish(appeal_id: UUID, visit: Handler) -> Response:
    """Note that the unit has answered."""
    handling.finish(visit.desk, visit.actor, appeal_id, outcome=visit.posted.text("outcome"))
    return visit.redirect(_address(appeal_id), "已登记办结")


@router.post("/appeals/{appeal_id}/urge")
def urge(appeal_id: UUID, visit: Urger) -> Response:
    """Ask the unit to hurry."""
    supervising.urge(visit.desk, visit.actor, appeal_id)
    return visit.redirect(_address(appeal_id), "已催办，承办单位将收到提醒")


@router.post("/appeals/{appeal_id}/supervise")
def supervise(appeal_id: UUID, visit: Ruler) -> Response:
    """Issue a supervision order."""
    order = supervising.supervise(visit.desk, visit.actor, appeal_id, reason=visit.posted.text("reason"))
    return visit.redirect(_address(appeal_id), f"已发出督办单：{order.number}")


def _address(appeal_id: UUID) -> str:
    return f"/console/appeals/{appeal_id}"
