"""What becomes of a new appeal's proposal: dispatched, noted in shadow, drawn for people, or kept from the machine."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from triage.casework.cases import locked_case
from triage.casework.desk import Desk
from triage.casework.dispatch_policy import OFF
from triage.casework.dispatching.bars import Bar, bars_of, matter_of
from triage.casework.dispatching.releasing import hold, send_to_unit
from triage.casework.dispatching.switching import may_dispatch, panel_of
from triage.casework.intake import Prepared
from triage.decision import AUTO, REVIEW, Decision
from triage.store import dispatches, history
from triage.store.access import SYSTEM
from triage.store.dispatches import HELD, SAMPLED, SHADOW, Dispatch

BARRED = "barred"
_ACTIONS = {HELD: "dispatch.held", SHADOW: "dispatch.shadow", SAMPLED: "dispatch.sampled"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What becomes of a proposal.

    Attributes:
        decision: The decision as it is recorded: one that people must make says so, and why.
        outcome: For statistics: that of the dispatch, ``barred``, ``off``, or ``review`` of an unsure proposal.
        dispatch: What is noted; None where the machine would not have dispatched.
        bars: What keeps it from the machine.
    """

    decision: Decision
    outcome: str
    dispatch: Dispatch | None = None
    bars: tuple[Bar, ...] = ()


def refuses(connection: Connection, prepared: Prepared) -> bool:
    """Say whether the appellant objects to decisions by machine alone: now, or with an earlier appeal (PIPL art. 24)."""
    if prepared.new.no_automation:
        return True
    return prepared.appellant is not None and dispatches.has_objected(connection, prepared.appellant)


def plan(
    connection: Connection, desk: Desk, prepared: Prepared, decision: Decision, *, event_id: UUID, refused: bool
) -> Plan:
    """Say what becomes of a proposal; writes nothing, unless the switch falls now.

    Args:
        connection: In the transaction of scope everywhere that records the appeal, after its warnings.
        desk: Composition.
        prepared: The appeal.
        decision: What is proposed.
        event_id: Its event.
        refused: As `refuses` says.
    """
    unit = decision.unit
    if unit.decision != AUTO or not unit.candidates:
        return Plan(decision=decision, outcome=REVIEW)
    matter = matter_of(connection, desk, prepared, decision, event_id=event_id, refused=refused)
    bars = bars_of(matter)
    if bars:
        return Plan(decision=_by_people(decision, "；".join(bar.reason for bar in bars)), outcome=BARRED, bars=bars)
    if desk.dispatch.mode == OFF:
        return Plan(decision=decision, outcome=OFF)
    if not may_dispatch(connection, panel_of(desk)):
        return Plan(decision=decision, outcome=SHADOW, dispatch=_noted(desk, prepared, decision, SHADOW))
    if desk.dispatch.draws(desk.secret, prepared.id):
        drawn = _by_people(decision, f"随机抽检（{desk.dispatch.sample:.0%}），请人工独立判断")
        return Plan(decision=drawn, outcome=SAMPLED, dispatch=_noted(desk, prepared, decision, SAMPLED))
    return Plan(decision=decision, outcome=HELD, dispatch=_noted(desk, prepared, decision, HELD))


def carry_out(connection: Connection, desk: Desk, planned: Plan, appeal_id: UUID) -> None:
    """Note the plan with the recorded appeal; without a window for recalling, tell the unit at once."""
    at, dispatch = desk.clock(), planned.dispatch
    if planned.bars:
        facts = {"bars": [bar.code for bar in planned.bars], "unit": planned.decision.unit.candidates[0].name}
        history.add(connection, appeal_id, actor=SYSTEM.name, action="dispatch.barred", at=at, detail=facts)
    if dispatch is None:
        return
    dispatches.add(connection, dispatch)
    if dispatch.outcome == HELD and not desk.dispatch.recall:
        send_to_unit(connection, desk, locked_case(connection, appeal_id), unit=dispatch.unit)
        return
    noted = {"unit": dispatch.unit, "decision_version": 1}
    if dispatch.release_at is not None:
        noted["release_at"] = dispatch.release_at.isoformat()
        hold(connection, appeal_id)
    history.add(connection, appeal_id, actor=SYSTEM.name, action=_ACTIONS[dispatch.outcome], at=at, detail=noted)


def _by_people(decision: Decision, reason: str) -> Decision:
    return replace(decision, unit=replace(decision.unit, decision=REVIEW, reason=reason))


def _noted(desk: Desk, prepared: Prepared, decision: Decision, outcome: str) -> Dispatch:
    first, at = decision.unit.candidates[0], desk.clock()
    release_at: datetime | None = at + desk.dispatch.recall if outcome == HELD else None
    return Dispatch(
        appeal_id=prepared.id,
        unit=first.name,
        bundle=desk.current().bundle,
        probability=first.probability,
        outcome=outcome,
        at=at,
        release_at=release_at,
    )
