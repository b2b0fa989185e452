"""Somebody on a page: who it is, what they may, what they sent, and how the page is answered."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any
from urllib.parse import quote, unquote
from uuid import UUID

from fastapi import Depends, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from api.console.navigation import entries_for
from api.console.routing import is_partial
from api.console.templating import CONTENT_POLICY, render
from api.security import COOKIE, CSRF_HEADER, csrf_token, visitor_of
from api.service import Service, service_of
from triage.casework import rights
from triage.casework.desk import Desk
from triage.errors import InputError
from triage.store import people
from triage.store.access import EVERYWHERE, Actor

CSRF_FIELD = "_csrf"
NOTICE = "triage_notice"
"""Cookie that carries one sentence over a redirect."""
_NOTICE_SECONDS = 30

ROLE_NAMES: Mapping[str, str] = {
    "intake": "受理登记",
    "dispatcher": "派单",
    "officer": "值班",
    "analyst": "分析",
    "admin": "管理",
}
"""Role → what it is called on pages."""


@dataclass(frozen=True, slots=True)
class Posted:
    """The fields of a form; every value is text that a stranger may have written."""

    fields: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def text(self, name: str) -> str:
        """Return the first value without outer blanks; empty where the form has none."""
        values = self.fields.get(name) or ("",)
        return values[0].strip()

    def texts(self, name: str) -> list[str]:
        """Return all values that are not blank."""
        return [value.strip() for value in self.fields.get(name, ()) if value.strip()]

    def flag(self, name: str) -> bool:
        """Say whether a box was ticked."""
        return bool(self.text(name))

    def whole(self, name: str) -> int | None:
        """Return a whole number; None where nothing was filled in.

        Raises:
            InputError: It is none.
        """
        text = self.text(name)
        if not text:
            return None
        if not text.isascii() or not text.isdigit() or len(text) > 9:
            raise InputError("应填写不超过九位的整数")
        return int(text)

    def ids(self, name: str) -> list[UUID]:
        """Return ids.

        Raises:
            InputError: One is none.
        """
        try:
            return [UUID(value) for value in self.texts(name)]
        except ValueError as error:
            raise InputError("编号格式不正确；请刷新页面后重新选择") from error


@dataclass(frozen=True, kw_only=True, slots=True)
class Visit:
    """A request of somebody who has logged in.

    Attributes:
        request: The request.
        service: The service.
        actor: Who it is.
        csrf: What the page sends along with every change.
        posted: What a form holds; empty for other requests.
    """

    request: Request
    service: Service
    actor: Actor
    csrf: str
    posted: Posted

    @property
    def desk(self) -> Desk:
        """Return what the use cases work with."""
        return self.service.desk

    @property
    def partial(self) -> bool:
        """Say whether a script asks for a piece of a page."""
        return is_partial(self.request)

    def may(self, action: str) -> bool:
        """Say whether the visitor has a right of `triage.casework.rights.RIGHTS`."""
        return rights.may(self.actor, action)

    def page(self, template: str, *, title: str, status: int = 200, **context: Any) -> Response:
        """Answer with a whole page that extends ``base.html``.

        Args:
            template: Below ``templates``.
            title: Name of the page, in the bar and in the browser's tab.
            status: HTTP status.
            context: What the template shows; Jinja escapes it.
        """
        notice = unquote(self.request.cookies.get(NOTICE, ""))[:200]
        frame = {
            "title": title,
            "notice": notice,
            "entries": entries_for(self.actor, at=self.request.url.path),
            "who": self._name(),
            "role": ROLE_NAMES.get(self.actor.role, self.actor.role),
            "places": "全市" if self.actor.scope.everywhere else "、".join(self.actor.scope.districts),
        }
        response = HTMLResponse(render(template, **self._common(), **frame, **context), status_code=status)
        response.headers["Content-Security-Policy"] = CONTENT_POLICY
        if notice:
            response.delete_cookie(NOTICE, path="/", samesite="strict", httponly=True)
        return response

    def fragment(self, template: str, *, notice: str = "", undo: str = "", **context: Any) -> Response:
        """Answer with a piece of a page.

        Args:
            template: Below ``templates``; its name begins with ``_``.
            notice: A sentence shown at the edge of the page for some seconds.
            undo: Address that takes the step back; offered beside the notice.
            context: What the template shows; Jinja escapes it.
        """
        response = HTMLResponse(render(template, **self._common(), **context))
        response.headers["Content-Security-Policy"] = CONTENT_POLICY
        return told(response, notice, undo=undo)

    def nothing(self, notice: str = "", *, undo: str = "", event: str = "") -> Response:
        """Answer without content; ``event`` is sent to the page's script."""
        return told(Response(status_code=204), notice, undo=undo, event=event)

    def redirect(self, path: str, notice: str = "") -> Response:
        """Lead to another page, which shows the notice."""
        response: Response
        if self.partial:
            response = Response(status_code=204, headers={"HX-Redirect": path})
        else:
            response = RedirectResponse(path, status_code=303)
        if notice:
            secure = not self.service.settings.demo
            response.set_cookie(
                NOTICE, quote(notice), max_age=_NOTICE_SECONDS, httponly=True, secure=secure, samesite="strict"
            )
        return response

    def _common(self) -> dict[str, Any]:
        return {
            "visit": self,
            "may": self.may,
            "csrf": self.csrf,
            "demo": self.service.settings.demo,
            "now": self.desk.clock(),
        }

    def _name(self) -> str:
        with self.desk.database.transaction(EVERYWHERE) as connection:
            return people.names(connection, [self.actor.name])[self.actor.name]


def told(response: Response, notice: str, *, undo: str = "", event: str = "") -> Response:
    """Add to an answer what the page's script shows or does."""
    events: dict[str, Any] = {}
    if notice:
        events["notice"] = {"text": notice, "undo": undo}
    if event:
        events[event] = {}
    if events:
        response.headers["HX-Trigger"] = json.dumps(events)  # ASCII: a header holds no Chinese
    return response


def visitor(action: str) -> Callable[..., Visit]:
    """Return a dependency that lets on whoever has logged in and has the right.

    Args:
        action: A key of `triage.casework.rights.RIGHTS`; empty: whatever the role.
    """

    def check(request: Request, service: Annotated[Service, Depends(service_of)]) -> Visit:
        posted = Posted(request.state.posted)
        cookie = request.cookies.get(COOKIE, "")
        token = request.headers.get(CSRF_HEADER) or posted.text(CSRF_FIELD)
        actor = visitor_of(request, service, cookie, token=token)
        if action:
            rights.require(actor, action)
        return Visit(request=request, service=service, actor=actor, csrf=csrf_token(service, cookie), posted=posted)

    return check
