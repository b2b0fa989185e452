"""Reports of a day, week, month or quarter: made at once, or asked for, made by the worker, kept and read again."""

from __future__ import annotations

import logging
import zlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from uuid import UUID

from sqlalchemy import Connection, func, select

from triage.casework.desk import Desk
from triage.casework.facets import fill
from triage.casework.rights import require
from triage.errors import InputError, TriageError
from triage.events.words import WordCutter
from triage.reports import codec
from triage.reports.build import build
from triage.reports.content import EventRow, Quote, Report
from triage.reports.gather_store import gather
from triage.reports.gathering import HISTORY_DAYS
from triage.reports.material import Request
from triage.reports.period import CHINA, Kind, Period, of, parse
from triage.store import reports as rows
from triage.store import schema
from triage.store.access import EVERYWHERE, SYSTEM, Actor, Scope
from triage.store.database import Database
from triage.store.errors import Refused, StateConflict, StoreUnavailable
from triage.store.reports import KeptReport, NewReport, ReportPage

log = logging.getLogger(__name__)

DUE_AT = timedelta(hours=7, minutes=30)
"""Time of the day, in China, at which the reports of what has just ended are made."""

MOST_READ = 20_000
"""Appeals whose words and streets are read before one report is made; the worker keeps up with what comes in."""

_PATIENCE = 300
"""Seconds of one statement; a quarter of a large city is no request that somebody waits for."""

Announce = Callable[[Connection, UUID], None]
"""Called inside the transaction with the report's id, to put the work into a queue."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Which report is asked for.

    Attributes:
        kind: day, week, month or quarter.
        code: The period: 2019-09-02, 2019-W36, 2019-09 or 2019-Q3.
        area: District it is about; empty for all that the actor may see.
        office: Who issues it; may be empty.
    """

    kind: Kind
    code: str
    area: str = ""
    office: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportPlan:
    """Which reports are made by themselves once their period is over.

    Attributes:
        kinds: Which kinds; empty for none.
        office: Who issues them; may be empty.
    """

    kinds: frozenset[Kind] = frozenset()
    office: str = ""


def make(database: Database, actor: Actor, request: Request, *, words: WordCutter) -> Report:
    """Make a report at once and keep nothing.

    Args:
        database: The store.
        actor: Officer, analyst or administrator; the report counts what they may see.
        request: The report.
        words: Cuts words.

    Raises:
        Refused: The actor may not, or not see that district.
        InputError: There is no such district.
    """
    require(actor, "report.read")
    scope = _narrowed(actor.scope, request.area)
    period = request.period
    history = period.since - timedelta(days=HISTORY_DAYS)
    fill(database, words, since=min(history, period.before().since), until=period.until, most=MOST_READ)
    with database.transaction(scope, snapshot=True) as connection:
        rows.steady(connection, seconds=_PATIENCE)
        _check_area(connection, request.area)
        gathered = gather(connection, request, words=words, everywhere=scope.everywhere)
    return build(gathered.material(request), request)


def create(desk: Desk, actor: Actor, wanted: Wanted, *, announce: Announce) -> KeptReport:
    """Ask for a report; a worker makes it.

    Raises:
        Refused: The actor may not, or not see that district.
        PeriodError: The period cannot be read.
        InputError: There is no such district.
    """
    require(actor, "report.read")
    period = parse(wanted.code, wanted.kind)
    scope = _narrowed(actor.scope, wanted.area.strip())
    with desk.database.transaction(actor.scope) as connection:
        _check_area(connection, wanted.area.strip())
        kept = rows.add(connection, _fresh(period, scope, wanted=wanted, actor=actor.name, at=desk.clock()))
        assert kept is not None
        announce(connection, kept.id)
    return kept


def work(desk: Desk, report_id: UUID) -> KeptReport:
    """Make a report that was asked for, with the rights of whoever did; one that is made already stays as it is.

    Raises:
        NotFound: There is no such report.
        StoreUnavailable: The database cannot be reached; call again later.
    """
    with desk.database.transaction(EVERYWHERE) as connection:
        kept = rows.get(connection, report_id)
        if kept.state in ("done", "failed"):
            return kept
        rows.start(connection, report_id)
    try:
        _made(desk, kept)
    except StoreUnavailable:
        raise
    except Exception as error:
        log.exception("report failed", extra={"action": "report.failed", "report": str(report_id)})
        said = str(error) if isinstance(error, TriageError) else f"生成失败（{type(error).__name__}）；请告知维护人员"
        with desk.database.transaction(EVERYWHERE) as connection:
            rows.fail(connection, report_id, error=said)
    with desk.database.transaction(EVERYWHERE) as connection:
        return rows.get(connection, report_id)


def listed(
    database: Database, actor: Actor, *, kind: str = "", area: str = "", after: UUID | None = None, limit: int = 50
) -> ReportPage:
    """Return the reports that the actor may read, the latest first.

    Raises:
        Refused: The actor may not.
    """
    require(actor, "report.read")
    with database.transaction(actor.scope) as connection:
        return rows.page(connection, kind=kind, area=area, after=after, limit=limit)


def get(database: Database, actor: Actor, report_id: UUID) -> KeptReport:
    """Return what is known of a report without its contents.

    Raises:
        Refused: The actor may not.
        NotFound: There is none, or it counts more than the actor may see.
    """
    require(actor, "report.read")
    with database.transaction(actor.scope) as connection:
        return rows.get(connection, report_id)


def read(database: Database, actor: Actor, report_id: UUID) -> Report:
    """Return a kept report; what was quoted of appeals that have been erased since is gone.

    Raises:
        Refused: The actor may not.
        NotFound: There is none, or it counts more than the actor may see.
        StateConflict: It has not been made yet, or could not be.
    """
    require(actor, "report.read")
    with database.transaction(actor.scope) as connection:
        kept = rows.get(connection, report_id)
        content = rows.content(connection, report_id)
        quotes = rows.quotes(connection, report_id)
    if content is None:
        raise StateConflict("报告生成失败，请重新生成" if kept.state == "failed" else "报告正在生成，请稍后再试")
    return _with_quotes(codec.loads(zlib.decompress(content)), quotes)


def render(
    database: Database, actor: Actor, report_id: UUID, path: Path, *, template: Path | None = None
) -> KeptReport:
    """Write a kept report as a document.

    Args:
        database: The store.
        actor: Officer, analyst or administrator.
        report_id: The report.
        path: Where; its suffix names the format.
        template: The office's own Word template; None: ours.

    Raises:
        Refused: The actor may not.
        NotFound: There is none, or it counts more than the actor may see.
        StateConflict: It has not been made yet, or could not be.
        OutputError: It cannot be written in that format here.
    """
    from triage.reports.documents import write  # noqa: PLC0415 - only for those who want a document

    found = read(database, actor, report_id)
    write(found, path, template=template if path.suffix == ".docx" else None)
    return get(database, actor, report_id)


def schedule(desk: Desk, plan: ReportPlan, *, announce: Announce) -> list[KeptReport]:
    """Ask for the reports of what has just ended, each once: the day before, last week, last month, last quarter.

    Args:
        desk: The desk.
        plan: Which ones are wanted.
        announce: Puts the work into a queue.
    """
    asked = []
    for period in due(desk.clock(), kinds=plan.kinds):
        with desk.database.transaction(EVERYWHERE) as connection:
            first = connection.scalar(select(func.min(schema.appeals.c.received_at)))
            if first is None or first >= period.until:
                continue
            wanted = Wanted(kind=period.kind, code=period.code, office=plan.office)
            fresh = _fresh(period, EVERYWHERE, wanted=wanted, actor=SYSTEM.name, at=desk.clock())
            kept = rows.add(connection, fresh)
            if kept is not None:
                announce(connection, kept.id)
                asked.append(kept)
    return asked


def due(now: datetime, *, kinds: Collection[Kind]) -> list[Period]:
    """Return the latest period of each kind whose report is due: it ended, and it is past half past seven."""
    day = (now.astimezone(CHINA) - DUE_AT).date()
    return [of(kind, day).before() for kind in Kind if kind in kinds]


def _narrowed(scope: Scope, area: str) -> Scope:
    """Return the scope of a report.

    Raises:
        Refused: The district is not in the actor's scope.
    """
    if not area:
        return scope
    if not scope.everywhere and area not in scope.districts:
        raise Refused(f"无权查看“{area}”；可见区划：{'、'.join(scope.districts)}")
    return Scope((area,))


def _check_area(connection: Connection, area: str) -> None:
    """Refuse a district that no appeal is of: its report would be empty for no visible reason.

    Raises:
        InputError: There is no such district.
    """
    known = select(schema.appeals.c.id).where(schema.appeals.c.district == area).limit(1)
    if area and connection.scalar(known) is None:
        raise InputError(f"没有区划“{area}”的诉求；请核对区划名称")


def _fresh(period: Period, scope: Scope, *, wanted: Wanted, actor: str, at: datetime) -> NewReport:
    return NewReport(
        kind=period.kind.value,
        code=period.code,
        first_day=period.start,
        last_day=period.end,
        area=wanted.area.strip(),
        office=wanted.office.strip(),
        districts=scope.districts,
        created_by=actor,
        created_at=at,
    )


def _made(desk: Desk, kept: KeptReport) -> None:
    request = Request(
        period=parse(kept.code, Kind(kept.kind)), made_at=desk.clock(), area=kept.area, office=kept.office
    )
    actor = replace(SYSTEM, name=kept.created_by, scope=Scope(kept.districts))
    report = make(desk.database, actor, request, words=desk.words)
    plain, quotes = _without_quotes(report)
    values = {"title": report.title, "issue": report.issue, "total": report.overview.total.count}
    with desk.database.transaction(EVERYWHERE) as connection:
        rows.finish(
            connection,
            kept.id,
            values={**values, "made_at": report.made_at},
            content=zlib.compress(codec.dumps(plain)),
            quotes=[(UUID(quote.appeal), quote.text) for quote in quotes],
        )
    log.info("report made", extra={"action": "report.made", "report": str(kept.id), "count": values["total"]})


def _without_quotes(report: Report) -> tuple[Report, list[Quote]]:
    """Take the quotes out, so that erasing an appeal can reach them; empty ones stand in their places."""
    quotes = [quote for row in report.events.rows for quote in row.quotes]
    return _requoted(report, lambda quote: replace(quote, text="")), quotes


def _with_quotes(report: Report, texts: dict[int, str]) -> Report:
    places = count()
    return _requoted(report, lambda quote: replace(quote, text=texts.get(next(places), "")))


def _requoted(report: Report, change: Callable[[Quote], Quote]) -> Report:
    def changed(row: EventRow) -> EventRow:
        return replace(row, quotes=tuple(change(quote) for quote in row.quotes))

    events = replace(report.events, rows=tuple(changed(row) for row in report.events.rows))
    return replace(report, events=events)
