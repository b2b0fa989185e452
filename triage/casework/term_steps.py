"""What people note about terms that no other step carries: contact made, notice given, a hearing that stops the clock."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from triage.casework import terms
from triage.casework.cases import locked_case
from triage.casework.desk import Desk
from triage.casework.rights import require
from triage.casework.traces import Step, note
from triage.errors import InputError
from triage.rules.deadlines import STEPS
from triage.store import appeals
from triage.store.access import Actor
from triage.store.errors import StateConflict
from triage.store.terms import Term

BEGIN, MEET, SUSPEND, RESUME = "begin", "meet", "suspend", "resume"

BY_HAND = (
    terms.CONTACT,
    terms.REPLY,
    terms.TRANSFER,
    terms.NOTICE,
    terms.REQUEST_REVIEW,
    terms.REVIEW_OPINION,
    terms.REQUEST_RECHECK,
    terms.RECHECK_OPINION,
)
"""Steps whose terms people begin and meet; those of all other steps follow the case."""

STOPPED = (terms.FINISH, terms.REVIEW_OPINION, terms.RECHECK_OPINION)
"""Steps whose clock a hearing stops."""


def of(desk: Desk, actor: Actor, appeal_id: UUID) -> list[Term]:
    """Return the terms of an appeal, oldest first.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such appeal in the actor's districts.
    """
    require(actor, "appeal.read")
    with desk.database.transaction(actor.scope) as connection:
        appeals.get(connection, appeal_id)
        return terms.of(connection, appeal_id)


def act(
    desk: Desk,
    actor: Actor,
    appeal_id: UUID,
    *,
    step: str,
    action: str,
    unit: str = "",
    due_at: datetime | None = None,
) -> list[Term]:
    """Begin, meet, suspend or resume a term, and return all of the appeal's.

    Args:
        desk: Composition.
        actor: Dispatcher, officer or administrator.
        appeal_id: The appeal.
        step: One of `BY_HAND`; for suspending and resuming one of `STOPPED`.
        action: `BEGIN`, `MEET`, `SUSPEND` or `RESUME`.
        unit: Who must act, of a term that begins.
        due_at: End of a term that begins, where a person sets it; None: by the rules.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such appeal in the actor's districts.
        InputError: The step is not one of these, or has no term by the rules and none was set.
        StateConflict: There is no such term to meet, suspend or resume.
    """
    require(actor, "appeal.review")
    allowed = STOPPED if action in (SUSPEND, RESUME) else BY_HAND
    if step not in allowed:
        listed = "、".join(f"{name}（{STEPS[name]}）" for name in allowed)
        raise InputError(f"环节“{step[:20]}”的时限随办理过程变化，不能单独操作；可操作的环节：{listed}")
    now = desk.clock()
    with desk.database.transaction(actor.scope) as connection:
        locked_case(connection, appeal_id)
        if action == BEGIN:
            _begin(connection, desk, appeal_id, step, unit=unit, due_at=due_at)
        elif action == MEET and not terms.meet(connection, appeal_id, step, at=now):
            raise StateConflict(f"没有正在计算的“{STEPS[step]}”时限")
        elif action == SUSPEND:
            terms.suspend(connection, appeal_id, step, at=now)
        elif action == RESUME:
            terms.resume(connection, desk, appeal_id, step, at=now)
        note(connection, Step(topic=f"term.{action}", actor=actor.name, at=now, facts={"step": step}), [appeal_id])
        return terms.of(connection, appeal_id)


def _begin(
    connection: Connection, desk: Desk, appeal_id: UUID, step: str, *, unit: str, due_at: datetime | None
) -> None:
    now = desk.clock()
    if due_at is not None and due_at <= now:
        raise InputError("时限应晚于现在")
    if terms.start(connection, desk, appeal_id, step, unit=unit, due_at=due_at, at=now) is None:
        raise InputError(f"现行时限规则没有“{STEPS[step]}”的时限，请指定 due_at")
