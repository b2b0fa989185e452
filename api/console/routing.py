"""How a page is answered: forms are read, an error becomes a page that says what to do, a lost session leads to the log-in.

Requests that htmx or the page's own script sends (header ``HX-Request``) get errors as the interface does, as problem+json; the
script shows what they say.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import quote, urlsplit

from fastapi import APIRouter
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api import problems
from api.console.templating import error_page
from api.handlers import problem_for
from api.observe import request_id_of
from api.problems import Problem
from models.errors import TriageError

LOG = logging.getLogger("api.console")
PREFIX = "/console"
LOGIN = f"{PREFIX}/login"
_FORM = "application/x-www-form-urlencoded"
_EXPECTED = (HTTPException, RequestValidationError, TriageError, SQLAlchemyError)
_SAFE = frozenset({"GET", "HEAD"})
MOST_FIELDS = 3_000
"""Of one form: a split of a large event ticks a box for each appeal."""


class PageRoute(APIRoute):
    """A route that answers with a page."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return the handler with the form read in front and errors made readable behind."""
        handle = super().get_route_handler()

        async def shown(request: Request) -> Response:
            try:
                _check_origin(request)
                request.state.posted = await _form_of(request)
                return await handle(request)
            except _EXPECTED as error:
                if is_partial(request):
                    return _partial(request, error)
                return _page(request, error)

        return shown


def page_router() -> APIRouter:
    """Return a router for the pages of one module."""
    return APIRouter(prefix=PREFIX, route_class=PageRoute, include_in_schema=False)


def is_partial(request: Request) -> bool:
    """Say whether a script asks for a piece of a page."""
    return request.headers.get("hx-request") == "true"


def _check_origin(request: Request) -> None:
    """Refuse what a page elsewhere sends, also where there is no session yet to forge (log-in).

    Raises:
        Problem: 403, if the browser names another origin.
    """
    if request.method in _SAFE:
        return
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None:
        foreign = site not in ("same-origin", "none")
    else:  # an older browser
        foreign = origin is not None and urlsplit(origin).netloc != request.headers.get("host", "")
    if foreign:
        raise Problem(problems.FORBIDDEN, "请求不是从本系统的页面发出的，已拒绝")


async def _form_of(request: Request) -> dict[str, list[str]]:
    """Return the fields of a form; files are not read here but where they are wanted, after their sender is known."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        return {}
    form = await request.form(max_fields=MOST_FIELDS)
    found: dict[str, list[str]] = {}
    for name, value in form.multi_items():
        if isinstance(value, str):
            found.setdefault(name, []).append(value)
    return found


def _partial(request: Request, error: Exception) -> Response:
    problem = problem_for(request, error)
    response = problems.problem_response(problem, request_id_of(request.scope))
    if problem.kind is problems.UNAUTHENTICATED:
        response.headers["HX-Redirect"] = LOGIN
    return response


def _page(request: Request, error: Exception) -> Response:
    problem = problem_for(request, error)
    if problem.kind is problems.UNAUTHENTICATED:
        wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        onward = f"?next={quote(wanted)}" if request.method in _SAFE else ""
        return RedirectResponse(LOGIN + onward, status_code=303)
    return error_page(request, problem)
