"""More time for a unit (延期): asked for with a reason, approved or refused by somebody else, once per case."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection

from triage.casework import terms
from triage.casework.cases import STEPS, Case, locked_case
from triage.casework.desk import Desk
from triage.casework.review import checked_reason
from triage.casework.rights import require
from triage.casework.stepping import take
from triage.errors import InputError
from triage.store import lifecycle
from triage.store.access import Actor
from triage.store.errors import StateConflict
from triage.store.lifecycle import Extension
from triage.store.schema.lifecycle import extensions

MOST_DAYS = 60
"""No rule set allows more working days at once; the rules of the place allow fewer (``extension`` in deadlines.json)."""

_RUNNING = (terms.FINISH, "open")


def ask(desk: Desk, actor: Actor, appeal_id: UUID, *, days: int, reason: str) -> Extension:
    """Put down that a unit asks for more time.

    Args:
        desk: The desk.
        actor: Dispatcher, officer or administrator.
        appeal_id: The appeal.
        days: Working days, counted from the present end of the term; at most what the rules of the place allow.
        reason: The unit's, 2 … 500 characters.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such appeal in the actor's districts.
        StateConflict: It is at no unit, was extended before, a request waits, or the term is over.
        InputError: The reason is missing, or the number of days is out of range.
    """
    require(actor, STEPS["extend"].right)
    why = checked_reason(reason)
    allowed = terms.longest_extension(desk)
    most = allowed.count if allowed.unit == "wd" else MOST_DAYS
    if not 1 <= days <= most:
        raise InputError(f"延期应为 1 至 {most} 个工作日")
    with desk.database.transaction(actor.scope) as connection:
        case = locked_case(connection, appeal_id)
        case.after("extend")
        _not_twice(connection, case)
        if terms.passed(connection, case.id, terms.FINISH, at=desk.clock()):
            raise StateConflict("办理时限已过，不能再申请延期")
        at = desk.clock()
        values = {"unit": case.unit, "days": days, "reason": why, "asked_by": actor.name, "asked_at": at}
        row = lifecycle.add(connection, extensions, now=at, appeal_id=case.id, **values)
        terms.start(connection, desk, case.id, terms.EXTENSION, at=at)
        take(connection, desk, actor, case, "extend", facts={"extension_id": str(row), "days": days})
        return _read(connection, case, row)


def decide(desk: Desk, actor: Actor, appeal_id: UUID, *, approve: bool, reason: str) -> Extension:
    """Approve or refuse the open request; approved, the term of finishing ends later.

    Args:
        desk: The desk.
        actor: Officer or administrator, not the one who put the request down.
        appeal_id: The appeal.
        approve: Whether it is granted.
        reason: Why, 2 … 500 characters.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such appeal in the actor's districts.
        StateConflict: No request is open, the actor asked for it, or the term cannot be extended.
        InputError: The reason is missing.
    """
    require(actor, STEPS["rule_extension"].right)
    why = checked_reason(reason)
    with desk.database.transaction(actor.scope) as connection:
        case = locked_case(connection, appeal_id)
        case.after("rule_extension")
        asked = _open(connection, case)
        if actor.name.startswith("user:") and actor.name == asked.asked_by:
            raise StateConflict("申请延期的登记人不能自行审批，请由其他人员审批")
        at = desk.clock()
        decided = {"state": "refused", "decided_by": actor.name, "decided_at": at, "ruling": why}
        terms.meet(connection, case.id, terms.EXTENSION, at=at)
        if approve:
            before = [term.due_at for term in terms.of(connection, case.id) if (term.step, term.state) == _RUNNING]
            after = terms.extend(connection, desk, case.id, at=at, by=f"{asked.days} wd")
            decided |= {"state": "approved", "due_before": before[0], "due_after": after.due_at}
        lifecycle.change(connection, extensions, asked.id, **decided)
        facts = {"extension_id": str(asked.id), "approved": approve, "days": asked.days}
        take(connection, desk, actor, case, "rule_extension", facts=facts)
        return _read(connection, case, asked.id)


def waiting(desk: Desk, actor: Actor) -> list[Extension]:
    """Return requests that wait for a decision, oldest first.

    Raises:
        Refused: The actor may not.
    """
    require(actor, "appeal.read")
    with desk.database.transaction(actor.scope) as connection:
        return lifecycle.open_extensions(connection)


def _not_twice(connection: Connection, case: Case) -> None:
    for found in lifecycle.extensions_of(connection, case.id):
        if found.state == "open":
            raise StateConflict("该诉求已有待审批的延期申请")
        if found.state == "approved":
            raise StateConflict("该诉求已延期一次，不能再次延期")


def _open(connection: Connection, case: Case) -> Extension:
    for found in lifecycle.extensions_of(connection, case.id):
        if found.state == "open":
            return found
    raise StateConflict("该诉求没有待审批的延期申请")


def _read(connection: Connection, case: Case, row: UUID) -> Extension:
    return next(found for found in lifecycle.extensions_of(connection, case.id) if found.id == row)
