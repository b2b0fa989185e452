"""Appeals of some days in figures: by unit, category, district and risk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import ColumnElement, Connection, func, select

from triage.casework.desk import Desk
from triage.casework.rights import require
from triage.rules.deadlines import CHINA
from triage.store.access import Actor
from triage.store.schema import appeals

MOST_DAYS = 92
_MOST_NAMES = 200


@dataclass(frozen=True, slots=True)
class Count:
    """How many appeals fall under a name; the empty name stands for none or unknown."""

    name: str
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Overview:
    """Figures of some days; only what the actor may see is counted.

    Attributes:
        since: Beginning of the first day, China's time.
        until: End of the last day, itself outside.
        total: Appeals received.
        units: By responsible unit, the most frequent 200 first.
        categories: By first-level category.
        districts: By district.
        risks: Appeals of risk level 0 … 4; five numbers.
    """

    since: datetime
    until: datetime
    total: int
    units: Sequence[Count]
    categories: Sequence[Count]
    districts: Sequence[Count]
    risks: Sequence[int]


def overview(desk: Desk, actor: Actor, *, first: date, days: int) -> Overview:
    """Count the appeals received on some days.

    Args:
        desk: The desk.
        actor: Officer, analyst or administrator.
        first: The first day, in China.
        days: 1 … `MOST_DAYS`.

    Raises:
        Refused: The actor may not.
    """
    require(actor, "report.read")
    since = datetime.combine(first, time(), CHINA)
    until = since + timedelta(days=max(1, min(days, MOST_DAYS)))
    window = (appeals.c.received_at >= since, appeals.c.received_at < until)
    with desk.database.transaction(actor.scope) as connection:
        levels = _counted(connection, appeals.c.risk_level, window)
        names = {name: _counted(connection, appeals.c[name], window) for name in ("unit", "l1", "district")}
    by_level = {int(count.name): count.count for count in levels}
    return Overview(
        since=since,
        until=until,
        total=sum(by_level.values()),
        units=names["unit"],
        categories=names["l1"],
        districts=names["district"],
        risks=[by_level.get(level, 0) for level in range(5)],
    )


def _counted(
    connection: Connection, column: ColumnElement[str] | ColumnElement[int], window: Sequence[ColumnElement[bool]]
) -> list[Count]:
    number = func.count().label("number")
    statement = select(column.label("name"), number).where(*window).group_by(column)
    rows = connection.execute(statement.order_by(number.desc(), column).limit(_MOST_NAMES))
    return [Count(str(row.name), row.number) for row in rows]
