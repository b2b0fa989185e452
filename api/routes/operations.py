"""Alive, ready, numbers: for supervisors and monitoring; no data, so no key."""

from __future__ import annotations

from fastapi import APIRouter, Response

from api.metrics import CONTENT_TYPE
from api.problems import documented
from api.schemas.operations import Alive, Ready
from api.security import ServiceDep

router = APIRouter(tags=["operations 运行"])


@router.get("/healthz", responses=documented(), summary="进程存活 / the process answers")
async def healthz() -> Alive:
    """Answer as long as the process lives, whatever the state of the store."""
    return Alive(status="ok")


@router.get("/readyz", responses=documented(), summary="可以服务 / requests can be served")
def readyz(service: ServiceDep) -> Ready:
    """Answer 200 if the store answers and models are loaded, else 503."""
    service.check()
    return Ready(status="ready")


@router.get(
    "/metrics",
    responses={**documented(), 200: {"content": {CONTENT_TYPE: {"schema": {"type": "string"}}}}},
    response_class=Response,
    summary="Prometheus 指标 / numbers",
)
def metrics(service: ServiceDep) -> Response:
    """Return counts and times by route, never by person or text."""
    return Response(service.metrics.render(), media_type=CONTENT_TYPE)
