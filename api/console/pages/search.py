"""查找诉求, and the number of warnings in the bar."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query
from sqlalchemy import func, select
from starlette.responses import JSONResponse, Response

from api.console.routing import page_router
from api.console.visit import Visit, visitor
from triage.casework.finding import find, of_number
from triage.store import schema

router = page_router()
Reader = Annotated[Visit, Depends(visitor("appeal.read"))]
AlertReader = Annotated[Visit, Depends(visitor("alert.read"))]

_SHOWN = 40
_COUNTED = 100


@router.get("/search")
def search(visit: Reader, q: Annotated[str, Query(max_length=200)] = "") -> Response:
    """Find appeals by words, by a piece of text, or by their number."""
    typed = q.replace("\x00", " ").strip()
    known = of_number(visit.desk, visit.actor, typed)
    if known is not None:
        return visit.redirect(f"/console/appeals/{known}")
    found = find(visit.desk, visit.actor, typed, limit=_SHOWN) if typed else []
    return visit.page("search.html", title="查找诉求", searched=typed, found=found)


@router.get("/alarm")
def alarm(visit: AlertReader) -> Response:
    """Tell how many warnings wait, up to a hundred, and when the latest was raised."""
    alerts = schema.alerts.c
    waiting = select(alerts.at, alerts.level).where(alerts.state == "open").order_by(alerts.at.desc()).limit(_COUNTED)
    found = waiting.subquery()
    statement = select(func.count(), func.max(found.c.at), func.count().filter(found.c.level == 4)).select_from(found)
    with visit.desk.database.transaction(visit.actor.scope) as connection:
        number, latest, red = connection.execute(statement).one()
    return JSONResponse({"open": number, "latest": latest.isoformat() if latest else "", "red": red})
