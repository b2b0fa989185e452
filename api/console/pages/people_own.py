"""本人的口令."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends
from starlette.responses import Response

from api.console.routing import LOGIN, page_router
from api.console.visit import Visit, visitor
from triage.casework import access
from triage.errors import InputError
from triage.store import people
from triage.store.access import EVERYWHERE
from triage.store.errors import Unauthenticated

router = page_router()
Anyone = Annotated[Visit, Depends(visitor(""))]


@router.get("/password")
def show(visit: Anyone) -> Response:
    """Show the form."""
    return visit.page("password.html", title="修改口令", problem="")


@router.post("/password")
def change(visit: Anyone) -> Response:
    """Give the visitor another password; all sessions of the account end."""
    fields = visit.posted.fields
    old, new, again = ((fields.get(name) or ("",))[0] for name in ("old", "new", "again"))
    desk = visit.desk
    with desk.database.transaction(EVERYWHERE) as connection:
        name = people.names(connection, [visit.actor.name])[visit.actor.name]
    if new != again:
        return visit.page("password.html", title="修改口令", status=422, problem="两次输入的新口令不一致")
    try:
        # The old one is asked for, lest somebody at an unlocked screen takes the account over.
        begun = access.log_in(desk.database, name, old, clock=desk.clock)
        access.log_out(desk.database, begun.token)
        access.set_password(desk.database, visit.actor, name, new)
    except (InputError, Unauthenticated) as error:
        return visit.page("password.html", title="修改口令", status=422, problem=str(error))
    return visit.redirect(LOGIN)
