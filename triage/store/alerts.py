"""Alerts as people see them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, select, true, tuple_

from triage.store import schema

MOST = 200
"""Most alerts of one page."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AlertView:
    """A warning about an event.

    Attributes:
        id: The alert.
        event_id: The event it warns of.
        appeal_id: The appeal that raised it.
        district: Whose.
        level: 3 橙 or 4 红.
        reason: Why, in Chinese.
        state: One of `schema.ALERT_STATES`.
        at: When it was raised.
        acknowledged_by: Who took note; empty while open.
        acknowledged_at: When.
    """

    id: UUID
    event_id: UUID
    appeal_id: UUID
    district: str
    level: int
    reason: str
    state: str
    at: datetime
    acknowledged_by: str
    acknowledged_at: datetime | None


@dataclass(frozen=True, slots=True)
class AlertPage:
    """A page of alerts, the latest first, and the last alert of it where more follow."""

    items: tuple[AlertView, ...]
    next: UUID | None


_alerts = schema.alerts
_COLUMNS = tuple(_alerts.c[name] for name in AlertView.__slots__)


def page(
    connection: Connection,
    *,
    state: str = "",
    level_at_least: int | None = None,
    after: UUID | None = None,
    limit: int = 50,
) -> AlertPage:
    """Return visible alerts, the latest first.

    Args:
        connection: In a transaction with a scope.
        state: One of `schema.ALERT_STATES`; empty: any.
        level_at_least: Least level; None: any.
        after: `AlertPage.next` of the page before.
        limit: Most alerts, 1 to `MOST`.
    """
    limit = max(1, min(limit, MOST))
    statement = select(*_COLUMNS).where(true())
    if state:
        statement = statement.where(_alerts.c.state == state)
    if level_at_least is not None:
        statement = statement.where(_alerts.c.level >= level_at_least)
    if after is not None:
        last = _alerts.alias("last")
        mark = select(last.c.at, last.c.id).where(last.c.id == after).scalar_subquery()
        statement = statement.where(tuple_(_alerts.c.at, _alerts.c.id) < mark)
    rows = connection.execute(statement.order_by(_alerts.c.at.desc(), _alerts.c.id.desc()).limit(limit + 1)).all()
    items = tuple(AlertView(**row._mapping) for row in rows[:limit])
    return AlertPage(items, items[-1].id if len(rows) > limit else None)
