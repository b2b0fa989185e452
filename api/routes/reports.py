"""Reports of a day, week, month or quarter: asked for, listed, fetched as documents."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from api import problems
from api.problems import Problem, documented
from api.routing import JsonRoute
from api.schemas.common import NO_NUL
from api.schemas.reports import Kind, ReportDetail, ReportIn, ReportList, ReportOut
from api.security import ServiceDep, allowed
from triage.casework import reports
from triage.casework.reports import Wanted
from triage.errors import OutputError
from triage.reports import codec, period
from triage.reports.documents.pdf import PdfUnavailableError
from triage.reports.formats import FORMATS
from triage.store.access import Actor
from triage.store.reports import MOST

router = APIRouter(prefix="/v1/reports", tags=["reports 报表"], route_class=JsonRoute)

Reader = Annotated[Actor, Depends(allowed("report.read"))]
_JSON = "application/json"


@router.post(
    "",
    status_code=202,
    responses=documented(401, 403, 415, 422, 429),
    summary="生成日报、周报、月报、季报 / ask for a report",
)
def ask(body: ReportIn, service: ServiceDep, actor: Reader) -> ReportOut:
    """Ask for a report; a worker makes it within seconds to minutes. Look at its ``state``, then fetch it as a document."""
    wanted = Wanted(
        kind=period.Kind(body.kind),
        code=body.period,
        area=body.area,
        office=body.office.strip() or service.settings.office,
    )
    kept = reports.create(service.desk, actor, wanted, announce=service.queue.announce_report)
    return ReportOut.model_validate(kept)


@router.get("", responses=documented(401, 403, 404, 422, 429), summary="报告列表 / list reports")
def list_reports(
    *,
    service: ServiceDep,
    actor: Reader,
    kind: Kind | None = None,
    area: Annotated[str, Query(max_length=100, pattern=NO_NUL)] = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = 50,
    cursor: UUID | None = None,
) -> ReportList:
    """Return the reports that the caller may read, the latest first."""
    found = reports.listed(service.desk.database, actor, kind=kind or "", area=area.strip(), after=cursor, limit=limit)
    return ReportList(items=[ReportOut.model_validate(one) for one in found.items], next=found.next)


@router.get("/{report_id}", responses=documented(401, 403, 404, 422, 429), summary="一份报告 / one report")
def get_report(report_id: UUID, service: ServiceDep, actor: Reader) -> ReportDetail:
    """Return a report's state and, once it is made, its summary."""
    kept = reports.get(service.desk.database, actor, report_id)
    summary: list[str] = []
    notes: list[str] = []
    if kept.state == "done":
        found = reports.read(service.desk.database, actor, report_id)
        summary, notes = list(found.summary), [note.text for note in found.quality]
    return ReportDetail(**ReportOut.model_validate(kept).model_dump(), summary=summary, notes=notes)


@router.get(
    "/{report_id}/file",
    responses={
        **documented(401, 403, 404, 409, 422, 429),
        200: {
            "content": {
                kind.partition(";")[0]: {"schema": {"type": "string", "format": "binary"}}
                for kind in (*FORMATS.values(), _JSON)
            }
        },
    },
    response_class=Response,
    summary="下载报告 / fetch a report as a document",
)
def get_file(
    report_id: UUID,
    service: ServiceDep,
    actor: Reader,
    format: Annotated[  # noqa: A002 - its public name
        Literal["docx", "html", "xlsx", "pdf", "json"], Query(description="文件格式")
    ] = "docx",
) -> Response:
    """Return a report as Word, web page, workbook, PDF, or as JSON with the tickets behind every figure."""
    database = service.desk.database
    if format == "json":
        found = reports.read(database, actor, report_id)
        return _download(codec.dumps(found), _JSON, f"report-{found.kind}-{found.period.code}.json")
    with tempfile.TemporaryDirectory(prefix="triage-report-") as folder:
        path = Path(folder) / f"report.{format}"
        try:
            kept = reports.render(database, actor, report_id, path, template=service.settings.report_template)
        except (OutputError, PdfUnavailableError) as error:
            # PDF needs libraries of the system that a machine may lack; the message says which and what to do.
            raise Problem(problems.INVALID, str(error)) from error
        data = path.read_bytes()
    return _download(data, FORMATS[f".{format}"], f"report-{kept.kind}-{kept.code}.{format}")


def _download(data: bytes, media_type: str, name: str) -> Response:
    # Always a download: a page of ours in this origin could otherwise be asked to show it beside the session's cookie.
    return Response(data, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})
