"""Warnings as the duty officer works through them: red and orange first, those of one event together, with every reason."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, func, select

from triage.casework.desk import Desk
from triage.casework.rights import require
from triage.store import events as event_rows
from triage.store import people, schema
from triage.store.access import Actor
from triage.store.alerts import AlertView
from triage.store.escalations import Escalation
from triage.store.events import EventView
from triage.store.narrow import look_up

MOST = 200
"""Warnings looked at; more than that at a time is no list that a person works through."""
MOST_REASONS = 8
"""Reasons shown per event, the latest ones."""

OPEN, ACKNOWLEDGED = "open", "acknowledged"

_alerts, _escalations = schema.alerts, schema.warnings.escalations


@dataclass(frozen=True, kw_only=True, slots=True)
class EventAlerts:
    """An event with its warnings.

    Attributes:
        event: As the actor sees it.
        level: The highest level of the warnings, 3 or 4.
        alerts: The warnings, highest level first, then the latest.
        reasons: Why its level rose, the latest first.
        latest: When the last of these warnings was raised.
    """

    event: EventView
    level: int
    alerts: tuple[AlertView, ...]
    reasons: tuple[Escalation, ...]
    latest: datetime

    @property
    def further(self) -> tuple[Escalation, ...]:
        """Return the reasons that the warnings themselves do not tell, each one once."""
        told = "；".join(alert.reason for alert in self.alerts)
        kept = {reason.reason: reason for reason in reversed(self.reasons) if reason.reason not in told}
        return tuple(reversed(kept.values()))


@dataclass(frozen=True, kw_only=True, slots=True)
class Board:
    """Warnings grouped by event.

    Attributes:
        groups: Red events first, then by the latest warning.
        counts: Level → all open warnings that the actor may see.
        more: Whether there are more warnings than are shown.
        names: Who acted (``user:<id>`` …) → what they are called.
    """

    groups: tuple[EventAlerts, ...]
    counts: Mapping[int, int]
    more: bool
    names: Mapping[str, str]

    @property
    def newest(self) -> str:
        """Return what changes when a warning comes on top: number and time of the latest one; empty without any."""
        latest = max((group.latest for group in self.groups), default=None)
        return f"{sum(self.counts.values())}:{latest.timestamp():.0f}" if latest else ""


def board(desk: Desk, actor: Actor, *, state: str = OPEN, level: int | None = None) -> Board:
    """Return the warnings of the actor's districts.

    Args:
        desk: The desk.
        actor: Who looks.
        state: `OPEN` or `ACKNOWLEDGED`.
        level: Only this level, 3 or 4; None: both.

    Raises:
        Refused: The actor may not.
    """
    require(actor, "alert.read")
    with desk.database.transaction(actor.scope) as connection:
        look_up(connection, actor.scope)
        found = _page(connection, state, level)
        groups = _grouped(connection, found[:MOST], actor)
        counts = _counts(connection)
        names = people.names(connection, sorted({alert.acknowledged_by for alert in found if alert.acknowledged_by}))
    return Board(groups=groups, counts=counts, more=len(found) > MOST, names=names)


def _page(connection: Connection, state: str, level: int | None) -> list[AlertView]:
    statement = select(*(_alerts.c[name] for name in AlertView.__slots__)).where(_alerts.c.state == state)
    if level is not None:
        statement = statement.where(_alerts.c.level == level)
    # What waits is worked through by level; what was taken in hand is looked up by time.
    order = (_alerts.c.level.desc(), _alerts.c.at.desc()) if state == OPEN else (_alerts.c.acknowledged_at.desc(),)
    rows = connection.execute(statement.order_by(*order, _alerts.c.id.desc()).limit(MOST + 1))
    return [AlertView(**row._mapping) for row in rows]


def _grouped(connection: Connection, found: Sequence[AlertView], actor: Actor) -> tuple[EventAlerts, ...]:
    mine: dict[UUID, list[AlertView]] = defaultdict(list)
    for alert in found:
        mine[alert.event_id].append(alert)
    if not mine:
        return ()
    views = event_rows.get_many(connection, list(mine), scope=actor.scope)
    reasons = _reasons(connection, list(mine))
    groups = [
        EventAlerts(
            event=views[event],
            level=max(alert.level for alert in alerts),
            alerts=tuple(sorted(alerts, key=lambda alert: (-alert.level, -alert.at.timestamp(), alert.id))),
            reasons=reasons.get(event, ()),
            latest=max(alert.at for alert in alerts),
        )
        for event, alerts in mine.items()
        if event in views
    ]
    return tuple(sorted(groups, key=lambda group: (-group.level, -group.latest.timestamp(), group.event.id)))


def _reasons(connection: Connection, events: Sequence[UUID]) -> dict[UUID, tuple[Escalation, ...]]:
    table = _escalations.c
    place = func.row_number().over(partition_by=table.event_id, order_by=table.id.desc()).label("place")
    numbered = select(_escalations, place).where(table.event_id.in_(events)).subquery()
    columns = [numbered.c[name] for name in Escalation.__slots__]
    statement = select(*columns).where(numbered.c.place <= MOST_REASONS).order_by(numbered.c.id.desc())
    found: dict[UUID, list[Escalation]] = defaultdict(list)
    for row in connection.execute(statement):
        found[row.event_id].append(Escalation(**row._mapping))
    return {event: tuple(rows) for event, rows in found.items()}


def _counts(connection: Connection) -> dict[int, int]:
    statement = select(_alerts.c.level, func.count().label("number")).where(_alerts.c.state == OPEN)
    return {row.level: row.number for row in connection.execute(statement.group_by(_alerts.c.level))}
