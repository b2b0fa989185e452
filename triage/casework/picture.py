"""The state of the city on one screen (态势): today and this week against the same time before, and what needs a look.

Every figure comes with the `Slice` behind it, so that whoever reads it can see the appeals.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Connection, Date, Row, and_, cast, func, select

from triage.casework.desk import Desk
from triage.casework.rights import require
from triage.casework.slices import DUE, LATE, RETURNED, UNKNOWN, Slice, late
from triage.rules.deadlines import CHINA, FINISH
from triage.store import schema
from triage.store.access import Actor
from triage.store.narrow import look_up

DAYS = 14
"""Days of the curve, today included."""
MOST_ROWS = 30
"""Categories, districts and units shown at the most."""

_DAY, _WEEK = timedelta(days=1), timedelta(days=7)
_TICK = timedelta(microseconds=1)
"""Ends are left out of a `Slice`, and what has just come in belongs to today."""
_appeals, _feedback, _terms = schema.appeals, schema.feedback, schema.terms


@dataclass(frozen=True, kw_only=True, slots=True)
class Figure:
    """A number, what it was in the same time before, and the appeals behind it.

    Attributes:
        count: Appeals now.
        before: Appeals then; None where there is nothing to compare with.
        slice: Which appeals are counted.
        slice_before: Which ones were counted then.
    """

    count: int
    before: int | None
    slice: Slice
    slice_before: Slice | None = None

    @property
    def change(self) -> float | None:
        """Return the change as a share of what it was; None where nothing was."""
        return (self.count - self.before) / self.before if self.before else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """A figure of one category, district or unit; the empty name stands for none or unknown."""

    name: str
    figure: Figure


@dataclass(frozen=True, slots=True)
class Day:
    """How many appeals came on one day, and which."""

    day: date
    count: int
    slice: Slice


@dataclass(frozen=True, kw_only=True, slots=True)
class OnTime:
    """How many of the cases that were to be finished this week were.

    Attributes:
        due: Cases whose term to finish ends this week before now.
        late: Those of them that were finished late, or are not yet.
    """

    due: Figure
    late: Figure

    @property
    def share(self) -> float | None:
        """Return the share that was in time, 0 … 1; None without any."""
        return 1 - self.late.count / self.due.count if self.due.count else None


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """The state of the districts that the actor may see.

    Attributes:
        at: The moment.
        today: Appeals of today; before: of yesterday until the same time.
        week: Appeals since Monday; before: of last week until the same time.
        days: The last `DAYS` days, the last one unfinished.
        categories: This week's by first-level category.
        districts: This week's by district.
        heat: (district, category) → this week's appeals, for the shown ones.
        levels: This week's by risk level, 4 … 0.
        open_alerts: Warnings nobody has acknowledged yet, by level 4 and 3.
        waiting: Appeals that wait for a dispatch.
        on_time: This week's terms.
        returns: This week's returns by the unit that sent back.
    """

    at: datetime
    today: Figure
    week: Figure
    days: Sequence[Day]
    categories: Sequence[Named]
    districts: Sequence[Named]
    heat: dict[tuple[str, str], Figure]
    levels: Sequence[Named]
    open_alerts: dict[int, int]
    waiting: int
    on_time: OnTime
    returns: Sequence[Named]


def picture(desk: Desk, actor: Actor) -> Picture:
    """Count what the actor may see.

    Raises:
        Refused: The actor may not.
    """
    require(actor, "report.read")
    now = desk.clock().astimezone(CHINA)
    times = _Times.at(now + _TICK)
    with desk.database.transaction(actor.scope) as connection:
        look_up(connection, actor.scope)
        days = _days(connection, times)
        rows = _counted(connection, times)
        alerts = _open_alerts(connection)
        waiting = _waiting(connection)
        on_time = _on_time(connection, times)
        returns = _returns(connection, times)
    shown = [_named(rows, times, field, lambda row: bool(row.week or row.week_before)) for field in ("l1", "district")]
    return Picture(
        at=now,
        today=_total(rows, ("today", "today_before"), (times.day, times.day_before), _DAY, times.now),
        week=_total(rows, ("week", "week_before"), (times.week, times.week_before), _WEEK, times.now),
        days=days,
        categories=shown[0],
        districts=shown[1],
        heat=_heat(rows, times, [[one.name for one in part] for part in shown]),
        levels=_levels(rows, times),
        open_alerts=alerts,
        waiting=waiting,
        on_time=on_time,
        returns=returns,
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Times:
    """Moments that figures begin at."""

    now: datetime
    day: datetime
    week: datetime
    first: datetime

    @classmethod
    def at(cls, now: datetime) -> _Times:
        day = datetime.combine(now.date(), time(), CHINA)
        return cls(now=now, day=day, week=day - now.weekday() * _DAY, first=day - (DAYS - 1) * _DAY)

    @property
    def day_before(self) -> datetime:
        return self.day - _DAY

    @property
    def week_before(self) -> datetime:
        return self.week - _WEEK

    @property
    def this_week(self) -> Slice:
        return Slice(since=self.week, until=self.now)

    @property
    def last_week(self) -> Slice:
        return Slice(since=self.week_before, until=self.now - _WEEK)


def _days(connection: Connection, times: _Times) -> list[Day]:
    moment = _appeals.c.received_at
    local = cast(func.timezone("Asia/Shanghai", moment), Date)
    statement = select(local.label("day"), func.count().label("number"))
    rows = connection.execute(statement.where(moment >= times.first, moment < times.now).group_by(local))
    found = {row.day: row.number for row in rows}
    starts = [times.first + number * _DAY for number in range(DAYS)]
    return [
        Day(start.date(), found.get(start.date(), 0), Slice(since=start, until=min(start + _DAY, times.now)))
        for start in starts
    ]


def _counted(connection: Connection, times: _Times) -> list[Row[Any]]:
    """Count both weeks and both days by category, district and level, in one pass over them."""
    moment = _appeals.c.received_at
    parts = {
        "today": (times.day, times.now),
        "today_before": (times.day_before, times.now - _DAY),
        "week": (times.week, times.now),
        "week_before": (times.week_before, times.now - _WEEK),
    }
    counts = [
        func.count().filter(and_(moment >= since, moment < until)).label(name) for name, (since, until) in parts.items()
    ]
    keys = (_appeals.c.l1, _appeals.c.district, _appeals.c.risk_level)
    first = min(since for since, _ in parts.values())
    statement = select(*keys, *counts).where(moment >= first, moment < times.now).group_by(*keys)
    return list(connection.execute(statement))


def _total(
    rows: Sequence[Row[Any]], names: tuple[str, str], starts: tuple[datetime, datetime], back: timedelta, now: datetime
) -> Figure:
    count, before = (sum(getattr(row, name) for row in rows) for name in names)
    present, past = (Slice(since=start, until=end) for start, end in zip(starts, (now, now - back), strict=True))
    return Figure(count=count, before=before, slice=present, slice_before=past)


def _named(rows: Sequence[Row[Any]], times: _Times, field: str, wanted: Callable[[Row[Any]], bool]) -> list[Named]:
    now: Counter[str] = Counter()
    before: Counter[str] = Counter()
    for row in filter(wanted, rows):
        now[getattr(row, field)] += row.week
        before[getattr(row, field)] += row.week_before
    order = sorted(now, key=lambda name: (-now[name], -before[name], name))[:MOST_ROWS]
    return [Named(name=name, figure=_week_figure(times, now[name], before[name], **{field: name})) for name in order]


def _week_figure(times: _Times, count: int, before: int, **fields: str) -> Figure:
    named = {field: name or UNKNOWN for field, name in fields.items()}
    return Figure(
        count=count,
        before=before,
        slice=replace(times.this_week, **named),  # type: ignore[arg-type]
        slice_before=replace(times.last_week, **named),  # type: ignore[arg-type]
    )


def _heat(rows: Sequence[Row[Any]], times: _Times, shown: Sequence[Iterable[str]]) -> dict[tuple[str, str], Figure]:
    now: Counter[tuple[str, str]] = Counter()
    before: Counter[tuple[str, str]] = Counter()
    for row in rows:
        now[row.district, row.l1] += row.week
        before[row.district, row.l1] += row.week_before
    categories, districts = shown
    return {
        (district, l1): _week_figure(times, now[district, l1], before[district, l1], district=district, l1=l1)
        for district in districts
        for l1 in categories
    }


def _levels(rows: Sequence[Row[Any]], times: _Times) -> list[Named]:
    found = []
    for level in (4, 3, 2, 1, 0):
        mine = [row for row in rows if row.risk_level == level]
        now, before = sum(row.week for row in mine), sum(row.week_before for row in mine)
        parts = (replace(times.this_week, level=level), replace(times.last_week, level=level))
        figure = Figure(count=now, before=before, slice=parts[0], slice_before=parts[1])
        found.append(Named(name=str(level), figure=figure))
    return found


def _open_alerts(connection: Connection) -> dict[int, int]:
    table = schema.alerts.c
    statement = select(table.level, func.count().label("number")).where(table.state == "open").group_by(table.level)
    return {row.level: row.number for row in connection.execute(statement)}


def _waiting(connection: Connection) -> int:
    statement = select(func.count()).select_from(_appeals).where(_appeals.c.case_state == "waiting")
    return int(connection.execute(statement).scalar_one())


def _on_time(connection: Connection, times: _Times) -> OnTime:
    row = _terms.c
    over = late(times.now)
    # A case that was reopened has two such terms and is one appeal all the same.
    appeals = func.count(row.appeal_id.distinct())
    columns = (appeals.label("due"), appeals.filter(over).label("late"))
    own = (row.step == FINISH, row.state != "dropped")
    found = [
        connection.execute(select(*columns).where(*own, row.due_at >= since, row.due_at < until)).one()
        for since, until in ((times.week, times.now), (times.week_before, times.week))
    ]
    weeks = (times.this_week, replace(times.last_week, until=times.week))
    figures = [
        Figure(
            count=getattr(found[0], name),
            before=getattr(found[1], name),
            slice=replace(weeks[0], kind=kind),
            slice_before=replace(weeks[1], kind=kind),
        )
        for name, kind in (("due", DUE), ("late", LATE))
    ]
    return OnTime(due=figures[0], late=figures[1])


def _returns(connection: Connection, times: _Times) -> list[Named]:
    row = _feedback.c
    spans = ((times.week, times.now), (times.week_before, times.now - _WEEK))
    counts = [
        func.count(row.appeal_id.distinct()).filter(and_(row.at >= since, row.at < until)).label(name)
        for name, (since, until) in zip(("now", "before"), spans, strict=True)
    ]
    own = (row.kind == "return", row.unit_from != "", row.at >= times.week_before)
    rows = connection.execute(select(row.unit_from.label("unit"), *counts).where(*own).group_by(row.unit_from)).all()
    order = sorted(rows, key=lambda one: (-one.now, -one.before, one.unit))[:MOST_ROWS]
    weeks = (times.this_week, times.last_week)
    return [
        Named(
            name=one.unit,
            figure=Figure(
                count=one.now,
                before=one.before,
                slice=replace(weeks[0], kind=RETURNED, unit=one.unit),
                slice_before=replace(weeks[1], kind=RETURNED, unit=one.unit),
            ),
        )
        for one in order
        if one.now
    ]
