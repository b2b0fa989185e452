"""Who asks: a key in the Authorization header or the cookie of a log-in; and whether the role may."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Annotated

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from api import problems
from api.observe import name_principal
from api.problems import Problem
from api.service import Service, service_of
from triage.casework import access, rights
from triage.store.access import Actor
from triage.store.errors import Unauthenticated

COOKIE = "triage_session"
CSRF_HEADER = "X-CSRF-Token"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})

_BEARER = HTTPBearer(
    auto_error=False, scheme_name="key", description="接口密钥 / API key: `Authorization: Bearer tk_…`"
)
_SESSION = APIKeyCookie(
    name=COOKIE,
    auto_error=False,
    scheme_name="session",
    description=f"登录后的 Cookie；修改类请求还须带 {CSRF_HEADER} 头 / cookie of a log-in",
)

Bearer = Annotated[HTTPAuthorizationCredentials | None, Depends(_BEARER)]
SessionCookie = Annotated[str | None, Depends(_SESSION)]
ServiceDep = Annotated[Service, Depends(service_of)]


def allowed(action: str) -> Callable[..., Actor]:
    """Return a dependency that recognises who asks and lets them on if their role has the right.

    Args:
        action: A key of `triage.casework.rights.RIGHTS`.
    """

    def check(request: Request, service: ServiceDep, bearer: Bearer, cookie: SessionCookie) -> Actor:
        actor = _recognise(request, service, bearer, cookie)
        rights.require(actor, action)
        return actor

    return check


def logged_in(request: Request, service: ServiceDep, bearer: Bearer, cookie: SessionCookie) -> Actor:
    """Recognise who asks, whatever the role."""
    return _recognise(request, service, bearer, cookie)


def visitor_of(request: Request, service: Service, cookie: str, *, token: str) -> Actor:
    """Recognise who visits a page of the console.

    A session that has ended is no guess (256 random bits), so it is not counted as one: at the end of a shift many
    browsers behind one address have old ones.

    Args:
        request: The request.
        service: The service.
        cookie: Of the log-in; empty without one.
        token: What the page sent against forgery; only looked at where something is to change.

    Raises:
        Unauthenticated: There is no session, or it has ended.
        Problem: 403 for a wrong token, 429 for too many requests.
    """
    actor = _identify(service, None, cookie or None)
    _check_csrf(request, service, cookie, given=token)
    return _admitted(request, service, actor)


def _recognise(
    request: Request, service: Service, bearer: HTTPAuthorizationCredentials | None, cookie: str | None
) -> Actor:
    try:
        actor = _identify(service, bearer, cookie)
    except Unauthenticated:
        note_failure(request, service)
        raise
    if bearer is None and cookie:
        _check_csrf(request, service, cookie, given=request.headers.get(CSRF_HEADER, ""))
    return _admitted(request, service, actor)


def _admitted(request: Request, service: Service, actor: Actor) -> Actor:
    name_principal(request.scope, actor.name)
    wait = service.rates.take(actor.name)
    if wait:
        service.metrics.refused.labels("rate").inc()
        raise problems.too_many(wait, "此密钥或用户的请求过于频繁；请按 Retry-After 头所示时间后再试")
    return actor


def _identify(service: Service, bearer: HTTPAuthorizationCredentials | None, cookie: str | None) -> Actor:
    database, clock = service.desk.database, service.desk.clock
    if bearer is not None:
        return access.authenticate_key(database, bearer.credentials, clock=clock)
    if cookie:
        return access.session(database, cookie, clock=clock)
    raise Unauthenticated("没有凭证；请在 Authorization 头中给出密钥（Bearer tk_…），或先登录")


def note_failure(request: Request, service: Service) -> None:
    """Count a failed log-in of an address.

    Raises:
        Problem: 429, if there were too many.
    """
    wait = service.failures.take(address_of(request))
    if wait:
        service.metrics.refused.labels("log-in").inc()
        raise problems.too_many(wait, "此地址登录失败次数过多；请稍后再试")


def refuse_guessers(request: Request, service: Service) -> None:
    """Go on only if the address has not failed too often; passwords are costly to compare.

    Raises:
        Problem: 429, if there were too many failures.
    """
    wait = service.failures.wait(address_of(request))
    if wait:
        service.metrics.refused.labels("log-in").inc()
        raise problems.too_many(wait, "此地址登录失败次数过多；请稍后再试")


def address_of(request: Request) -> str:
    """Return the address of the client, as the server sees it."""
    return request.client.host if request.client else ""


def csrf_token(service: Service, cookie: str) -> str:
    """Return what a page of ours must send along; a foreign page cannot read it."""
    return hmac.new(service.desk.secret, b"csrf\0" + cookie.encode("utf-8", "replace"), hashlib.sha256).hexdigest()


def _check_csrf(request: Request, service: Service, cookie: str, *, given: str) -> None:
    if request.method in _SAFE:
        return
    if not hmac.compare_digest(given.encode("utf-8", "replace"), csrf_token(service, cookie).encode()):
        raise Problem(problems.FORBIDDEN, f"缺少或错误的 {CSRF_HEADER} 头；请先用 GET /v1/session 取得")
