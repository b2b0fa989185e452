"""Appeals for the tests of what people do with them: written straight into the tables, without any model."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import insert, select

from triage.directory import Unit
from triage.store import schema, units
from triage.store.access import EVERYWHERE, SYSTEM, Actor, Scope
from triage.store.database import Database
from triage.store.ids import new_id

PROPOSED = ("龙华区城管局", "龙华区住建局", "市交警支队")
UNITS = (*PROPOSED, "秀英区城管局", "市供水公司")


class StandingClock:
    """Tells the time it was set to."""

    def __init__(self, now: datetime = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **time: float) -> None:
        self.now += timedelta(**time)


CLOCK = StandingClock()
"""Shared and never moved; a test that lets time pass makes its own."""


def person(role: str, *districts: str) -> Actor:
    return Actor(name=f"user:{role}", role=role, scope=Scope(districts or ("*",)))


DISPATCHER = person("dispatcher")
LONGHUA = person("dispatcher", "龙华区")


def add_units(database: Database, *names: str) -> None:
    """Put a list of units into the store."""
    listed = [Unit(name=name, level="区县") for name in names or UNITS]
    with database.transaction(EVERYWHERE) as connection:
        units.replace_all(connection, listed, actor=SYSTEM.name, at=CLOCK())


def file_event(database: Database, *, size: int = 1, district: str = "龙华区") -> UUID:
    event_id = new_id(CLOCK())
    with database.transaction(EVERYWHERE) as connection:
        values = {"id": event_id, "title": "路灯不亮", "size": size, "district": district}
        connection.execute(
            insert(schema.events).values(**values, first_at=CLOCK(), last_at=CLOCK(), created_at=CLOCK())
        )
    return event_id


def file_appeal(
    database: Database,
    *,
    district: str = "龙华区",
    event_id: UUID | None = None,
    proposed: Sequence[str] = PROPOSED,
    unit: str = "",
    content: str = "路灯不亮",
    raw: str = "路灯不亮，请回电",
    days_ago: int = 0,
    appellant: bytes | None = None,
) -> UUID:
    """File an appeal; with a unit it was dispatched to it automatically."""
    now = CLOCK() - timedelta(days=days_ago)
    appeal_id, event = new_id(now), event_id or file_event(database, district=district)
    values = {"id": appeal_id, "received_at": now, "district": district, "event_id": event, "appellant": appellant}
    texts = {"title": "标题", "content": content, "content_raw": raw}
    states = {"case_state": "assigned", "delivery_state": "dispatched"} if unit else {"delivery_state": "proposed"}
    shares = [round(0.6 / (place + 1), 4) for place in range(len(proposed))]
    candidates = [{"name": name, "probability": share} for name, share in zip(proposed, shares, strict=True)]
    record = {
        "id": str(appeal_id),
        "unit": {"candidates": candidates, "decision": "auto" if unit else "review", "reason": "按模型"},
        "explanation": [{"kind": "words", "text": "路灯"}],
    }
    with database.transaction(EVERYWHERE) as connection:
        connection.execute(insert(schema.appeals).values(**values, **texts, **states, unit=unit))
        decision = {"appeal_id": appeal_id, "version": 1, "record": record, "bundle": "fake", "actor": "system"}
        connection.execute(insert(schema.decisions).values(**decision, at=now))
    return appeal_id


def rows(database: Database, table: str, **equal: object) -> list[dict[str, object]]:
    """Return the rows of a table, as the service sees the whole city."""
    found = schema.metadata.tables[table]
    statement = select(found).where(*(found.c[name] == value for name, value in equal.items()))
    with database.transaction(EVERYWHERE) as connection:
        return [dict(row._mapping) for row in connection.execute(statement)]


def count(database: Database, table: str, **equal: object) -> int:
    return len(rows(database, table, **equal))
