"""What the responsible unit does (接单、办理、办结), and what becomes of a case without or after it (转送、重新办理)."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Connection, update

from triage.casework.cases import STEPS, Case, CaseView, locked_case
from triage.casework.desk import Desk
from triage.casework.review import checked_reason
from triage.casework.rights import require
from triage.casework.stepping import dispatch, take
from triage.casework.unit_names import known_unit
from triage.errors import InputError
from triage.store import lifecycle
from triage.store.access import Actor
from triage.store.feedback import Feedback
from triage.store.schema import events

OUTCOMES = ("solved", "explained", "agreed", "unfounded", "")
"""How a case ended: 已解决, 已解释说明, 已商定分期解决, 查无此事; empty: not said."""
CHANNELS = ("诉讼", "仲裁", "纪检监察", "行政复议", "信息公开", "信访", "110", "119", "120", "122", "不予受理")
"""Where a case may be passed on to (triage.rules.route_out), or that it is not for the hotline."""


def accept(desk: Desk, actor: Actor, appeal_id: UUID) -> CaseView:
    """Note that the unit has taken the appeal on (接单); the first one that does is kept as 首接单位.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such appeal in the actor's districts.
        StateConflict: It was not dispatched, or was accepted before.
    """
    return _advance(desk, actor, appeal_id, step="accept")


def handle(desk: Desk, actor: Actor, appeal_id: UUID) -> CaseView:
    """Note that the unit has begun (办理): it has contacted the appellant.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such appeal in the actor's districts.
        StateConflict: The unit has not accepted it, or has begun before.
    """
    return _advance(desk, actor, appeal_id, step="handle")


def finish(desk: Desk, actor: Actor, appeal_id: UUID, *, outcome: str = "") -> CaseView:
    """Note that the unit has answered and nothing is left to do (办结); what is still asked of anybody lapses.

    Args:
        desk: The desk.
        actor: Dispatcher, officer or administrator.
        appeal_id: The appeal.
        outcome: One of `OUTCOMES`.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such appeal in the actor's districts.
        StateConflict: The appeal is at no unit, or its objection waits for a review.
        InputError: The outcome is unknown.
    """
    if outcome not in OUTCOMES:
        raise InputError(f"办理结果应为 {'、'.join(filter(None, OUTCOMES))} 之一")
    return _advance(desk, actor, appeal_id, step="close", **({"outcome": outcome} if outcome else {}))


def pass_on(desk: Desk, actor: Actor, appeal_id: UUID, *, channel: str) -> CaseView:
    """Close an appeal that another legal channel or an emergency number must handle; the hotline explains it.

    Args:
        desk: The desk.
        actor: Dispatcher, officer or administrator.
        appeal_id: The appeal, not dispatched.
        channel: One of `CHANNELS`.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such appeal in the actor's districts.
        StateConflict: It is at a unit or closed.
        InputError: The channel is unknown.
    """
    if channel not in CHANNELS:
        raise InputError(f"转送途径应为 {'、'.join(CHANNELS)} 之一")
    return _advance(desk, actor, appeal_id, step="pass_on", channel=channel)


def reopen(desk: Desk, actor: Actor, appeal_id: UUID, *, reason: str, unit: str | None = None) -> CaseView:
    """Let a closed case be handled again, by the same unit unless another one is named.

    Args:
        desk: The desk.
        actor: Dispatcher, officer or administrator.
        appeal_id: The appeal, closed.
        reason: Why, 2 … 500 characters.
        unit: Name or alias; needed where the case was closed without a unit.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such appeal in the actor's districts.
        StateConflict: It is not closed.
        InputError: The reason or the unit is missing, or the unit is not in the directory.
    """
    require(actor, STEPS["reopen"].right)
    why = checked_reason(reason)
    with desk.database.transaction(actor.scope) as connection:
        case = locked_case(connection, appeal_id)
        case.after("reopen")
        chosen = known_unit(desk, connection, case, unit) if unit else case.unit
        if not chosen:
            raise InputError("该诉求办结时没有承办单位，请指定由哪个单位重新办理")
        lifecycle.raise_count(connection, case.id, "reopened")
        _reopen_event(connection, case)
        label = _kept(desk, actor, case, chosen, why)
        return dispatch(connection, desk, actor, case, "reopen", unit=chosen, label=label)


def _advance(desk: Desk, actor: Actor, appeal_id: UUID, *, step: str, **facts: str) -> CaseView:
    require(actor, STEPS[step].right)
    with desk.database.transaction(actor.scope) as connection:
        case = locked_case(connection, appeal_id)
        return take(connection, desk, actor, case, step, facts={"district": case.district, **facts})


def _kept(desk: Desk, actor: Actor, case: Case, unit: str, reason: str) -> Feedback:
    """Return the label of a reopening: the reason's only home; a second look at the same unit, or a new one."""
    kind = "confirm" if unit == case.unit else "reassign"
    return Feedback(
        appeal_id=case.id,
        decision_version=case.version,
        kind=kind,
        actor=actor.name,
        at=desk.clock(),
        unit_from=case.unit,
        unit_to=unit,
        reason=reason,
    )


def _reopen_event(connection: Connection, case: Case) -> None:
    """Open the event of a case again, so that new appeals about the matter find it."""
    statement = update(events).where(events.c.id == case.event_id, events.c.state == "closed")
    connection.execute(statement.values(state="open"))
