"""Files that are sent as the body of a request, after their sender has been recognised."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import Request
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from api import problems
from api.problems import Problem

ARCHIVES = {"application/zip": ".zip", "application/gzip": ".tar.gz", "application/x-tar": ".tar"}
TABLES = {
    "text/csv": ".csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
}


def takes(kinds: Mapping[str, str]) -> dict[str, Any]:
    """Return the part of the OpenAPI document for a body of such files."""
    content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in kinds}
    return {"requestBody": {"required": True, "content": content}}


@asynccontextmanager
async def received(request: Request, kinds: Mapping[str, str], *, suffix: bool = True) -> AsyncIterator[Path]:
    """Write the body to a temporary file that is gone afterwards; give its path.

    Args:
        request: The request, its body not yet read.
        kinds: Media type → suffix of the file.
        suffix: Whether the file's name tells its kind.

    Raises:
        Problem: 415 for another media type, 422 for an empty body, 413 or 408 from the limits.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in kinds:
        raise Problem(problems.MEDIA, f"只接受 {'、'.join(kinds)}；请设置 Content-Type")
    folder = await run_in_threadpool(tempfile.TemporaryDirectory, prefix="triage-upload-")
    try:
        path = Path(folder.name) / f"upload{kinds[kind] if suffix else ''}"
        if not await _written(request, path):
            raise Problem(problems.INVALID, "文件是空的；请重新选择")
        yield path
    finally:
        await run_in_threadpool(folder.cleanup)


async def _written(request: Request, path: Path) -> int:
    size = 0
    with path.open("wb") as file:
        try:
            async for part in request.stream():
                size += len(part)
                await run_in_threadpool(file.write, part)
        except ClientDisconnect as error:
            raise Problem(problems.MALFORMED, "上传中断；请重新上传") from error
    return size
