"""What the appellant says after the close: 回访 by the hotline, 评价 by the appellant."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from triage.casework.cases import STEPS, Case, CaseView, locked_case, view_of
from triage.casework.desk import Desk
from triage.casework.rights import require
from triage.casework.stepping import take, tell
from triage.casework.traces import Step
from triage.errors import InputError
from triage.store import lifecycle
from triage.store.access import Actor
from triage.store.schema.lifecycle import SATISFACTIONS, answers


def call_back(
    desk: Desk,
    actor: Actor,
    appeal_id: UUID,
    *,
    reached: bool,
    responded: bool | None = None,
    solved: bool | None = None,
    satisfaction: str = "",
) -> CaseView:
    """Put down a call back (回访). An attempt that reached nobody is on record, and the case waits for the next.

    Args:
        desk: The desk.
        actor: Intake, dispatcher, officer or administrator.
        appeal_id: The appeal, closed.
        reached: Whether the appellant was reached; if not, nothing else is said.
        responded: Whether the unit had contacted the appellant (响应).
        solved: Whether the matter is solved (已解决 or 未解决).
        satisfaction: satisfied 满意, fairly 基本满意, dissatisfied 不满意; empty: not said.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such appeal in the actor's districts.
        StateConflict: It is not closed, or was evaluated before.
        InputError: Answers of somebody who was not reached, or an unknown word.
    """
    if not reached and (responded is not None or solved is not None or satisfaction):
        raise InputError("未联系上诉求人时，不能登记响应、解决和满意情况")
    said = {"reached": reached, "responded": responded, "solved": solved, "satisfaction": satisfaction}
    require(actor, STEPS["call_back"].right)
    _known(satisfaction)
    with desk.database.transaction(actor.scope) as connection:
        case = locked_case(connection, appeal_id)
        case.after("call_back")
        _add(connection, desk, actor, case, kind="call_back", said=said)
        if reached:
            return take(connection, desk, actor, case, "call_back", facts=_told(said))
        facts = {"appeal_id": str(case.id), "unit": case.unit, **_told(said)}
        step = Step(topic=STEPS["call_back"].action, actor=actor.name, at=desk.clock(), facts=facts)
        tell(connection, step, case.id)
        return view_of(case)


def evaluate(desk: Desk, actor: Actor, appeal_id: UUID, *, satisfaction: str, solved: bool | None = None) -> CaseView:
    """Put down the appellant's own evaluation (群众评价); it counts before what was said at a call back.

    Args:
        desk: The desk.
        actor: Intake, dispatcher, officer or administrator; usually the program that asks by message.
        appeal_id: The appeal, closed.
        satisfaction: satisfied 满意, fairly 基本满意, dissatisfied 不满意.
        solved: Whether the matter is solved; None: not said.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such appeal in the actor's districts.
        StateConflict: It is not closed, or was evaluated before.
        InputError: The word is unknown.
    """
    require(actor, STEPS["evaluate"].right)
    if not satisfaction:
        raise InputError("请写明满意程度：satisfied、fairly 或 dissatisfied")
    _known(satisfaction)
    said = {"reached": True, "responded": None, "solved": solved, "satisfaction": satisfaction}
    with desk.database.transaction(actor.scope) as connection:
        case = locked_case(connection, appeal_id)
        case.after("evaluate")
        _add(connection, desk, actor, case, kind="evaluation", said=said)
        return take(connection, desk, actor, case, "evaluate", facts=_told(said))


def _known(satisfaction: str) -> None:
    if satisfaction not in SATISFACTIONS:
        raise InputError(f"满意程度应为 {'、'.join(filter(None, SATISFACTIONS))} 之一")


def _add(connection: Connection, desk: Desk, actor: Actor, case: Case, *, kind: str, said: dict[str, Any]) -> None:
    at = desk.clock()
    lifecycle.add(
        connection, answers, now=at, at=at, appeal_id=case.id, unit=case.unit, kind=kind, actor=actor.name, **said
    )


def _told(said: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in said.items() if value is not None and value != ""}
