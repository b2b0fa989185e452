"""A unit says that an appeal is not its duty (职责异议); a review upholds or rejects that."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection

from triage.casework import terms
from triage.casework.cases import STEPS, Case, CaseView, locked_case
from triage.casework.desk import Desk
from triage.casework.review import checked_reason, give_back, proposed_instead, still_open
from triage.casework.rights import require
from triage.casework.stepping import take
from triage.errors import InputError
from triage.store import lifecycle
from triage.store.access import Actor
from triage.store.errors import StateConflict
from triage.store.feedback import Feedback
from triage.store.lifecycle import Objection
from triage.store.schema.lifecycle import objections

MOST_LISTED = 200


def raise_objection(
    desk: Desk, actor: Actor, appeal_id: UUID, *, reason: str, proposed_unit: str | None = None, seen: int | None = None
) -> CaseView:
    """Put down that a unit objects to a dispatch (信访工作条例 art. 23: within 5 working days, with reasons).

    Until the review nobody else can be given the case, and it cannot be finished.

    Args:
        desk: The desk.
        actor: Dispatcher, officer or administrator.
        appeal_id: The appeal.
        reason: The unit's, 2 … 500 characters.
        proposed_unit: Whose duty it is according to the unit.
        seen: Version of the proposal that the person looked at; a newer one is a conflict.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such appeal in the actor's districts.
        StateConflict: It is at no unit, the term is over, or an objection of the unit was rejected before.
        InputError: The reason is missing, or the proposed unit cannot be it.
    """
    require(actor, STEPS["object"].right)
    why = checked_reason(reason)
    with desk.database.transaction(actor.scope) as connection:
        case = locked_case(connection, appeal_id, seen=seen)
        case.after("object")
        still_open(connection, desk, case, terms.OBJECTION)
        proposed = proposed_instead(desk, connection, case, proposed_unit)
        values = {"unit": case.unit, "proposed_unit": proposed, "reason": why, "raised_by": actor.name}
        at = desk.clock()
        row = lifecycle.add(connection, objections, now=at, appeal_id=case.id, raised_at=at, **values)
        facts = {"objection_id": str(row), "proposed_unit": proposed}
        return take(connection, desk, actor, case, "object", facts=facts)


def rule(
    desk: Desk, actor: Actor, appeal_id: UUID, *, uphold: bool, reason: str, proposed_unit: str | None = None
) -> CaseView:
    """Decide the open objection to a dispatch.

    Upheld, the case goes back to the dispatcher with a new proposal without the unit. Rejected, it stays: the unit has to
    accept it and may neither object nor return it again.

    Args:
        desk: The desk.
        actor: Officer or administrator, not the one who put the objection down.
        appeal_id: The appeal.
        uphold: Whether the unit is right.
        reason: The review's, 2 … 500 characters.
        proposed_unit: Whose duty it is according to the review; None: what the unit proposed.

    Raises:
        Refused: The actor may not, or put the objection down.
        NotFound: There is no such appeal in the actor's districts.
        StateConflict: No objection is open.
        InputError: The reason is missing, the proposed unit cannot be it, or one is named though the case stays.
    """
    step = "uphold" if uphold else "reject"
    require(actor, STEPS[step].right)
    why = checked_reason(reason)
    if proposed_unit and not uphold:
        raise InputError("驳回异议后仍由原单位办理，不能另行建议单位")
    with desk.database.transaction(actor.scope) as connection:
        case = locked_case(connection, appeal_id)
        case.after(step)
        raised = _open(connection, case)
        _another(actor, raised)
        state = "upheld" if uphold else "rejected"
        decided = {"state": state, "decided_by": actor.name, "decided_at": desk.clock(), "ruling": why}
        lifecycle.change(connection, objections, raised.id, **decided)
        if uphold:
            proposed = (
                proposed_instead(desk, connection, case, proposed_unit) if proposed_unit else raised.proposed_unit
            )
            return give_back(connection, desk, actor, case, step=step, reason=raised.reason, proposed=proposed)
        facts = {"objection_id": str(raised.id)}
        return take(connection, desk, actor, case, step, facts=facts, label=_right(desk, actor, case, why))


def waiting(desk: Desk, actor: Actor) -> list[Objection]:
    """Return objections that wait for a review, oldest first.

    Raises:
        Refused: The actor may not.
    """
    require(actor, "appeal.read")
    with desk.database.transaction(actor.scope) as connection:
        return lifecycle.open_objections(connection, most=MOST_LISTED)


def _open(connection: Connection, case: Case) -> Objection:
    for found in reversed(lifecycle.objections_of(connection, case.id)):
        if found.state == "open":
            return found
    raise StateConflict(f"{case.unit}没有待审查的异议")


def _another(actor: Actor, raised: Objection) -> None:
    """Refuse that a person decides the own objection; a program's key stands for many people and may."""
    if actor.name.startswith("user:") and actor.name == raised.raised_by:
        raise StateConflict("提出异议的登记人不能自行审查，请由其他人员审查")


def _right(desk: Desk, actor: Actor, case: Case, reason: str) -> Feedback:
    """Return the label of a rejection: somebody looked closely, and the unit is the right one."""
    return Feedback(
        appeal_id=case.id,
        decision_version=case.version,
        kind="confirm",
        actor=actor.name,
        at=desk.clock(),
        unit_from=case.unit,
        unit_to=case.unit,
        reason=reason,
    )
