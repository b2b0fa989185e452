"""Takes a case from stage to stage: states, history, message, terms and what lapses, in the caller's transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from triage.casework import clocks, proposals, terms
from triage.casework.cases import ASSIGNED, CLOSED, STEPS, Case, CaseView, State, move, view_of
from triage.casework.desk import Desk
from triage.casework.traces import Step, note, send
from triage.casework.unit_names import district_of_unit
from triage.store import feedback, lifecycle
from triage.store.access import Actor
from triage.store.feedback import Feedback
from triage.store.ids import new_id

_HAND_OVER = text("SELECT appeal_hand_over(:appeal, :district)")


def take(
    connection: Connection,
    desk: Desk,
    actor: Actor,
    case: Case,
    step: str,
    *,
    unit: str | None = None,
    facts: Mapping[str, Any] | None = None,
    label: Feedback | None = None,
    hold: timedelta = timedelta(0),
) -> CaseView:
    """Take a step of the table `triage.casework.cases.STEPS`; rights and conditions of its own are the caller's.

    Args:
        connection: In the transaction that holds the case.
        desk: The desk.
        actor: Who takes it; `triage.store.access.SYSTEM` for the service itself.
        case: As `triage.casework.cases.locked_case` read it, perhaps with its next proposal.
        step: One of `STEPS`.
        unit: Who is responsible afterwards; None: as before.
        facts: Further ids, names of units and numbers for history and message; no texts.
        label: What the step teaches; None where it teaches nothing.
        hold: How long nobody is told, so that it can be taken back.

    Raises:
        StateConflict: The step is not possible now.
    """
    entry, at = STEPS[step], desk.clock()
    state, responsible = case.after(step), case.unit if unit is None else unit
    if _leaves(case, state, responsible):
        lifecycle.lapse(connection, case.id, unit=case.unit, done=state.case == CLOSED, at=at)
    view = view_of(case) if not entry.to else move(connection, case, state, unit=responsible)
    clocks.follow(connection, desk, case, step, unit=responsible, at=at)
    told = {"appeal_id": str(case.id), "unit": responsible, **(facts or {})}
    if label is not None:
        feedback.add(connection, [label])
    tell(
        connection, Step(topic=entry.action, actor=actor.name, at=at, facts=told), case.id, topic=entry.topic, hold=hold
    )
    return view


def tell(
    connection: Connection,
    step: Step,
    appeal: UUID,
    *,
    topic: str = "",
    hold: timedelta = timedelta(0),
    **more: object,
) -> None:
    """Put a step into history and outbox.

    Args:
        connection: In the transaction of the step.
        step: What happened; its topic is the action in the history.
        appeal: To which appeal.
        topic: Of the message; empty: the action.
        hold: How long the message stays here before it leaves.
        more: What the message says beyond the history.
    """
    note(connection, step, [appeal])
    message = replace(step, topic=topic or step.topic, facts={**step.facts, **more})
    send(connection, message, key=f"{message.topic}:{new_id(step.at)}", hold=hold)


def dispatch(
    connection: Connection,
    desk: Desk,
    actor: Actor,
    case: Case,
    step: str,
    *,
    unit: str,
    label: Feedback | None,
    hold: timedelta = timedelta(0),
) -> CaseView:
    """Take a step that gives the case to a unit; a unit of another district takes the appeal into its district.

    The hand-over comes last: afterwards a district's transaction cannot write to the appeal any more.
    """
    former = label.unit_from if label else case.unit
    target = district_of_unit(desk, unit)
    moves = bool(target) and target != case.district
    held = proposals.without_similar(case) if moves else case
    if moves:
        proposals.keep(desk, connection, actor, held)
    facts = {
        "unit_from": former,
        "decision_version": held.version,
        "cause": step,
        "district": target if moves else case.district,
    }
    if lifecycle.leads_now(connection, case.id, unit=unit, at=desk.clock()):
        terms.drop(connection, case.id, step=terms.ASSIST, unit=unit, at=desk.clock())
    view = take(connection, desk, actor, held, step, unit=unit, facts=facts, label=label, hold=hold)
    if not moves:
        return view
    between = {"district_from": case.district, "district": target, "appeal_id": str(case.id), "unit": unit}
    tell(
        connection,
        Step(topic="appeal.handed_over", actor=actor.name, at=desk.clock(), facts=between),
        case.id,
        hold=hold,
    )
    connection.execute(_HAND_OVER, {"appeal": case.id, "district": target})
    return replace(view, district=target)


def _leaves(case: Case, state: State, unit: str) -> bool:
    """Say whether the unit that has the case loses it: what was asked of it or by it is void then."""
    return case.state.case == ASSIGNED and (state.case != ASSIGNED or unit != case.unit)
