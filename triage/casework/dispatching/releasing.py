"""Held dispatches: told to their unit when the window is over, taken back by a person before, or by a fall of the switch."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select, update

from triage.assembly import SERIOUS
from triage.casework import stepping
from triage.casework.cases import HELD as HELD_STATE
from triage.casework.cases import WAITING, Case, CaseView, locked_case
from triage.casework.desk import Desk
from triage.casework.dispatch_policy import ON
from triage.casework.dispatching.switching import fall, panel_of, standing
from triage.casework.rights import require
from triage.store import dispatch_switch, dispatches, schema
from triage.store.access import EVERYWHERE, SYSTEM, Actor
from triage.store.dispatches import HELD, OVERTAKEN, RECALLED, SENT
from triage.store.errors import NotFound, StateConflict, StoreUnavailable

MOST = 1_000
"""Dispatches released in one run; what is left waits for the next one."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Watched:
    """What a run of `watch` did.

    Attributes:
        told: Units told.
        recalled: Dispatches given back to people because automatic dispatch is not on any more.
        fell: Whether the switch fell in this run.
    """

    told: int
    recalled: int
    fell: bool


def watch(desk: Desk, now: datetime | None = None) -> Watched:
    """Look at the figures, and release what was held long enough; the worker calls it every few seconds.

    Several processes may do so at once: an appeal is held while it is released, and the switch falls once.

    Args:
        desk: Composition.
        now: Whose window is over by then; None: now.
    """
    moment, fell = now or desk.clock(), False
    with desk.database.transaction(EVERYWHERE) as connection:
        if desk.dispatch.mode == ON:
            panel = panel_of(desk)
            present = standing(connection, panel)
            failing = present.failing
            fell = failing is not None and not present.switch.fallen and fall(connection, panel, present, failing)
        waiting = dispatches.due(connection, now=moment, most=MOST)
    outcomes = [_release(desk, appeal_id) for appeal_id in waiting]
    done = Watched(told=outcomes.count(SENT), recalled=outcomes.count(RECALLED), fell=fell)
    if waiting or fell:
        facts = {"count": done.told, "recalled": done.recalled}
        _LOG.info("automatic dispatch watched", extra={"action": "dispatching.watched", **facts})
    return done


def recall(desk: Desk, actor: Actor, appeal_id: UUID) -> CaseView:
    """Take an automatic dispatch back before its unit is told; the appeal waits for a person again.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such appeal in the actor's districts.
        StateConflict: It was not dispatched by the machine, or is not held any more.
    """
    require(actor, "appeal.review")
    with desk.database.transaction(actor.scope) as connection:
        case = locked_case(connection, appeal_id)
        dispatch = dispatches.of_appeal(connection, appeal_id)
        if dispatch is None or dispatch.release_at is None:
            raise StateConflict("该诉求不是自动派单，无需撤回")
        if dispatch.outcome != HELD or not is_held(case):
            raise StateConflict(_TOO_LATE[dispatch.outcome])
        return take_back(connection, desk, actor, case, cause="person")


_TOO_LATE = {
    HELD: "该诉求已有他人处理，无需撤回",
    SENT: "撤回时限已过，单位已收到派单；如需更换请改派",
    RECALLED: "该自动派单已撤回，无需再撤回",
    OVERTAKEN: "该诉求已由人工处理，无需撤回",
}


def take_back(connection: Connection, desk: Desk, actor: Actor, case: Case, *, cause: str) -> CaseView:
    """Give a held appeal back to people; the caller holds the case."""
    dispatches.set_outcome(connection, case.id, RECALLED)
    return stepping.take(connection, desk, actor, case, "recall", facts={"cause": cause})


def is_held(case: Case) -> bool:
    """Say whether an appeal is dispatched by machine and its unit is not told yet; one that was passed on is not."""
    return case.state.case == WAITING and case.state.delivery == HELD_STATE


def hold(connection: Connection, appeal_id: UUID) -> None:
    """Take an appeal out of the queue of people until its unit is told or somebody takes it back."""
    appeals = schema.appeals
    connection.execute(update(appeals).where(appeals.c.id == appeal_id).values(delivery_state=HELD_STATE))


def send_to_unit(connection: Connection, desk: Desk, case: Case, *, unit: str) -> CaseView:
    """Dispatch an appeal by machine: state, terms, history and message as if a person had done it."""
    dispatches.set_outcome(connection, case.id, SENT)
    return stepping.dispatch(connection, desk, SYSTEM, case, "dispatch", unit=unit, label=None)


def _release(desk: Desk, appeal_id: UUID) -> str:
    """Release one; what cannot be done now is done in the next run, and holds up no other."""
    try:
        with desk.database.transaction(EVERYWHERE) as connection:
            return _release_held(connection, desk, appeal_id)
    except NotFound:
        return OVERTAKEN  # erased or purged meanwhile
    except StoreUnavailable:
        raise
    except Exception:
        _LOG.exception("not released", extra={"action": "dispatching.failed", "appeal_id": str(appeal_id)})
        return HELD


def _release_held(connection: Connection, desk: Desk, appeal_id: UUID) -> str:
    case = locked_case(connection, appeal_id)
    dispatch = dispatches.of_appeal(connection, appeal_id)
    if dispatch is None or dispatch.outcome != HELD:
        return OVERTAKEN  # another process was quicker
    if not is_held(case):
        dispatches.set_outcome(connection, appeal_id, OVERTAKEN)
        return OVERTAKEN
    if desk.dispatch.mode != ON or dispatch_switch.read(connection).fallen:
        take_back(connection, desk, SYSTEM, case, cause="not_on")
        return RECALLED
    if _event_risk(connection, case) >= SERIOUS:
        # Another appeal, or a warning, has made its event one that no machine may dispatch.
        take_back(connection, desk, SYSTEM, case, cause="event_risk")
        return RECALLED
    send_to_unit(connection, desk, case, unit=dispatch.unit)
    return SENT


def _event_risk(connection: Connection, case: Case) -> int:
    events = schema.events.c
    level: int = connection.execute(select(events.risk_level).where(events.id == case.event_id)).scalar_one()
    return level
