"""登录与退出."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Query, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from api.console.routing import LOGIN, PREFIX, page_router
from api.console.templating import CONTENT_POLICY, render
from api.console.visit import Posted, Visit, visitor
from api.problems import Problem
from api.security import COOKIE, ServiceDep, note_failure, refuse_guessers
from api.service import Service
from triage.casework import access
from triage.store.errors import Unauthenticated

router = page_router()

FIRST = f"{PREFIX}/queue"


@router.get("/login")
def show(service: ServiceDep, onward: Annotated[str, Query(alias="next", max_length=2_000)] = "") -> Response:
    """Show the log-in."""
    return _page(service, onward=onward)


@router.post("/login")
def log_in(request: Request, service: ServiceDep) -> Response:
    """Begin a session and lead to where the visitor wanted to go."""
    posted = Posted(request.state.posted)
    name, onward = posted.text("name"), posted.text("next")
    password = (posted.fields.get("password") or ("",))[0]
    try:
        refuse_guessers(request, service)
        try:
            begun = access.log_in(service.desk.database, name, password, clock=service.desk.clock)
        except Unauthenticated:
            note_failure(request, service)
            raise
    except Unauthenticated as error:
        return _page(service, onward=onward, name=name, problem=str(error), status=401)
    except Problem as problem:
        shown = _page(service, onward=onward, name=name, problem=str(problem.detail), status=problem.status_code)
        shown.headers.update(problem.headers or {})
        return shown
    response = RedirectResponse(_own(onward), status_code=303)
    response.set_cookie(
        COOKIE,
        begun.token,
        max_age=int(access.SESSION.total_seconds()),
        httponly=True,
        secure=_secure(request, service),
        samesite="strict",
        path="/",
    )
    return response


@router.post("/logout")
def log_out(request: Request, visit: Annotated[Visit, Depends(visitor(""))]) -> Response:
    """End the session."""
    access.log_out(visit.desk.database, request.cookies.get(COOKIE, ""))
    response = RedirectResponse(LOGIN, status_code=303)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict", secure=_secure(request, visit.service))
    return response


def _secure(request: Request, service: Service) -> bool:
    """Say whether the cookie may travel by https only; in a trial over http it could not travel at all."""
    return not service.settings.demo or request.url.scheme == "https"


def _own(onward: str) -> str:
    """Return where to go after the log-in: a page of the console, never a foreign address."""
    inside = onward.startswith(f"{PREFIX}/") and "\\" not in onward and ".." not in onward and onward.isprintable()
    return onward if inside and not onward.startswith(LOGIN) else FIRST


def _page(service: Service, *, onward: str, name: str = "", problem: str = "", status: int = 200) -> Response:
    hours = int(access.SESSION.total_seconds() // 3600)
    demo = service.demo.login if service.demo else None
    text = render("login.html", title="登录", onward=onward, name=name, problem=problem, hours=hours, demo=demo)
    response = HTMLResponse(text, status_code=status)
    response.headers["Content-Security-Policy"] = CONTENT_POLICY
    return response
