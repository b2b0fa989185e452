"""A person's objection to a decision made by machine alone (PIPL art. 24), and the review by a person that it brings."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection

from triage.casework import stepping
from triage.casework.cases import ASSIGNED, Case, CaseView, locked_case
from triage.casework.desk import Desk
from triage.casework.dispatching.releasing import is_held, take_back
from triage.casework.rights import require
from triage.casework.traces import Step
from triage.store import dispatches
from triage.store.access import Actor
from triage.store.dispatches import SENT
from triage.store.errors import StateConflict
from triage.store.feedback import Feedback

RECALLED, REVIEW, NOTED = "recalled", "review", "noted"
MOST = 200
"""Most appeals listed for review."""

TOPIC = "appeal.automation_refused"


@dataclass(frozen=True, kw_only=True, slots=True)
class Objected:
    """What an objection brings about.

    Attributes:
        appeal_id: The appeal.
        effect: ``recalled``: it was about to be dispatched and waits for a person now; ``review``: its unit has it from the
            machine alone, and a person must confirm or change that; ``noted``: a person decides or has decided anyway.
    """

    appeal_id: UUID
    effect: str


def object_to_automation(desk: Desk, actor: Actor, appeal_id: UUID) -> Objected:
    """Note that the appellant objects to decisions by machine alone; later appeals of theirs go to people as well.

    Saying it twice changes nothing and answers what is still to be done.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such appeal in the actor's districts.
    """
    require(actor, "appeal.opt_out")
    with desk.database.transaction(actor.scope) as connection:
        case = locked_case(connection, appeal_id)
        new = dispatches.object_to_automation(connection, appeal_id)
        effect = _effect(connection, case)
        if new:
            facts = {"appeal_id": str(appeal_id), "effect": effect}
            stepping.tell(connection, Step(topic=TOPIC, actor=actor.name, at=desk.clock(), facts=facts), appeal_id)
        if effect == RECALLED:
            take_back(connection, desk, actor, case, cause="objection")
    return Objected(appeal_id=appeal_id, effect=effect)


def keep_dispatch(desk: Desk, actor: Actor, appeal_id: UUID) -> CaseView:
    """Note that a person has looked at an automatic dispatch and leaves the appeal with its unit, at whatever stage.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such appeal in the actor's districts.
        StateConflict: Its unit does not have it from the machine, or people have judged that already.
    """
    require(actor, "appeal.review")
    with desk.database.transaction(actor.scope) as connection:
        case = locked_case(connection, appeal_id)
        dispatch = dispatches.of_appeal(connection, appeal_id)
        if dispatch is None or dispatch.outcome != SENT or dispatch.unit != case.unit:
            raise StateConflict("该诉求不在自动派往的单位，无需复核")
        if dispatches.is_judged(connection, appeal_id):
            raise StateConflict("该自动派单已由人工复核")
        label = Feedback(
            appeal_id=appeal_id,
            decision_version=case.version,
            kind="confirm",
            actor=actor.name,
            at=desk.clock(),
            unit_from=case.unit,
            unit_to=case.unit,
        )
        return stepping.take(connection, desk, actor, case, "keep", label=label)


def to_review(desk: Desk, actor: Actor) -> list[UUID]:
    """Return the appeals of the actor's districts whose dispatch a person must review, at most `MOST`, oldest first.

    Raises:
        Refused: The actor may not.
    """
    require(actor, "appeal.review")
    with desk.database.transaction(actor.scope) as connection:
        return dispatches.contested(connection, most=MOST)


def _effect(connection: Connection, case: Case) -> str:
    if is_held(case):
        return RECALLED
    dispatch = dispatches.of_appeal(connection, case.id)
    by_machine = dispatch is not None and dispatch.outcome == SENT and not dispatches.is_judged(connection, case.id)
    return REVIEW if by_machine and case.state.case == ASSIGNED else NOTED
