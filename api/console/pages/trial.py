"""复原演示数据: in a trial only."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from starlette.responses import Response

from api import problems
from api.console.routing import LOGIN, page_router
from api.console.visit import Visit, visitor
from api.problems import Problem

router = page_router()


@router.post("/demo/reset")
def reset(visit: Annotated[Visit, Depends(visitor(""))]) -> Response:
    """Put the sample city back; all sessions end with it."""
    demo = visit.service.demo
    if demo is None:
        raise Problem(problems.NOT_FOUND, "只有演示系统可以复原数据")
    demo.reset()
    return visit.redirect(LOGIN)
