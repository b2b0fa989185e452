"""预警: red and orange first, the warnings of one event together, with their reasons; taken in hand or handed on."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Depends, Query
from starlette.responses import Response

from api.console.routing import page_router
from api.console.visit import Visit, visitor
from triage.casework import alert_board, alerts, forwarding
from triage.errors import InputError
from triage.rules.warnings import GROUNDS
from triage.store.errors import StateConflict

router = page_router()

Reader = Annotated[Visit, Depends(visitor("alert.read"))]
Taker = Annotated[Visit, Depends(visitor("alert.acknowledge"))]

State = Annotated[Literal["open", "acknowledged"], Query()]
Level = Annotated[Literal["", "3", "4"], Query()]
TARGET_KINDS = {
    "webhook": "业务系统",
    "wecom": "企业微信群",
    "dingtalk": "钉钉群",
    "feishu": "飞书群",
    "email": "邮箱",
}
MOST_AT_ONCE = 50


@router.get("/alerts")
def show(visit: Reader, state: State = "open", level: Level = "") -> Response:
    """Show the warnings; a script asks for them again and again."""
    if visit.partial:
        return visit.fragment("alerts/_board.html", **_board(visit, state, level))
    return visit.page("alerts/index.html", title="预警", **_board(visit, state, level))


@router.post("/alerts/acknowledge")
def acknowledge(visit: Taker) -> Response:
    """Take the warnings of an event in hand; what somebody else was quicker with is said and left."""
    wanted = visit.posted.ids("alert")
    if not 1 <= len(wanted) <= MOST_AT_ONCE:
        raise InputError(f"请选择 1 至 {MOST_AT_ONCE} 条预警")
    judged = visit.posted.whole("judged")
    late = 0
    for alert in wanted:
        try:
            alerts.acknowledge(visit.desk, visit.actor, alert, judged_level=judged)
        except StateConflict:
            late += 1
    done = len(wanted) - late
    said = f"已签收 {done} 条预警" if done else "预警已由他人签收"
    if done and late:
        said += f"，另有 {late} 条已由他人签收"
    state, level = visit.posted.text("state"), visit.posted.text("level")
    return visit.fragment("alerts/_board.html", notice=said, **_board(visit, state, level))


@router.get("/alerts/{alert_id}/forward")
def choose(alert_id: UUID, visit: Taker, district: Annotated[str, Query(max_length=50)] = "") -> Response:
    """Show whom a warning can be handed on to."""
    found = [one for one in forwarding.receivers(visit.desk, visit.actor) if one.takes(district)]
    return visit.fragment("alerts/_forward.html", alert_id=alert_id, receivers=found, kinds=TARGET_KINDS)


@router.post("/alerts/{alert_id}/forward")
def forward(alert_id: UUID, visit: Taker) -> Response:
    """Hand a warning on."""
    sent = forwarding.forward(visit.desk, visit.actor, alert_id, to=visit.posted.ids("to"))
    return visit.fragment(
        "alerts/_forwarded.html", notice=f"已转送：{'、'.join(one.name for one in sent)}", receivers=sent
    )


def _board(visit: Visit, state: str, level: str) -> dict[str, Any]:
    state = state if state in (alert_board.OPEN, alert_board.ACKNOWLEDGED) else alert_board.OPEN
    level = level if level in ("3", "4") else ""
    found = alert_board.board(visit.desk, visit.actor, state=state, level=int(level) if level else None)
    query = f"state={state}" + (f"&level={level}" if level else "")
    return {"board": found, "state": state, "level": level, "grounds": GROUNDS, "query": query}
