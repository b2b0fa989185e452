"""Puts a report together from what was gathered; no clock, no store, no file is read here."""

from __future__ import annotations

from collections.abc import Sequence

from triage.reports import duties, figures, matters, remarks
from triage.reports.comparing import Comparer
from triage.reports.content import Report
from triage.reports.making import Making
from triage.reports.material import Material, Request
from triage.reports.period import Kind
from triage.reports.tracing import TraceBook

TITLES = {Kind.DAY: "日报", Kind.WEEK: "周报", Kind.MONTH: "月报", Kind.QUARTER: "季报"}


def build(material: Material, request: Request) -> Report:
    """Return the report; the same material and request give the same report."""
    making = Making(material, request, Comparer.of(material, request), TraceBook(material))
    overview = figures.overview(making)
    categories = figures.categories(making)
    districts = figures.districts(making)
    units = figures.units(making)
    events = matters.events(making)
    topics = matters.topics(making)
    frequent = matters.high_frequency(making)
    risk = duties.risk(making)
    overdue = duties.overdue(making)
    assessment = duties.assessment(making)
    quality = remarks.quality(making)
    period = request.period
    parts = (overview.text[:1], categories.text[:1], events.text[:1] if events.rows else (), risk.text[:1])
    return Report(
        kind=period.kind.value,
        title=f"{request.area}诉求办理情况{TITLES[period.kind]}",
        issue=period.issue,
        office=request.office,
        area=request.area,
        period=period,
        previous=period.before(),
        last_year=period.year_before(),
        made_at=request.made_at,
        summary=_summary(parts, empty=not making.total),
        overview=overview,
        categories=categories,
        districts=districts,
        units=units,
        events=events,
        topics=topics,
        high_frequency=frequent,
        risk=risk,
        overdue=overdue,
        quality=quality,
        assessment=assessment,
        basis=remarks.basis(making),
        trace=making.trace.close(),
    )


def _summary(parts: Sequence[Sequence[str]], *, empty: bool) -> tuple[str, ...]:
    return tuple(parts[0]) if empty else tuple(sentence for part in parts for sentence in part)
