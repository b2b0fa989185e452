"""Gathers a report from the store, in one transaction: all figures are of the same moment."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row

from triage.events.facts import local_day
from triage.events.words import WordCutter
from triage.reports.content import EscalationRow, OverdueRow, RiskRow, Ticket
from triage.reports.gather_events import StoredEvents
from triage.reports.gathering import (
    LISTED,
    RISKS_LISTED,
    chart_start,
    slots,
)
from triage.reports.material import (
    GROUPINGS,
    KINDS_OF_WORK,
    MOST_TRACED,
    Counts,
    Handling,
    Key,
    Material,
    Request,
    Traced,
    Work,
)
from triage.reports.period import of
from triage.reports.trend_history import Trends, read
from triage.reports.wording import CASE_STATES
from triage.rules.color import color
from triage.rules.deadlines import STEPS
from triage.rules.warnings import GROUNDS
from triage.store import report_counts, report_work
from triage.store.report_counts import Window

_FACTORS = 3


def window_of(request: Request) -> Window:
    """Return what statements are given for a request."""
    period, previous, year = slots(request.period)
    return Window(
        since=period.since,
        until=period.until,
        before_since=previous.since,
        year_since=year.since,
        year_until=year.until,
        as_of=request.as_of,
        area=request.area,
    )


@dataclass(frozen=True, slots=True)
class Gathered:
    """What was read in one transaction.

    Attributes:
        counted: All but the themes.
        trends: What themes are told from, which is done when the transaction is over.
    """

    counted: Material
    trends: Trends

    def material(self, request: Request) -> Material:
        """Return it with the themes told."""
        titles = {one.id: one.facts.title for one in self.counted.events}
        found = self.trends.told(request, titles)
        return replace(self.counted, themes=found.themes, bursts=found.bursts)


def gather(connection: Connection, request: Request, *, words: WordCutter, everywhere: bool = True) -> Gathered:
    """Read what a report needs.

    Args:
        connection: In a transaction of the reader's scope, in which nothing else changes what is read.
        request: The report.
        words: Cuts the keywords of events.
        everywhere: Whether the scope is the whole city, so that events may be called what the store calls them.
    """
    window = window_of(request)
    first = report_counts.first(connection, window)
    start = of(request.period.kind, chart_start(request.period)).since
    tickets = [_traced(row) for row in report_counts.tickets(connection, window, most=MOST_TRACED)]
    handling, listed = _handling(connection, window)
    known = {traced.ticket.id for traced in tickets}
    others = report_counts.tickets_of(connection, [UUID(one) for one in sorted(listed - known)])
    trends = read(connection, request, total=len(tickets))
    risky = report_work.risk_new(connection, window, most=RISKS_LISTED)
    events = StoredEvents(
        connection,
        window,
        request=request,
        words=words,
        # What the store calls an event may be cut from another district's appeal.
        own_names=not everywhere or bool(request.area),
        total=len(tickets),
    )
    titles = events.titles([row.event_id for row in risky])
    counted = Material(
        source="store",
        tables=_tables(connection, window),
        first_day=local_day(first) if first else None,
        daily=report_counts.daily(connection, window, start=start),
        tickets=tickets,
        others=[_traced(row).ticket for row in others],
        appellants=report_counts.people(connection, window) or None,
        events=events.hot(),
        events_total=events.total,
        frequent=events.frequent(),
        risk_new=[_risk(row, titles) for row in risky],
        handling=handling,
        remarks=report_counts.remarks(connection, window),
    )
    return Gathered(counted, trends)


def _tables(connection: Connection, window: Window) -> dict[str, dict[Key, Counts]]:
    found: dict[str, dict[Key, Counts]] = {name: {} for name in GROUPINGS}
    for name, group, counts in report_counts.tables(connection, window, GROUPINGS):
        found[name][group] = Counts(*counts)
    return found


def _traced(row: Row[Any]) -> Traced:
    (id_, reference, at, risk, event, channel, district, street, unit, l1, l2, kind, automatic, closed) = tuple(row)
    ticket = Ticket(
        id=id_,
        number=reference or id_,
        received_at=at,
        channel=channel,
        district=district,
        street=street,
        unit=unit,
        l1=l1,
        l2=l2,
        type=kind,
        risk_level=risk,
        event=event,
    )
    return Traced(ticket=ticket, automatic=None if not automatic else automatic == "1", closed=closed == "1")


def _risk(row: Row[Any], titles: Mapping[UUID, str]) -> RiskRow:
    factors = [str(factor.get("name", "")) for factor in row.factors or ()]
    return RiskRow(
        appeal=str(row.id),
        number=row.reference or str(row.id),
        received_at=row.received_at,
        level=row.risk_level,
        color=color(row.risk_level),
        district=row.district,
        unit=row.unit,
        category=row.l2 or row.l1,
        reason="、".join(filter(None, factors[:_FACTORS])),
        state=CASE_STATES.get(row.case_state, ""),
        event=titles.get(row.event_id, ""),
    )


def _handling(connection: Connection, window: Window) -> tuple[Handling, set[str]]:
    """Return what is known of the handling, and the ids of the tickets it counts."""
    counts = report_work.work(connection, window)
    items = [
        (row.kind, row.unit, row.district, str(row.appeal_id))
        for row in report_work.work_items(connection, window, most=MOST_TRACED)
    ]
    late = report_work.overdue(connection, window, most=MOST_TRACED // 10)
    risen, risen_total = report_work.escalations(connection, window, most=LISTED)
    standing, standing_total = report_work.risk_open(connection, window, most=LISTED)
    found = Handling(
        units=_works(counts, "unit"),
        districts=_works(counts, "district"),
        items=items,
        escalations=[_escalation(row) for row in risen],
        escalations_total=risen_total,
        open=[_risk(row, {}) for row in standing],
        open_total=standing_total,
        unacknowledged=report_work.unacknowledged(connection, window),
        overdue=[_late(row, window) for row in late[:LISTED]],
        overdue_units=report_work.overdue_units(connection, window),
        overdue_items=[(row.unit, str(row.appeal_id)) for row in late],
    )
    return found, {item[3] for item in items} | {str(row.appeal_id) for row in late}


def _works(rows: Iterable[Row[Any]], by: str) -> list[Work]:
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        counts[getattr(row, by)][row.kind] += row.number
    return [Work(name=name, **{kind: found[kind] for kind in KINDS_OF_WORK}) for name, found in sorted(counts.items())]


def _escalation(row: Row[Any]) -> EscalationRow:
    return EscalationRow(
        at=row.at,
        event=str(row.event_id),
        title=row.title,
        district=row.district,
        level_from=row.level_from,
        level_to=row.level_to,
        ground=GROUNDS.get(row.ground, row.ground),
        reason=row.reason,
        number=row.number,
    )


def _late(row: Row[Any], window: Window) -> OverdueRow:
    return OverdueRow(
        appeal=str(row.appeal_id),
        number=row.reference or str(row.appeal_id),
        district=row.district,
        unit=row.unit,
        category=row.l2 or row.l1,
        step=STEPS.get(row.step, row.step),
        due_at=row.due_at,
        days=(window.as_of - row.due_at).days,
        order=row.order_number or "",
    )
