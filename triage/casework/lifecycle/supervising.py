"""Pressing a unit: 催办, counted and told; 督办, an order with a number, a unit and a term."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from triage.casework import terms
from triage.casework.cases import STEPS, CaseView, locked_case
from triage.casework.desk import Desk
from triage.casework.review import checked_reason
from triage.casework.rights import require
from triage.casework.stepping import take, tell
from triage.casework.traces import Step
from triage.errors import InputError
from triage.rules.deadlines import CHINA
from triage.store import lifecycle
from triage.store.access import Actor
from triage.store.errors import NotFound, StateConflict
from triage.store.lifecycle import Supervision
from triage.store.schema.lifecycle import supervisions


def urge(desk: Desk, actor: Actor, appeal_id: UUID) -> CaseView:
    """Note that the appellant or the hotline urges (催办); history and message say how often by now.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such appeal in the actor's districts.
        StateConflict: The case is closed, or a supplement of another one.
    """
    require(actor, STEPS["urge"].right)
    with desk.database.transaction(actor.scope) as connection:
        case = locked_case(connection, appeal_id)
        case.after("urge")
        times = lifecycle.raise_count(connection, case.id, "urged")
        return take(connection, desk, actor, case, "urge", facts={"times": times, "district": case.district})


def supervise(desk: Desk, actor: Actor, appeal_id: UUID, *, reason: str, due_at: datetime | None = None) -> Supervision:
    """Issue a supervision order (督办单) to the responsible unit.

    Args:
        desk: The desk.
        actor: Officer or administrator.
        appeal_id: The appeal, at a unit.
        reason: Why: overdue, repeated, grave …; 2 … 500 characters.
        due_at: Until when the unit must have finished; None: by the rules of the place.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such appeal in the actor's districts.
        StateConflict: It is at no unit, or the unit has an open order for it.
        InputError: The reason is missing, the moment is past, or the rules state no term and none is given.
    """
    require(actor, STEPS["supervise"].right)
    why, at = checked_reason(reason), desk.clock()
    if due_at is not None and due_at <= at:
        raise InputError("督办时限应在现在之后")
    with desk.database.transaction(actor.scope) as connection:
        case = locked_case(connection, appeal_id)
        case.after("supervise")
        if any(_stands(found, case.unit) for found in lifecycle.supervisions_of(connection, case.id)):
            raise StateConflict(f"{case.unit}已有该诉求的督办单")
        term = terms.start(connection, desk, case.id, terms.SUPERVISE, unit=case.unit, at=at, due_at=due_at)
        if term is None:
            raise InputError("现行时限规则没有督办时限，请写明督办时限")
        year = at.astimezone(CHINA).year
        values = {"unit": case.unit, "reason": why, "issued_by": actor.name, "issued_at": at, "due_at": term.due_at}
        serial = lifecycle.next_serial(connection, year)
        row = lifecycle.add(connection, supervisions, now=at, appeal_id=case.id, year=year, serial=serial, **values)
        found = next(one for one in lifecycle.supervisions_of(connection, case.id) if one.id == row)
        facts = {"supervision_id": str(row), "number": found.number, "due_at": term.due_at.isoformat()}
        take(connection, desk, actor, case, "supervise", facts=facts)
        return found


def end_supervision(desk: Desk, actor: Actor, appeal_id: UUID, supervision_id: UUID) -> Supervision:
    """End a supervision order before the case is closed; the close ends it by itself.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such appeal in the actor's districts, or no such order about it.
        StateConflict: It has ended before.
    """
    require(actor, STEPS["supervise"].right)
    with desk.database.transaction(actor.scope) as connection:
        case = locked_case(connection, appeal_id)
        orders = {found.id: found for found in lifecycle.supervisions_of(connection, case.id)}
        if supervision_id not in orders:
            raise NotFound(f"诉求 {appeal_id} 没有督办单 {supervision_id}，请刷新后再操作")
        found, at = orders[supervision_id], desk.clock()
        if found.state != "open":
            raise StateConflict(f"{found.number}已结束")
        terms.drop(connection, case.id, step=terms.SUPERVISE, unit=found.unit, at=at)
        ended = {"state": "ended", "ended_by": actor.name, "ended_at": at}
        lifecycle.change(connection, supervisions, found.id, **ended)
        facts = {"appeal_id": str(case.id), "unit": found.unit, "supervision_id": str(found.id), "number": found.number}
        tell(connection, Step(topic="appeal.supervision_ended", actor=actor.name, at=at, facts=facts), case.id)
        return next(one for one in lifecycle.supervisions_of(connection, case.id) if one.id == supervision_id)


def orders(desk: Desk, actor: Actor, *, unit: str = "") -> list[Supervision]:
    """Return open supervision orders, the most pressing first.

    Raises:
        Refused: The actor may not.
    """
    require(actor, "appeal.read")
    with desk.database.transaction(actor.scope) as connection:
        return lifecycle.open_supervisions(connection, unit=unit)


def _stands(found: Supervision, unit: str) -> bool:
    return found.state == "open" and found.unit == unit
