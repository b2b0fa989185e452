"""Taking back one's own dispatch (撤销) while its unit has not been told.

A console's dispatch is told to the unit only after `UNDO_FOR` (see `triage.casework.review.confirm`, ``hold``). In that time the
person who made it can take it back as if it had never been: the message is withdrawn, the label is not learned from, the
terms run on. The history keeps both steps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection, text

from triage.casework import terms
from triage.casework.cases import DISPATCHED, RECEIVED, RETURNED, STEPS, Case, CaseView, State, locked_case, move
from triage.casework.desk import Desk
from triage.casework.rights import may, require
from triage.casework.traces import Step, note
from triage.store import dispatches, history, outbox
from triage.store.access import Actor
from triage.store.appeals import AppealView
from triage.store.errors import StateConflict

UNDO_FOR = timedelta(seconds=30)
"""How long; a unit that waits for an urgent matter must not wait much longer for its dispatcher's doubts."""
UNDONE = "appeal.undone"

_HANDED_OVER = "appeal.handed_over"
_FORGET = text("SELECT feedback_take_back(:appeal, :actor, :at)")
_HAND_BACK = text("SELECT appeal_hand_over(:appeal, :district)")
_TOO_LATE = "撤销时限已过，单位已收到派单；如需更换请改派"


@dataclass(frozen=True, slots=True)
class _Made:
    """The dispatch that is to be taken back: when it was made, and the district it came from."""

    at: datetime
    district_from: str | None


def undo(desk: Desk, actor: Actor, appeal_id: UUID) -> CaseView:
    """Take back the actor's own dispatch of an appeal that waited before.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such appeal in the actor's districts, which a dispatch may have taken it out of.
        StateConflict: Something else was done last, by somebody else, or too long ago.
    """
    require(actor, STEPS["confirm"].right)
    with desk.database.transaction(actor.scope) as connection:
        case = locked_case(connection, appeal_id)
        made = _own_dispatch(connection, actor, appeal_id)
        if made is None or case.stage != DISPATCHED:
            raise StateConflict("该诉求最近一次操作不是您本人的派单，不能撤销；如需更换请改派")
        if desk.clock() - made.at > UNDO_FOR:
            raise StateConflict(_TOO_LATE)
        return _take_back(connection, desk, actor, case, made)


def possible(connection: Connection, desk: Desk, actor: Actor, view: AppealView) -> bool:
    """Say whether `undo` would probably succeed now."""
    if view.case_state != "assigned" or not may(actor, STEPS["confirm"].right):
        return False
    made = _own_dispatch(connection, actor, view.id)
    return made is not None and desk.clock() - made.at <= UNDO_FOR


def _own_dispatch(connection: Connection, actor: Actor, appeal_id: UUID) -> _Made | None:
    """Return the actor's dispatch if it was the last that was done with the appeal."""
    steps = history.of(connection, appeal_id)
    district = None
    if steps and steps[-1].action == _HANDED_OVER:
        district = str(steps.pop().detail["district_from"])
    if not steps or steps[-1].action != STEPS["confirm"].action or steps[-1].actor != actor.name:
        return None
    return _Made(steps[-1].at, district)


def _take_back(connection: Connection, desk: Desk, actor: Actor, case: Case, made: _Made) -> CaseView:
    at = desk.clock()
    if not outbox.withdraw_of(connection, case.id, topics=(STEPS["confirm"].topic, _HANDED_OVER), since=made.at):
        raise StateConflict(_TOO_LATE)
    unit = case.unit
    connection.execute(_FORGET, {"appeal": case.id, "actor": actor.name, "at": made.at})
    dispatches.unjudge(connection, case.id, at=made.at)
    terms.take_back(connection, case.id, unit=unit, since=made.at, at=at)
    state: State = case.state.at(RETURNED if case.returned else RECEIVED)
    view = move(connection, case, state, unit="")
    facts = {"appeal_id": str(case.id), "unit_from": unit, "district": made.district_from or case.district}
    note(connection, Step(topic=UNDONE, actor=actor.name, at=at, facts=facts), [case.id])
    if made.district_from is None:
        return view
    connection.execute(_HAND_BACK, {"appeal": case.id, "district": made.district_from})
    return replace(view, district=made.district_from)
