"""The outermost layer: every request gets a number, one log line, its numbers in the metrics, and never a bare crash."""

from __future__ import annotations

import logging
import time
from uuid import uuid4

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import problems
from api.metrics import Metrics

LOG = logging.getLogger("api.request")
_STATE = "triage"
UNKNOWN_ROUTE = "（无此地址）"
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}


def request_id_of(scope: Scope) -> str:
    """Return the number of a request (a UUID)."""
    return str(scope["state"]["request_id"])


def name_principal(scope: Scope, name: str) -> None:
    """Note who asks (``user:<id>``, ``key:<id>``), for the log."""
    scope["state"]["principal"] = name


class Observe:
    """Numbers, logs and measures requests; adds the security headers; turns a crash into a problem."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        """Store what comes next and where to count."""
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        state = scope.setdefault("state", {})
        state["request_id"], state["principal"] = str(uuid4()), ""
        begun, status = time.perf_counter(), 0

        async def passing(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id_of(scope)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, passing)
        except Exception:
            # The last place where a crash can be kept from the client; the formatter keeps its message from the log.
            LOG.exception("request failed", extra={"action": "crash", "request": request_id_of(scope)})
            if not status:
                failed = problems.problem_response(problems.from_status(500), request_id_of(scope))
                await failed(scope, receive, passing)
        finally:
            self._note(scope, status or 499, time.perf_counter() - begun)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        route = route_of(scope)
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        self._metrics.requests.labels(method, route, str(status)).inc()
        self._metrics.seconds.labels(route).observe(seconds)
        LOG.info(
            "request",
            extra={
                "action": "request",
                "request": request_id_of(scope),
                "principal": scope["state"]["principal"] or None,
                "method": method,
                "route": route,
                "status": status,
                "ms": round(seconds * 1000, 1),
            },
        )


_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


def route_of(scope: Scope) -> str:
    """Return the template of the route (``/v1/appeals/{appeal_id}``); the address itself may hold anything."""
    return getattr(scope.get("route"), "path", UNKNOWN_ROUTE)


class TrustedHosts:
    """Refuses requests under foreign host names, so that a page elsewhere cannot reach a local service by DNS tricks."""

    def __init__(self, app: ASGIApp, allowed: tuple[str, ...]) -> None:
        """Store what comes next and the names; ``*`` allows all."""
        self._app, self._allowed = app, frozenset(name.lower() for name in allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request under an allowed name on."""
        if scope["type"] != "http" or "*" in self._allowed or _host_of(scope) in self._allowed:
            await self._app(scope, receive, send)
            return
        foreign = problems.Problem(problems.FOREIGN_HOST, "不接受以此主机名访问；请管理员把它加入 TRIAGE_ALLOWED_HOSTS")
        await problems.problem_response(foreign, request_id_of(scope))(scope, receive, send)


def _host_of(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"host":
            host: str = value.decode("latin-1").lower()
            if host.startswith("["):
                return host[1:].partition("]")[0]
            return host.partition(":")[0]
    return ""
