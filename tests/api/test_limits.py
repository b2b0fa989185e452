"""Buckets, bodies and places at work, each without a service around it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from starlette.types import Message, Receive, Scope, Send

from api.limits import BodyLimit, Gate, TokenBuckets
from api.metrics import Metrics
from api.observe import Observe
from api.settings import Limits

SMALL = Limits(body_bytes=100, workers=2, waiting=1, wait_seconds=0.2, body_seconds=0.2)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_gives_a_burst_and_then_its_rate() -> None:
    clock = Clock()
    buckets = TokenBuckets(per_second=2, burst=3, clock=clock)
    assert [buckets.take("a") for _ in range(3)] == [0, 0, 0]
    assert buckets.take("a") == 0.5
    assert buckets.take("b") == 0
    clock.now = 0.5
    assert buckets.take("a") == 0
    assert buckets.wait("a") == 0.5


def test_a_bucket_never_holds_more_than_its_burst() -> None:
    clock = Clock()
    buckets = TokenBuckets(per_second=10, burst=2, clock=clock)
    buckets.take("a")
    clock.now = 1_000
    assert [buckets.take("a") for _ in range(3)][:2] == [0, 0]
    assert buckets.take("a") > 0


def scope(path: str = "/v1/appeals", *, method: str = "POST", length: int | None = None) -> Scope:
    headers = [(b"content-length", str(length).encode())] if length is not None else []
    return {"type": "http", "method": method, "path": path, "headers": headers}


class Sent:
    """Collects what an app answers."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def __call__(self, message: Message) -> None:
        self.messages.append(message)

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"])

    @property
    def headers(self) -> dict[str, str]:
        return {name.decode(): value.decode() for name, value in self.messages[0]["headers"]}


def chunks(*parts: bytes, pause: float = 0.0) -> Receive:
    left = list(parts)

    async def receive() -> Message:
        await asyncio.sleep(pause)
        if not left:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": left.pop(0), "more_body": bool(left)}

    return receive


async def echo(_scope: Scope, receive: Receive, send: Send) -> None:
    message = await receive()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": message.get("body", b"")})


def limited(limits: Limits = SMALL) -> Any:
    return Observe(BodyLimit(echo, limits), Metrics())


def test_a_body_arrives_whole() -> None:
    sent = Sent()
    asyncio.run(limited()(scope(), chunks(b"one ", b"two"), sent))
    assert (sent.status, sent.messages[1]["body"]) == (200, b"one two")


def test_a_body_that_is_declared_or_grows_too_long_is_413() -> None:
    for given in (scope(length=101), scope()):
        sent = Sent()
        asyncio.run(limited()(given, chunks(b"x" * 60, b"x" * 60), sent))
        assert sent.status == 413
        assert sent.headers["connection"] == "close"


def test_a_body_that_comes_drop_by_drop_is_408() -> None:
    sent = Sent()
    asyncio.run(limited()(scope(), chunks(*[b"x"] * 50, pause=0.05), sent))
    assert sent.status == 408


def test_bodies_of_many_senders_together_do_not_fill_the_memory() -> None:
    async def crowd() -> list[int]:
        app = limited(replace(SMALL, buffered_bytes=150, body_seconds=5.0))
        many = [Sent() for _ in range(3)]
        await asyncio.gather(*(app(scope(), chunks(b"x" * 40, b"x" * 40, pause=0.01), sent) for sent in many))
        later = Sent()
        await app(scope(), chunks(b"x" * 90), later)
        assert next(sent for sent in many if sent.status == 503).headers["retry-after"] == "2"
        return [*sorted(sent.status for sent in many), later.status]

    statuses = asyncio.run(crowd())
    assert 503 in statuses[:3]
    assert statuses[3] == 200  # what was held is given back, also after a refusal


def test_an_upload_may_be_longer_than_other_bodies() -> None:
    sent = Sent()
    asyncio.run(limited()(scope("/v1/bundles"), chunks(b"x" * 500), sent))
    assert sent.status == 200


class Slow:
    """An app that works until it is told to go on."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.running = self.most = 0

    async def __call__(self, _scope: Scope, _receive: Receive, send: Send) -> None:
        self.running += 1
        self.most = max(self.most, self.running)
        await self.go_on.wait()
        self.running -= 1
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})


async def _crowd(limits: Limits, count: int) -> tuple[Slow, list[Sent]]:
    slow = Slow()
    app = Observe(Gate(slow, limits, Metrics()), Metrics())
    answers = [Sent() for _ in range(count)]
    tasks = [asyncio.create_task(app(scope(), chunks(b""), sent)) for sent in answers]
    await asyncio.sleep(0.05)
    slow.go_on.set()
    await asyncio.gather(*tasks)
    return slow, answers


def test_so_many_work_so_many_wait_and_the_rest_are_told_when_to_come_back() -> None:
    slow, answers = asyncio.run(_crowd(SMALL, 5))
    assert slow.most == 2
    assert sorted(sent.status for sent in answers) == [200, 200, 200, 503, 503]
    refused = next(sent for sent in answers if sent.status == 503)
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.headers["content-type"] == "application/problem+json"


def test_nobody_waits_for_ever() -> None:
    async def stuck() -> list[int]:
        slow = Slow()
        app = Observe(Gate(slow, replace(SMALL, workers=1), Metrics()), Metrics())
        first, second = Sent(), Sent()
        held = asyncio.create_task(app(scope(), chunks(b""), first))
        await asyncio.sleep(0)
        await app(scope(), chunks(b""), second)
        slow.go_on.set()
        await held
        return [first.status, second.status]

    assert asyncio.run(stuck()) == [200, 503]


def test_a_place_is_free_again_after_a_crash_and_as_soon_as_the_answer_begins() -> None:
    async def crash(_scope: Scope, _receive: Receive, _send: Send) -> None:
        raise RuntimeError

    async def lazy_reader() -> list[int]:
        gate = Gate(crash, replace(SMALL, workers=1, waiting=0), Metrics())
        app = Observe(gate, Metrics())
        statuses = []
        for _ in range(3):
            sent = Sent()
            await app(scope(), chunks(b""), sent)
            statuses.append(sent.status)
        return statuses

    assert asyncio.run(lazy_reader()) == [500, 500, 500]


def test_uploads_under_way_do_not_keep_anybody_from_looking_at_the_list() -> None:
    async def crowded() -> list[int]:
        slow = Slow()
        app = Observe(Gate(slow, SMALL, Metrics()), Metrics())
        uploads = [asyncio.create_task(app(scope("/v1/bundles"), chunks(b""), Sent())) for _ in range(4)]
        await asyncio.sleep(0)
        refused, listed = Sent(), Sent()
        await app(scope("/v1/bundles"), chunks(b""), refused)
        looking = asyncio.create_task(app(scope("/v1/bundles", method="GET"), chunks(b""), listed))
        await asyncio.sleep(0)
        slow.go_on.set()
        await asyncio.gather(looking, *uploads)
        return [refused.status, listed.status]

    assert asyncio.run(crowded()) == [503, 200]


def test_health_is_answered_in_any_crowd() -> None:
    async def crowded() -> int:
        slow = Slow()
        gate = Gate(slow, replace(SMALL, workers=1, waiting=0), Metrics())
        app = Observe(gate, Metrics())
        held = asyncio.create_task(app(scope(), chunks(b""), Sent()))
        await asyncio.sleep(0.01)
        slow.go_on.set()
        sent = Sent()
        await app(scope("/healthz", method="GET"), chunks(b""), sent)
        await held
        return sent.status

    assert asyncio.run(crowded()) == 200
