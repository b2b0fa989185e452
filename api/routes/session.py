"""Logging in and out: a cookie for the browser, a token against foreign pages."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from api.problems import documented
from api.routing import JsonRoute
from api.schemas.people import LogInIn, SessionOut
from api.security import (
    COOKIE,
    ServiceDep,
    SessionCookie,
    csrf_token,
    logged_in,
    note_failure,
    refuse_guessers,
)
from api.service import Service
from triage.casework import access
from triage.store.access import Actor
from triage.store.errors import Unauthenticated

router = APIRouter(prefix="/v1/session", tags=["session 登录"], route_class=JsonRoute)


@router.post("", status_code=201, responses=documented(401, 415, 422, 429), summary="登录 / log in")
def log_in(body: LogInIn, request: Request, response: Response, service: ServiceDep) -> SessionOut:
    """Begin a session: the answer sets an HttpOnly cookie and names the CSRF token to send with changing requests."""
    refuse_guessers(request, service)
    try:
        begun = access.log_in(service.desk.database, body.name, body.password, clock=service.desk.clock)
    except Unauthenticated:
        note_failure(request, service)
        raise
    response.set_cookie(
        COOKIE,
        begun.token,
        max_age=int(access.SESSION.total_seconds()),
        httponly=True,
        secure=not service.settings.demo,
        samesite="strict",
        path="/",
    )
    return _described(service, begun.actor, begun.token)


@router.get("", responses=documented(401, 429), summary="当前身份 / who am I")
def who_am_i(service: ServiceDep, actor: Annotated[Actor, Depends(logged_in)], cookie: SessionCookie) -> SessionOut:
    """Tell who asks, and the CSRF token of the session; a key has none."""
    return _described(service, actor, cookie or "")


@router.delete("", status_code=204, responses=documented(401, 403, 429), summary="退出 / log out")
def log_out(
    response: Response, service: ServiceDep, _actor: Annotated[Actor, Depends(logged_in)], cookie: SessionCookie
) -> None:
    """End the session of the cookie; without one nothing happens."""
    if cookie:
        access.log_out(service.desk.database, cookie)
    response.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict", secure=not service.settings.demo)


def _described(service: Service, actor: Actor, token: str) -> SessionOut:
    return SessionOut(
        user=actor.name,
        role=actor.role,
        districts=list(actor.scope.districts),
        csrf=csrf_token(service, token) if token and actor.name.startswith("user:") else "",
    )
