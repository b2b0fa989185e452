"""Appeals as a file for an office."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

from fastapi import APIRouter, Depends, Query
from starlette.responses import StreamingResponse

from api.problems import documented
from api.routes.appeals import Wanted
from api.routing import JsonRoute
from api.security import ServiceDep, allowed
from triage.casework import export
from triage.store.access import Actor

router = APIRouter(prefix="/v1/appeals", tags=["appeals 诉求"], route_class=JsonRoute)

_PART = 1 << 16
Exporter = Annotated[Actor, Depends(allowed("appeal.export"))]

_EXPORTS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


@router.get(
    "/export",
    responses={
        **documented(401, 403, 422, 429),
        200: {"content": {kind: {"schema": {"type": "string", "format": "binary"}} for kind in _EXPORTS.values()}},
    },
    response_class=StreamingResponse,
    summary="导出 / export",
)
def export_appeals(
    service: ServiceDep,
    actor: Exporter,
    wanted: Wanted,
    format: Annotated[Literal["csv", "xlsx"], Query(description="文件格式")] = "csv",  # noqa: A002 - its public name
) -> StreamingResponse:
    """Return the listed appeals as a file for an office: masked, of the caller's districts, at most 50,000."""
    with tempfile.TemporaryDirectory(prefix="triage-export-") as folder:
        path = Path(folder) / f"appeals.{format}"
        export.export(service.desk, actor, wanted, path)
        handle = path.open("rb")
    size = os.fstat(handle.fileno()).st_size
    headers = {"Content-Disposition": f'attachment; filename="appeals.{format}"', "Content-Length": str(size)}
    return StreamingResponse(_parts(handle), media_type=_EXPORTS[format], headers=headers)


def _parts(handle: BinaryIO) -> Iterator[bytes]:
    """Give the file in pieces. Its name is gone already, so that nothing is left behind when a client hangs up."""
    with handle:
        while part := handle.read(_PART):
            yield part
