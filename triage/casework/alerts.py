"""Alerts are acknowledged by a person, once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, update

from triage.casework.desk import Desk
from triage.casework.rights import require
from triage.casework.traces import Step, leave
from triage.errors import InputError
from triage.store.access import Actor
from triage.store.errors import NotFound, StateConflict
from triage.store.feedback import Feedback
from triage.store.schema import alerts, appeals

MOST_LEVEL = 4
"""红."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertView:
    """An alert after it was acknowledged.

    Attributes:
        id: The alert.
        appeal_id: The appeal that raised it.
        event_id: The event it warns of.
        level: 3 橙 or 4 红.
        state: ``acknowledged``.
        acknowledged_by: Who took note.
        acknowledged_at: When.
        judged_level: The level in that person's judgement, 0 for a false alarm; None: not said.
    """

    id: UUID
    appeal_id: UUID
    event_id: UUID
    level: int
    state: str
    acknowledged_by: str
    acknowledged_at: datetime
    judged_level: int | None = None


def acknowledge(desk: Desk, actor: Actor, alert_id: UUID, *, judged_level: int | None = None) -> AlertView:
    """Note that a person has taken an alert in hand (签收), and what they made of it.

    Args:
        desk: The desk.
        actor: Dispatcher, officer or administrator.
        alert_id: The alert.
        judged_level: The risk level as the person sees it, 0 … 4; 0 says that it was a false alarm (误报). It is a label of
            the next training and of the drift report; the alert and its level stay as they were raised.

    Raises:
        Refused: The actor may not.
        NotFound: There is no such alert in the actor's districts.
        StateConflict: Somebody has done so before.
        InputError: The level is none.
    """
    require(actor, "alert.acknowledge")
    if judged_level is not None and not 0 <= judged_level <= MOST_LEVEL:
        raise InputError(f"风险等级应为 0（误报）至 {MOST_LEVEL}")
    now = desk.clock()
    with desk.database.transaction(actor.scope) as connection:
        alert = connection.execute(
            select(alerts).where(alerts.c.id == alert_id).with_for_update(key_share=True)
        ).one_or_none()
        if alert is None:
            raise NotFound(f"没有预警 {alert_id}，或不在可见区划内")
        if alert.state != "open":
            raise StateConflict("该预警已签收，无需重复签收")
        change = update(alerts).where(alerts.c.id == alert_id)
        connection.execute(change.values(state="acknowledged", acknowledged_by=actor.name, acknowledged_at=now))
        version = connection.execute(
            select(appeals.c.decision_version).where(appeals.c.id == alert.appeal_id)
        ).scalar_one()
        label = _label(alert, actor, version=version, at=now, judged_level=judged_level)
        facts = {"alert_id": str(alert_id), "appeal_id": str(alert.appeal_id), "level": alert.level}
        if judged_level is not None:
            facts["judged_level"] = judged_level
        leave(connection, Step(topic="alert.acknowledged", actor=actor.name, at=now, facts=facts), [label])
    return AlertView(
        id=alert_id,
        appeal_id=alert.appeal_id,
        event_id=alert.event_id,
        level=alert.level,
        state="acknowledged",
        acknowledged_by=actor.name,
        acknowledged_at=now,
        judged_level=judged_level,
    )


def _label(alert: Row[Any], actor: Actor, *, version: int, at: datetime, judged_level: int | None) -> Feedback:
    return Feedback(
        appeal_id=alert.appeal_id,
        decision_version=version,
        kind="acknowledge",
        actor=actor.name,
        at=at,
        risk_from=alert.level,
        risk_to=judged_level,
    )
