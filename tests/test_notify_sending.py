"""What is known after an attempt: arrived, refused, not reached, or nobody can say. With receivers that behave badly."""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from benchmarks.receiver import (
    Answering,
    Receiver,
    answer,
    dripping,
    hanging_up,
    huge,
    receiving,
    robot_code,
    silent,
)
from triage.notify import Guard, NetworkRules, Outcome, RobotAddress, Sent, Telling, WebhookAddress, send
from triage.notify.webhook import signature

NOW = datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
NUMBER = UUID("0b9bb2c4-8a4f-4b43-9d3f-3b8a4a0f2c11")
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
TELLING = Telling(id=NUMBER, topic="appeal.returned", key="appeal.returned:1", payload={"unit_from": "城管局"}, at=NOW)


def guard_for(receiver: Receiver, *, seconds: float = 5.0) -> Guard:
    rules = NetworkRules(
        hosts=frozenset({f"127.0.0.1:{receiver.port}"}), networks=(ipaddress.ip_network("127.0.0.0/8"),)
    )
    return Guard(rules=rules, seconds=seconds)


def told(receiver: Receiver, *, kind: str = "webhook", seconds: float = 5.0, guard: Guard | None = None) -> Sent:
    secret = SECRET if kind == "webhook" else ""
    address = (
        WebhookAddress(url=receiver.url, secret=secret)
        if kind == "webhook"
        else RobotAddress(kind=kind, url=receiver.url + "?key=1")
    )
    return send(guard or guard_for(receiver, seconds=seconds), address, TELLING, clock=lambda: NOW)


def test_a_program_gets_what_it_can_verify() -> None:
    with receiving() as receiver:
        assert told(receiver) == Sent(Outcome.DELIVERED)
    (request,) = receiver.received
    headers = request.headers
    assert headers["webhook-id"] == str(NUMBER)
    expected = signature(SECRET, headers["webhook-id"], headers["webhook-timestamp"], request.body)
    assert headers["webhook-signature"] == expected
    assert request.json()["data"] == {"unit_from": "城管局"}
    assert request.path == "/hook"


@pytest.mark.parametrize(
    ("act", "outcome", "reason"),
    [
        (answer(204, b""), Outcome.DELIVERED, ""),
        (answer(301, Location="http://169.254.169.254/"), Outcome.UNREACHED, "重定向"),
        (answer(307, Location="/elsewhere"), Outcome.UNREACHED, "重定向"),
        (answer(400), Outcome.REFUSED, "HTTP 400"),
        (answer(401), Outcome.UNREACHED, "HTTP 401"),
        (answer(404), Outcome.UNREACHED, "HTTP 404"),
        (answer(413), Outcome.REFUSED, "HTTP 413"),
        (answer(429, Retry_After="7"), Outcome.UNREACHED, "HTTP 429"),
        (answer(503, Retry_After="99999"), Outcome.UNREACHED, "HTTP 503"),
        (answer(500), Outcome.UNKNOWN, "HTTP 500"),
        (answer(502), Outcome.UNKNOWN, "HTTP 502"),
        (hanging_up, Outcome.UNKNOWN, "没有答复"),
    ],
)
def test_what_a_program_answers_is_understood(act: Answering, outcome: Outcome, reason: str) -> None:
    with receiving(act) as receiver:
        sent = told(receiver)
    assert sent.outcome is outcome
    assert reason in sent.reason
    assert len(receiver.received) == 1  # no redirect is followed, nothing is repeated here


def test_a_receiver_that_asks_for_a_rest_gets_it_up_to_an_hour() -> None:
    with receiving(answer(429, Retry_After="7")) as receiver:
        assert told(receiver).rest == 7
    with receiving(answer(503, Retry_After="99999")) as receiver:
        assert told(receiver).rest == 3600
    with receiving(answer(503, Retry_After="Wed, 21 Oct 2026 07:28:00 GMT")) as receiver:
        assert told(receiver).rest == 0


def test_nobody_listening_is_not_reached() -> None:
    with receiving() as receiver:
        pass
    assert told(receiver) == Sent(Outcome.UNREACHED, "无法建立连接")


@pytest.mark.parametrize("act", [silent(3), dripping])
@pytest.mark.parametrize("kind", ["webhook", "wecom"])
def test_a_receiver_that_takes_its_time_is_left_after_ours(act: Answering, kind: str) -> None:
    with receiving(act) as receiver:
        begun = time.monotonic()
        sent = told(receiver, kind=kind, seconds=0.6)
    assert time.monotonic() - begun < 2
    assert sent == Sent(Outcome.UNKNOWN, "消息已交出，对方没有答复")


@pytest.mark.parametrize(("kind", "outcome"), [("webhook", Outcome.DELIVERED), ("wecom", Outcome.UNKNOWN)])
def test_of_a_huge_answer_only_the_beginning_is_read(kind: str, outcome: Outcome) -> None:
    with receiving(huge) as receiver:
        begun = time.monotonic()
        sent = told(receiver, kind=kind)
    assert sent.outcome is outcome
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize("kind", ["wecom", "dingtalk", "feishu"])
@pytest.mark.parametrize(
    ("act", "outcome"),
    [
        (robot_code(0), Outcome.DELIVERED),
        (robot_code(310000), Outcome.UNREACHED),
        (robot_code(9499), Outcome.REFUSED),
        (answer(200, b"<html>"), Outcome.UNKNOWN),
        (answer(200, b"[]"), Outcome.UNKNOWN),
        (answer(200, b"[" * 60_000), Outcome.UNKNOWN),
        (answer(200, b'{"errcode": true, "code": "0"}'), Outcome.UNKNOWN),
        (answer(400, b'{"code": 11232, "errcode": 45009}'), Outcome.UNREACHED),
        (answer(503), Outcome.UNREACHED),
        (answer(500), Outcome.UNKNOWN),
        (answer(302, Location="/login"), Outcome.UNREACHED),
        (hanging_up, Outcome.UNKNOWN),
    ],
)
def test_what_a_robot_answers_is_understood(kind: str, act: Answering, outcome: Outcome) -> None:
    with receiving(act) as receiver:
        assert told(receiver, kind=kind).outcome is outcome


def test_a_robot_that_is_called_too_often_names_its_rest() -> None:
    for code, rest in ((45009, 60), (130101, 600)):
        with receiving(robot_code(code)) as receiver:
            assert told(receiver, kind="dingtalk").rest == rest


def test_an_answer_in_chunks_is_read_to_its_end() -> None:
    def chunked(line: object, _request: object) -> None:
        line.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")  # type: ignore[attr-defined]
        line.sendall(b'a\r\n{"errcode"\r\n5\r\n: 0 }\r\n0\r\n\r\n')  # type: ignore[attr-defined]
        time.sleep(3)

    with receiving(chunked) as receiver:
        begun = time.monotonic()
        assert told(receiver, kind="wecom") == Sent(Outcome.DELIVERED)
        assert time.monotonic() - begun < 2


def test_nothing_leaves_for_a_name_that_has_come_to_point_inside() -> None:
    with receiving() as receiver:
        rules = NetworkRules(hosts=frozenset({f"hook.city.gov.cn:{receiver.port}"}))
        answers = [["113.96.208.1"], ["127.0.0.1"], ["::ffff:127.0.0.1"]]

        def resolve(_host: str, _port: int) -> Sequence[str]:
            return answers.pop()

        address = WebhookAddress(url=f"https://hook.city.gov.cn:{receiver.port}/", secret=SECRET)
        for _ in range(2):
            sent = send(Guard(rules=rules, resolve=resolve, seconds=1), address, TELLING)
            assert sent == Sent(Outcome.UNREACHED, "域名解析到不允许访问的地址（内网、本机或保留地址）")
    assert receiver.received == []


def test_what_was_allowed_when_it_was_written_down_is_checked_again_at_every_message() -> None:
    with receiving() as receiver:
        guard = guard_for(receiver)
        assert told(receiver, guard=guard).outcome is Outcome.DELIVERED
        withdrawn = replace(guard, rules=NetworkRules(networks=guard.rules.networks))
        assert told(receiver, guard=withdrawn) == Sent(Outcome.UNREACHED, "主机不在允许发送的名单中")
    assert len(receiver.received) == 1


def test_a_proxy_of_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as receiver, receiving() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert told(receiver).outcome is Outcome.DELIVERED
    assert proxy.received == []
