"""What one client may take: body size, requests per second, places at work."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import problems
from api.metrics import Metrics
from api.observe import request_id_of
from api.settings import Limits

_KEPT_BUCKETS = 10_000
UPLOADS = frozenset(
    {
        *("/v1/bundles", "/v1/units/import"),
        *("/console/models/upload", "/console/directory/diff", "/console/directory/import"),
    }
)
"""Paths that take files; they stream to disk instead of being read at once."""
BATCH = "/v1/appeals/batch"
UNGUARDED = frozenset({"/healthz", "/readyz", "/metrics"})
"""Paths that must answer while the service is busy."""


class TokenBuckets:
    """One bucket of tokens per name: ``burst`` at once, ``per_second`` in the long run. Safe between threads."""

    def __init__(self, *, per_second: float, burst: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Store the rates; buckets begin full."""
        self._per_second, self._burst, self._clock = per_second, burst, clock
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def take(self, name: str, tokens: float = 1.0) -> float:
        """Take tokens.

        Returns:
            0.0 when they were there, else the seconds until they will be; then nothing is taken.
        """
        with self._lock:
            now = self._clock()
            level = self._level(name, now)
            if level < tokens:
                return (tokens - level) / self._per_second
            self._buckets[name] = (level - tokens, now)
            self._buckets.move_to_end(name)
            if len(self._buckets) > _KEPT_BUCKETS:
                self._buckets.popitem(last=False)
            return 0.0

    def wait(self, name: str, tokens: float = 1.0) -> float:
        """Return the seconds until so many tokens would be there, taking none."""
        with self._lock:
            return max(0.0, (tokens - self._level(name, self._clock())) / self._per_second)

    def _level(self, name: str, now: float) -> float:
        level, at = self._buckets.get(name, (self._burst, now))
        return min(self._burst, level + (now - at) * self._per_second)


class BodyLimit:
    """Reads bodies before anything is done with them: not too long, not too slowly. Answers 413 and 408.

    A body is read before a place at work is taken (`Gate`), so that a slow sender keeps nobody from working. Uploads
    are counted and timed while they stream, after their sender has been recognised.
    """

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        """Store what comes next and the limits."""
        self._app, self._limits = app, limits
        self._room = limits.buffered_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with a body that is within the limits."""
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        held = 0

        def hold(size: int) -> None:
            # Bodies are read before their senders are recognised: a thousand strangers could fill the memory.
            nonlocal held
            held, self._room = held + size, self._room - size
            if self._room < 0:
                raise _no_room()

        try:
            try:
                passed = await self._receiver(scope, receive, hold)
            except problems.Problem as problem:
                await problems.problem_response(problem, request_id_of(scope))(scope, receive, send)
                return
            await self._app(scope, passed, send)
        finally:
            self._room += held

    async def _receiver(self, scope: Scope, receive: Receive, hold: Callable[[int], None]) -> Receive:
        path, limits = scope["path"], self._limits
        limit = limits.batch_bytes if path == BATCH else limits.upload_bytes if path in UPLOADS else limits.body_bytes
        if _declared_length(scope) > limit:
            raise _too_large(limit)
        counted = _counted(receive, limit=limit, seconds=limits.body_seconds)
        if path in UPLOADS:
            return counted
        try:
            async with asyncio.timeout(limits.body_seconds):
                body = await _whole_body(counted, hold)
        except TimeoutError as error:
            raise _too_slow(limits.body_seconds) from error
        return _replayed(body, receive)


def _too_large(limit: int) -> problems.Problem:
    detail = f"请求体超过 {limit:,} 字节的上限；请拆分后再发"
    return problems.Problem(problems.TOO_LARGE, detail, headers=_CLOSE)


def _too_slow(seconds: float) -> problems.Problem:
    detail = f"请求体在 {seconds:g} 秒内没有收到；请检查网络后重试"
    return problems.Problem(problems.TOO_SLOW, detail, headers=_CLOSE)


def _no_room() -> problems.Problem:
    detail = "正在接收的请求体过多；请按 Retry-After 头所示时间后再试"
    return problems.Problem(problems.UNAVAILABLE, detail, headers={"Retry-After": "2", **_CLOSE})


_CLOSE = {"Connection": "close"}
"""The rest of the body is not read, so the connection cannot carry another request."""


def _declared_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() and len(value) < 19 else 1 << 62
    return 0


async def _whole_body(receive: Receive, hold: Callable[[int], None]) -> bytes | None:
    """Return the body; None when the client went away."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        parts.append(message.get("body", b""))
        hold(len(parts[-1]))
        if not message.get("more_body"):
            return b"".join(parts)


def _replayed(body: bytes | None, receive: Receive) -> Receive:
    given = body is None

    async def replay() -> Message:
        nonlocal given
        if body is None:
            return {"type": "http.disconnect"}
        if not given:
            given = True
            return {"type": "http.request", "body": body, "more_body": False}
        return await receive()

    return replay


def _counted(receive: Receive, *, limit: int, seconds: float) -> Receive:
    size = 0

    async def count() -> Message:
        nonlocal size
        try:
            async with asyncio.timeout(seconds):
                message = await receive()
        except TimeoutError as error:
            raise _too_slow(seconds) from error
        size += len(message.get("body", b""))
        if size > limit:
            raise _too_large(limit)
        return message

    return count


class Gate:
    """Lets so many requests work at a time, so many wait, and answers 503 with Retry-After to the rest.

    On two cores more threads do not decide faster; they only make everybody wait longer. A place is free again as
    soon as the answer begins, so that a client that reads slowly holds none.
    """

    def __init__(self, app: ASGIApp, limits: Limits, metrics: Metrics) -> None:
        """Store what comes next, the limits and where to count."""
        self._app, self._limits, self._metrics = app, limits, metrics
        self._lanes = {
            False: _Lane(asyncio.Semaphore(limits.workers), limits.waiting),
            True: _Lane(asyncio.Semaphore(_UPLOADING), _UPLOADING),
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on once there is a place."""
        if scope["type"] != "http" or scope["path"] in UNGUARDED:
            await self._app(scope, receive, send)
            return
        lane = self._lanes[scope["path"] in UPLOADS and scope["method"] == "POST"]
        if not await self._admitted(lane):
            self._metrics.refused.labels("busy").inc()
            busy = problems.unavailable(2, "服务繁忙，等待的请求已满；请按 Retry-After 头所示时间后再试")
            await problems.problem_response(busy, request_id_of(scope))(scope, receive, send)
            return
        with _Place(lane.places, self._metrics) as place:

            async def passing(message: Message) -> None:
                if message["type"] == "http.response.start":
                    place.leave()
                await send(message)

            await self._app(scope, receive, passing)

    async def _admitted(self, lane: _Lane) -> bool:
        if lane.places.locked() and lane.waiting >= lane.most:
            return False
        lane.waiting += 1
        self._metrics.waiting.inc()
        try:
            async with asyncio.timeout(self._limits.wait_seconds):
                await lane.places.acquire()
        except TimeoutError:
            return False
        finally:
            lane.waiting -= 1
            self._metrics.waiting.dec()
        return True


_UPLOADING = 2
"""Uploads at a time, and so many waiting; a slow one must not hold a place that a dispatcher needs."""


@dataclass(slots=True)
class _Lane:
    """Places at work, and who waits for one."""

    places: asyncio.Semaphore
    most: int
    waiting: int = 0


class _Place:
    """A place at work that is given back once, whoever does it first."""

    def __init__(self, places: asyncio.Semaphore, metrics: Metrics) -> None:
        self._places, self._metrics, self._held = places, metrics, True
        metrics.running.inc()

    def leave(self) -> None:
        if self._held:
            self._held = False
            self._places.release()
            self._metrics.running.dec()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()
