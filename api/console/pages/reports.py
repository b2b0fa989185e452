"""报告: asked for, made by the worker, looked at here and taken away as a file."""

from __future__ import annotations

import tempfile
from datetime import date, timedelta
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote
from uuid import UUID

from fastapi import Depends, Query
from starlette.responses import Response

from api.console.routing import page_router
from api.console.visit import Visit, visitor
from triage.casework import reports, unit_lists
from triage.casework.reports import Wanted
from triage.errors import InputError
from triage.reports import period
from triage.reports.formats import FORMATS
from triage.reports.period import CHINA, Kind
from triage.store import people
from triage.store.access import EVERYWHERE
from triage.store.reports import KeptReport

router = page_router()

Reader = Annotated[Visit, Depends(visitor("report.read"))]
ReportKind = Annotated[Literal["", "day", "week", "month", "quarter"], Query()]

PAGE = 30
KINDS = {"day": "日报", "week": "周报", "month": "月报", "quarter": "季报"}
STATES = {"queued": "排队中", "running": "生成中", "done": "已生成", "failed": "生成失败"}
NAMES = {"docx": "Word", "pdf": "PDF", "xlsx": "Excel", "html": "网页"}
"""Format → what its button says."""

_FRAMED = {
    "Content-Security-Policy": "sandbox; frame-ancestors 'self'; base-uri 'none'; form-action 'none'",
    "X-Frame-Options": "SAMEORIGIN",
}
"""Beside the page's own policy, which lets it load nothing; it runs no script and is of no origin."""


@router.get("/reports")
def show(visit: Reader, kind: ReportKind = "", cursor: UUID | None = None) -> Response:
    """Show the reports that were made, and the form for another one."""
    shown = _listed(visit, kind, cursor)
    if visit.partial:
        return visit.fragment("reports/_rows.html" if cursor else "reports/_list.html", **shown)
    today = visit.desk.clock().astimezone(CHINA).date()
    areas = _areas(visit)
    return visit.page("reports/index.html", title="报告", day=today - timedelta(days=1), areas=areas, **shown)


@router.post("/reports")
def create(visit: Reader) -> Response:
    """Ask for the report of the period that a day belongs to."""
    posted, service = visit.posted, visit.service
    kind = posted.text("kind")
    if kind not in KINDS:
        raise InputError(f"报告种类应为 {'、'.join(KINDS.values())} 之一")
    found = period.of(Kind(kind), _day(posted.text("day")))
    office = posted.text("office") or service.settings.office
    wanted = Wanted(kind=found.kind, code=found.code, area=posted.text("area"), office=office[:100])
    reports.create(visit.desk, visit.actor, wanted, announce=service.queue.announce_report)
    shown = _listed(visit, "", None)
    return visit.fragment("reports/_list.html", notice=f"正在生成{found.name}{KINDS[kind]}，完成后自动显示", **shown)


@router.get("/reports/{report_id}")
def one(report_id: UUID, visit: Reader) -> Response:
    """Show a report."""
    kept = reports.get(visit.desk.database, visit.actor, report_id)
    if visit.partial and kept.state in ("queued", "running"):
        return visit.nothing()
    if visit.partial:
        return visit.redirect(f"/console/reports/{report_id}")
    summary: list[str] = []
    notes: list[str] = []
    if kept.state == "done":
        found = reports.read(visit.desk.database, visit.actor, report_id)
        summary, notes = list(found.summary), [note.text for note in found.quality]
    shown: dict[str, Any] = {
        "kept": kept,
        "summary": summary,
        "notes": notes,
        "kinds": KINDS,
        "states": STATES,
        "formats": NAMES,
    }
    return visit.page("reports/one.html", title=kept.title or _called(kept), **shown)


@router.get("/reports/{report_id}/preview")
def preview(report_id: UUID, visit: Reader) -> Response:
    """Show a report's page inside ours, without the right to run or load anything."""
    data, _ = _document(visit, report_id, "html")
    return Response(data, media_type=FORMATS[".html"], headers=_FRAMED)


@router.get("/reports/{report_id}/file")
def download(
    report_id: UUID,
    visit: Reader,
    format: Literal["docx", "pdf", "xlsx", "html"] = "docx",  # noqa: A002 - its public name
) -> Response:
    """Send a report as a file."""
    data, kept = _document(visit, report_id, format)
    name = f"{kept.title or _called(kept)}.{format}"
    plain = f"report-{kept.kind}-{kept.code}.{format}"
    headers = {"Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name)}"}
    return Response(data, media_type=FORMATS[f".{format}"], headers=headers)


def _document(visit: Visit, report_id: UUID, kind: str) -> tuple[bytes, KeptReport]:
    template = visit.service.settings.report_template
    with tempfile.TemporaryDirectory(prefix="triage-report-") as folder:
        path = Path(folder) / f"report.{kind}"
        kept = reports.render(visit.desk.database, visit.actor, report_id, path, template=template)
        return path.read_bytes(), kept


def _listed(visit: Visit, kind: str, cursor: UUID | None) -> dict[str, Any]:
    page = reports.listed(visit.desk.database, visit.actor, kind=kind, after=cursor, limit=PAGE)
    with visit.desk.database.transaction(EVERYWHERE) as connection:
        names = people.names(connection, sorted({kept.created_by for kept in page.items}))
    chosen = f"kind={kind}" if kind else ""
    return {
        "items": page.items,
        "names": names,
        "called": _called,
        "kind": kind,
        "next": f"/console/reports?{chosen}&cursor={page.next}" if page.next else "",
        "busy": any(kept.state in ("queued", "running") for kept in page.items),
        "query": f"?{chosen}" if chosen else "",
        "kinds": KINDS,
        "states": STATES,
        "formats": NAMES,
    }


def _areas(visit: Visit) -> list[str]:
    """Return the districts that a report may be about, those of the list of units or the visitor's own."""
    scope = visit.actor.scope
    if not scope.everywhere:
        return sorted(scope.districts)
    rows = unit_lists.valid_units(visit.desk, visit.actor)
    return list(
        dict.fromkeys(row.unit.jurisdiction for row in rows if row.unit.level == "区县" and row.unit.jurisdiction)
    )


def _called(kept: KeptReport) -> str:
    return f"{kept.area}{period.parse(kept.code, Kind(kept.kind)).name}{KINDS[kept.kind]}"


def _day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise InputError("日期应形如 2026-03-02") from error
    if not 1990 <= day.year <= 2099:
        raise InputError("日期应在 1990 年至 2099 年之间")
    return day
