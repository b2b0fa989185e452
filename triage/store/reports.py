"""Reports that were made, and those that wait to be made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, insert, select, text, true, tuple_, update
from sqlalchemy.dialects.postgresql import insert as upsert

from triage.store.errors import NotFound
from triage.store.ids import new_id
from triage.store.schema.reports import report_quotes, reports

MOST = 200
"""Most reports of one page."""

_SYSTEM = "system"
_STEADY = text("""
    SELECT set_config('jit', 'off', true), set_config('statement_timeout', :patience, true),
      set_config('idle_in_transaction_session_timeout', :patience, true), set_config('work_mem', '64MB', true)
    """)


@dataclass(frozen=True, kw_only=True, slots=True)
class KeptReport:
    """A report that was asked for.

    Attributes:
        id: Its row.
        kind: day, week, month or quarter.
        code: Of its period, such as 2019-W36.
        first_day: First day of the period.
        last_day: Last day, which belongs to it.
        area: District it is about; empty for all.
        office: Who issues it; may be empty.
        districts: Whose appeals it counts; ``("*",)`` is the whole city.
        title: Its title; empty until it is made.
        issue: Its issue number in words; empty until it is made.
        total: Tickets of the period.
        state: queued, running, done or failed.
        error: Why it failed; empty if it did not.
        created_by: Who asked for it; ``system`` for the schedule.
        created_at: When.
        made_at: When it was made; None while it is not.
    """

    id: UUID
    kind: str
    code: str
    first_day: date
    last_day: date
    area: str
    office: str
    districts: tuple[str, ...]
    title: str
    issue: str
    total: int
    state: str
    error: str
    created_by: str
    created_at: datetime
    made_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class NewReport:
    """A report to be made; the fields are those of `KeptReport`."""

    kind: str
    code: str
    first_day: date
    last_day: date
    area: str
    office: str
    districts: tuple[str, ...]
    created_by: str
    created_at: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportPage:
    """A page of reports, the latest first, and the last of it where more follow."""

    items: tuple[KeptReport, ...]
    next: UUID | None


_COLUMNS = tuple(reports.c[name] for name in KeptReport.__slots__)


def add(connection: Connection, fresh: NewReport) -> KeptReport | None:
    """Add a report; None where the schedule has asked for the same one before."""
    values = {name: getattr(fresh, name) for name in NewReport.__slots__}
    statement = upsert(reports).values(id=new_id(fresh.created_at), **{**values, "districts": list(fresh.districts)})
    if fresh.created_by == _SYSTEM:
        statement = statement.on_conflict_do_nothing(
            index_elements=["kind", "code", "area"], index_where=reports.c.created_by == text("'system'")
        )
    row = connection.execute(statement.returning(*_COLUMNS)).one_or_none()
    return _kept(row) if row is not None else None


def get(connection: Connection, report_id: UUID) -> KeptReport:
    """Return a report without its contents.

    Raises:
        NotFound: There is none, or the reader may not see all that it counts.
    """
    row = connection.execute(select(*_COLUMNS).where(reports.c.id == report_id)).one_or_none()
    if row is None:
        raise NotFound(f"没有报告 {report_id}，或其内容超出可见区划")
    return _kept(row)


def page(
    connection: Connection, *, kind: str = "", area: str = "", after: UUID | None = None, limit: int = 50
) -> ReportPage:
    """Return reports, the latest first.

    Args:
        connection: In a transaction with a scope.
        kind: Only this kind; empty: all.
        area: Only those about this district; empty: all.
        after: `ReportPage.next` of the page before.
        limit: Most reports, 1 to `MOST`.
    """
    limit = max(1, min(limit, MOST))
    key = tuple_(reports.c.created_at, reports.c.id)
    statement = select(*_COLUMNS).where(true())
    if kind:
        statement = statement.where(reports.c.kind == kind)
    if area:
        statement = statement.where(reports.c.area == area)
    if after is not None:
        last = reports.alias("last")
        place = select(last.c.created_at, last.c.id).where(last.c.id == after).scalar_subquery()
        statement = statement.where(key < place)
    order = (reports.c.created_at.desc(), reports.c.id.desc())
    rows = connection.execute(statement.order_by(*order).limit(limit + 1)).all()
    items = tuple(_kept(row) for row in rows[:limit])
    return ReportPage(items=items, next=items[-1].id if len(rows) > limit else None)


def start(connection: Connection, report_id: UUID) -> None:
    """Note that a worker has taken a report up, or up again after a crash."""
    waiting = reports.c.state.in_(("queued", "running"))
    connection.execute(update(reports).where(reports.c.id == report_id, waiting).values(state="running"))


def fail(connection: Connection, report_id: UUID, *, error: str) -> None:
    """Note why a report was not made, without quoting anything."""
    _settle(connection, report_id, {"state": "failed", "error": error[:500]})


def finish(
    connection: Connection,
    report_id: UUID,
    *,
    values: Mapping[str, Any],
    content: bytes,
    quotes: Sequence[tuple[UUID, str]],
) -> None:
    """Keep a report that was made; one that is made already stays as it is.

    Args:
        connection: In a transaction with a scope.
        report_id: The report.
        values: ``title``, ``issue``, ``total`` and ``made_at``.
        content: The report without its quotes, deflated.
        quotes: Appeal and text of every quote, in the order of the report.
    """
    if _settle(connection, report_id, {**values, "content": content, "state": "done", "error": ""}) and quotes:
        rows = [
            {"report_id": report_id, "place": place, "appeal_id": appeal, "text": said}
            for place, (appeal, said) in enumerate(quotes)
        ]
        connection.execute(insert(report_quotes), rows)


def content(connection: Connection, report_id: UUID) -> bytes | None:
    """Return what `finish` kept; None while the report is not made."""
    found: bytes | None = connection.execute(select(reports.c.content).where(reports.c.id == report_id)).scalar_one()
    return found


def quotes(connection: Connection, report_id: UUID) -> dict[int, str]:
    """Return the quotes of a report by their place; those of erased and purged appeals are empty or missing."""
    rows = connection.execute(
        select(report_quotes.c.place, report_quotes.c.text).where(report_quotes.c.report_id == report_id)
    )
    return {row.place: row.text for row in rows}


def steady(connection: Connection, *, seconds: int) -> None:
    """Give the statements of a report this long each, and no compilation, which takes longer than it saves."""
    connection.execute(_STEADY, {"patience": f"{seconds}s"})


def _settle(connection: Connection, report_id: UUID, values: Mapping[str, Any]) -> bool:
    waiting = reports.c.state.in_(("queued", "running"))
    statement = update(reports).where(reports.c.id == report_id, waiting).values(**values)
    return connection.execute(statement).rowcount == 1


def _kept(row: Row[Any]) -> KeptReport:
    return KeptReport(**{**row._mapping, "districts": tuple(row.districts)})
