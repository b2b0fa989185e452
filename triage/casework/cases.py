"""What a case can go through: two states, kept apart, and the steps that change them.

``case_state`` says what the appeal is, ``delivery_state`` how its way to the unit went. A step that the table does not
list is refused with a word that says what to do instead.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, select, update

from triage.store import feedback
from triage.store.errors import NotFound, StateConflict
from triage.store.schema import appeals, decisions

WAITING, ASSIGNED, CLOSED = "waiting", "assigned", "closed"
NONE, PROPOSED, DISPATCHED, ACCEPTED, RETURNED = "none", "proposed", "dispatched", "accepted", "returned"

State = tuple[str, str]

_OPEN: Mapping[State, State] = {(WAITING, way): (ASSIGNED, DISPATCHED) for way in (NONE, PROPOSED, RETURNED)}

STEPS: Mapping[str, Mapping[State, State]] = {
    # An automatic dispatch may be confirmed by a person afterwards; that a second person does so is refused elsewhere.
    "confirm": {**_OPEN, (ASSIGNED, DISPATCHED): (ASSIGNED, DISPATCHED)},
    "reassign": {
        **_OPEN,
        (ASSIGNED, DISPATCHED): (ASSIGNED, DISPATCHED),
        (ASSIGNED, ACCEPTED): (ASSIGNED, DISPATCHED),
    },
    "return": {(ASSIGNED, DISPATCHED): (WAITING, RETURNED), (ASSIGNED, ACCEPTED): (WAITING, RETURNED)},
    "accept": {(ASSIGNED, DISPATCHED): (ASSIGNED, ACCEPTED)},
    "close": {(ASSIGNED, DISPATCHED): (CLOSED, DISPATCHED), (ASSIGNED, ACCEPTED): (CLOSED, ACCEPTED)},
}
"""Step → state before → state after, as (case, delivery)."""

_WORDS = {"confirm": "确认", "reassign": "改派", "return": "退单", "accept": "签收", "close": "办结"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """An appeal as a decision about it needs it, locked for the transaction.

    Attributes:
        id: The appeal.
        case_state: One of `triage.store.schema.CASE_STATES`.
        delivery_state: One of `triage.store.schema.DELIVERY_STATES`.
        unit: The responsible unit; empty while it waits.
        version: Number of the present proposal.
        event_id: Its event.
        record: The present proposal.
        returned: Units that sent it back.
    """

    id: UUID
    case_state: str
    delivery_state: str
    unit: str
    version: int
    event_id: UUID
    record: Mapping[str, Any]
    returned: tuple[str, ...]

    def candidates(self) -> list[dict[str, Any]]:
        """Return the proposed units, best first, without those that sent it back; as in the record."""
        proposed = self.record.get("unit", {}).get("candidates") or []
        return [dict(candidate) for candidate in proposed if candidate["name"] not in self.returned]

    def after(self, step: str) -> State:
        """Return the states after a step.

        Raises:
            StateConflict: The step is not possible now.
        """
        states = STEPS[step].get((self.case_state, self.delivery_state))
        if states is not None:
            return states
        if self.case_state == CLOSED:
            raise StateConflict(f"该诉求已办结，不能再{_WORDS[step]}")
        if self.case_state == WAITING:
            raise StateConflict(f"该诉求尚未派单，不能{_WORDS[step]}；请先确认或改派承办单位")
        raise StateConflict(f"{self.unit}已签收该诉求，不能再{_WORDS[step]}；如需更换单位请改派")


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseView:
    """A case after a step.

    Attributes:
        appeal_id: The appeal.
        case_state: What it is now.
        delivery_state: How its way to the unit stands.
        unit: The responsible unit; empty while it waits.
        decision_version: Number of the present proposal; send it along with the next step.
        candidates: Units proposed now, best first, as (name, probability 0 … 1).
        returned: Units that sent it back; never proposed again.
        event_id: Its event.
    """

    appeal_id: UUID
    case_state: str
    delivery_state: str
    unit: str
    decision_version: int
    candidates: tuple[tuple[str, float], ...]
    returned: tuple[str, ...]
    event_id: UUID


def locked_case(connection: Connection, appeal_id: UUID, *, seen: int | None = None) -> Case:
    """Read a case and hold it until the transaction ends.

    Args:
        connection: Inside a transaction of the actor's scope.
        appeal_id: The appeal.
        seen: The version of the proposal that the person looked at; None if they did not say.

    Raises:
        NotFound: There is none, or the actor may not see it.
        StateConflict: The proposal has changed since.
    """
    columns = (appeals.c.case_state, appeals.c.delivery_state, appeals.c.unit, appeals.c.event_id)
    statement = select(*columns, appeals.c.decision_version).where(appeals.c.id == appeal_id)
    row = connection.execute(statement.with_for_update(key_share=True)).one_or_none()
    if row is None:
        raise NotFound(f"没有诉求 {appeal_id}，或不在可见区划内")
    if seen is not None and seen != row.decision_version:
        raise StateConflict(f"该诉求已有新的研判（第{row.decision_version}版，所见为第{seen}版），请刷新后再操作")
    record = connection.execute(
        select(decisions.c.record).where(
            decisions.c.appeal_id == appeal_id, decisions.c.version == row.decision_version
        )
    ).scalar_one_or_none()
    return Case(
        id=appeal_id,
        case_state=row.case_state,
        delivery_state=row.delivery_state,
        unit=row.unit,
        version=row.decision_version,
        event_id=row.event_id,
        record=record or {},
        returned=feedback.returned_units(connection, appeal_id),
    )


def move(connection: Connection, case: Case, state: State, *, unit: str, version: int | None = None) -> CaseView:
    """Write the new states and return the case as it is then; the caller has checked the step."""
    case_state, delivery_state = state
    values = {"case_state": case_state, "delivery_state": delivery_state, "unit": unit}
    number = version or case.version
    statement = update(appeals).where(appeals.c.id == case.id)
    connection.execute(statement.values(**values, decision_version=number))
    return CaseView(
        appeal_id=case.id,
        case_state=case_state,
        delivery_state=delivery_state,
        unit=unit,
        decision_version=number,
        candidates=tuple((c["name"], float(c["probability"])) for c in case.candidates()),
        returned=case.returned,
        event_id=case.event_id,
    )
