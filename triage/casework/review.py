"""What people decide about a proposal: confirm it, send it elsewhere, take it back.

Each step is one transaction with its feedback (the label of the next training), history, terms and message. A unit that
returned an appeal is not proposed for it again.
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection, exists, select

from triage.casework import proposals, terms, warnings
from triage.casework.admission import require_admitted
from triage.casework.cases import DISPATCHED, RETURNED, STEPS, Case, CaseView, locked_case
from triage.casework.desk import Desk
from triage.casework.intake import storable
from triage.casework.rights import require
from triage.casework.stepping import dispatch, take
from triage.casework.unit_names import known_unit
from triage.errors import InputError
from triage.store import lifecycle
from triage.store.access import Actor
from triage.store.errors import StateConflict
from triage.store.feedback import Feedback
from triage.store.schema import feedback

LEAST_REASON, MOST_REASON = 2, 500
_JUDGED = ("confirm", "reassign")


def confirm(
    desk: Desk,
    actor: Actor,
    appeal_id: UUID,
    *,
    unit: str | None = None,
    seen: int | None = None,
    hold: timedelta = timedelta(0),
) -> CaseView:
    """Dispatch an appeal to the proposed unit, or to another one of the person's choice.

    Args:
        desk: The desk.
        actor: Dispatcher, officer or administrator.
        appeal_id: The appeal.
        unit: Name or alias; None: the first proposal.
        seen: Version of the proposal that the person looked at; a newer one is a conflict.
        hold: How long the unit is not told, so that the person can take it back (`triage.casework.undoing.undo`).

    Raises:
        Refused: The actor may not.
        NotFound: There is no such appeal in the actor's districts.
        StateConflict: The case is not open, was confirmed before, the proposal changed, or the unit returned it.
        InputError: The unit is not in the directory, or there is no proposal to confirm.
    """
    require(actor, "appeal.review")
    with desk.database.transaction(actor.scope) as connection:
        case = locked_case(connection, appeal_id, seen=seen)
        case.after("confirm")
        if case.unit and (
            _judged(connection, case) or (unit and known_unit(desk, connection, case, unit) != case.unit)
        ):
            raise StateConflict(f"该诉求已派往{case.unit}，如需更换请改派")
        chosen = known_unit(desk, connection, case, unit) if unit else case.unit or _first(case)
        if chosen in case.returned:
            raise StateConflict(f"{chosen}已退回该诉求；确需再派请改派，写明理由并选择“仍派该单位”")
        if case.stage == DISPATCHED:
            # By the machine. A person agrees; the unit has it already and is not told a second time.
            label = _label(desk, actor, case, kind="confirm", unit=chosen, reason="")
            return take(connection, desk, actor, case, "keep", label=label)
        require_admitted(connection, desk, case.id, chosen)
        return _dispatch(desk, connection, actor, case, kind="confirm", unit=chosen, reason="", hold=hold)


def reassign(
    desk: Desk,
    actor: Actor,
    appeal_id: UUID,
    *,
    unit: str,
    reason: str,
    override: bool = False,
    seen: int | None = None,
) -> CaseView:
    """Dispatch an appeal to another unit than the proposed or the responsible one.

    Args:
        desk: The desk.
        actor: Dispatcher, officer or administrator.
        appeal_id: The appeal.
        unit: Name or alias.
        reason: Why, 2 … 500 characters.
        override: Send it even to a unit that returned it, or down to a community or grid that it is not admitted to.
        seen: Version of the proposal that the person looked at; a newer one is a conflict.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such appeal in the actor's districts.
        StateConflict: The case is closed, has that unit already, the proposal changed, or the unit returned it.
        InputError: The unit is not in the directory, or the reason is missing.
    """
    require(actor, "appeal.review")
    why = checked_reason(reason)
    with desk.database.transaction(actor.scope) as connection:
        case = locked_case(connection, appeal_id, seen=seen)
        case.after("reassign")
        chosen = known_unit(desk, connection, case, unit)
        if chosen == case.unit:
            raise StateConflict(f"该诉求已在{chosen}，无需改派")
        if chosen in case.returned and not override:
            raise StateConflict(f"{chosen}已退回该诉求；确需再派请写明理由并选择“仍派该单位”")
        if not override:
            require_admitted(connection, desk, case.id, chosen)
        return _dispatch(desk, connection, actor, case, kind="reassign", unit=chosen, reason=why)


def send_back(
    desk: Desk,
    actor: Actor,
    appeal_id: UUID,
    *,
    reason: str,
    proposed_unit: str | None = None,
    seen: int | None = None,
) -> CaseView:
    """Return an appeal as not the unit's duty (退单); a new proposal without that unit takes the old one's place.

    Args:
        desk: The desk.
        actor: Dispatcher, officer or administrator.
        appeal_id: The appeal.
        reason: The unit's reason, 2 … 500 characters.
        proposed_unit: Whose duty it is according to the unit; comes first in the new proposal.
        seen: Version of the proposal that the person looked at; a newer one is a conflict.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such appeal in the actor's districts.
        StateConflict: The appeal is at no unit, or the proposal changed.
        InputError: The proposed unit is not in the directory or is the returning one, or the reason is missing.
    """
    require(actor, STEPS["return"].right)
    why = checked_reason(reason)
    with desk.database.transaction(actor.scope) as connection:
        case = locked_case(connection, appeal_id, seen=seen)
        case.after("return")
        still_open(connection, desk, case, terms.RETURN)
        proposed = proposed_instead(desk, connection, case, proposed_unit)
        return give_back(connection, desk, actor, case, step="return", reason=why, proposed=proposed)


def give_back(
    connection: Connection, desk: Desk, actor: Actor, case: Case, *, step: str, reason: str, proposed: str
) -> CaseView:
    """Take a case from its unit, which is never proposed again, and propose others.

    Args:
        connection: In the transaction that holds the case.
        desk: The desk.
        actor: Who put the return down, or decided the objection.
        case: At the returning unit.
        step: ``return`` or ``uphold``.
        reason: The unit's, or the review's.
        proposed: Comes first in the new proposal; may be empty.
    """
    renewed = proposals.without_unit(case, first=proposed)
    proposals.keep(desk, connection, actor, renewed)
    facts = {"unit_from": case.unit, "unit": "", "decision_version": renewed.version, "district": case.district}
    label = Feedback(
        appeal_id=case.id,
        decision_version=case.version,
        kind="return",
        actor=actor.name,
        at=desk.clock(),
        unit_from=case.unit,
        reason=reason,
    )
    view = take(connection, desk, actor, renewed, step, unit="", facts=facts, label=label)
    warnings.on_return(connection, desk, case.id)
    return view


def proposed_instead(desk: Desk, connection: Connection, case: Case, name: str | None) -> str:
    """Return the full name of the unit that is to have it instead; empty where none is named.

    Raises:
        InputError: It is not in the directory, or is the returning unit or one that returned it before.
    """
    proposed = known_unit(desk, connection, case, name) if name else ""
    if proposed and proposed in (*case.returned, case.unit):
        raise InputError(f"{proposed}已退回该诉求，不能作为建议单位")
    return proposed


def still_open(connection: Connection, desk: Desk, case: Case, window: str) -> None:
    """Go on only while the unit may say that it is not its duty.

    Args:
        connection: In the transaction that holds the case.
        desk: The desk.
        case: At the unit.
        window: `terms.RETURN` or `terms.OBJECTION`.

    Raises:
        StateConflict: Its objection was rejected, or the term is over.
    """
    judged = lifecycle.objections_of(connection, case.id)
    if any(found.unit == case.unit and found.state == "rejected" for found in judged):
        raise StateConflict(f"{case.unit}的异议已审查驳回，不能再退单或提出异议；确需更换单位请改派")
    if terms.passed(connection, case.id, window, at=desk.clock()):
        raise StateConflict(
            f"{case.unit}已超过{terms.STEPS[window]}时限，不能再{terms.STEPS[window]}；确需更换单位请改派"
        )


def checked_reason(reason: str) -> str:
    """Return a reason without outer blanks.

    Raises:
        InputError: It is missing, too long, or holds what cannot be stored (NUL, half a surrogate pair).
    """
    text = reason.strip()
    if not LEAST_REASON <= len(text) <= MOST_REASON or storable(text) != text:
        raise InputError(f"请写明理由（{LEAST_REASON} 至 {MOST_REASON} 字）")
    return text


def optional_reason(reason: str) -> str:
    """Return a reason without outer blanks, or nothing where none was given; see `checked_reason`."""
    return checked_reason(reason) if reason.strip() else ""


def _dispatch(
    desk: Desk,
    connection: Connection,
    actor: Actor,
    case: Case,
    *,
    kind: str,
    unit: str,
    reason: str,
    hold: timedelta = timedelta(0),
) -> CaseView:
    label = _label(desk, actor, case, kind=kind, unit=unit, reason=reason)
    return dispatch(connection, desk, actor, case, kind, unit=unit, label=label, hold=hold)


def _label(desk: Desk, actor: Actor, case: Case, *, kind: str, unit: str, reason: str) -> Feedback:
    return Feedback(
        appeal_id=case.id,
        decision_version=case.version,
        kind=kind,
        actor=actor.name,
        at=desk.clock(),
        unit_from=_former(case),
        unit_to=unit,
        reason=reason,
    )


def _former(case: Case) -> str:
    """Return what was responsible or proposed before: after a return the unit that sent it back."""
    if case.unit or (case.stage == RETURNED and case.returned):
        return case.unit or case.returned[-1]
    candidates = case.candidates()
    return str(candidates[0]["name"]) if candidates else ""


def _judged(connection: Connection, case: Case) -> bool:
    """Say whether a person has confirmed or chosen the unit that has the appeal now."""
    statement = select(
        exists().where(
            feedback.c.appeal_id == case.id,
            feedback.c.decision_version == case.version,
            feedback.c.kind.in_(_JUDGED),
        )
    )
    return bool(connection.execute(statement).scalar())


def _first(case: Case) -> str:
    candidates = case.candidates()
    if not candidates:
        raise InputError("该诉求没有可确认的建议单位，请指定承办单位")
    return str(candidates[0]["name"])
