"""Receivers over HTTP and on the command line: secrets go in and never come out."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any

import pytest

from api.worker import Worker
from benchmarks.receiver import Receiver, answer, receiving
from tests.api.harness import EAST, House
from tests.api.texts import numbered
from tests.store.services import wait_until
from triage.notify import NetworkRules

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ROBOT = "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=geheim-0000"


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    with receiving() as found:
        yield found


@pytest.fixture(scope="module")
def house_settings(receiver: Receiver) -> dict[str, Any]:
    hosts = frozenset({f"127.0.0.1:{receiver.port}"})
    return {"notify": NetworkRules(hosts=hosts, networks=(ipaddress.ip_network("127.0.0.0/8"),))}


def added(house: House, receiver: Receiver, name: str, **more: Any) -> Any:
    body = {"name": name, "kind": "webhook", "address": {"url": receiver.url}, **more}
    answered = house.caller().post("/v1/targets", body)
    assert answered.status_code == 201, answered.text
    return answered.json()


def test_a_receiver_is_added_listed_changed_tried_and_removed(house: House, receiver: Receiver) -> None:
    admin = house.caller()
    made = added(house, receiver, "协同平台", topics=["alert.*"])
    assert made["secret"].startswith("whsec_")
    (listed,) = admin.get("/v1/targets").json()["items"]
    assert listed["host"] == f"127.0.0.1:{receiver.port}"
    assert "secret" not in listed
    assert receiver.url not in admin.get("/v1/targets").text
    assert admin.post(f"/v1/targets/{made['id']}/test").json() == {"outcome": "delivered", "reason": ""}
    assert receiver.received[-1].json()["type"] == "system.test"
    changed = admin.put(f"/v1/targets/{made['id']}/address", {"url": receiver.url, "secret": SECRET})
    assert changed.json()["secret"] == SECRET
    assert admin.delete(f"/v1/targets/{made['id']}").json() == {"waiting": 0}
    assert admin.get("/v1/targets").json() == {"items": []}
    assert admin.post(f"/v1/targets/{made['id']}/test").status_code == 404


def test_no_answer_and_no_audit_repeats_an_address_or_a_secret(house: House) -> None:
    admin = house.caller()
    body = {"name": "值班群", "kind": "wecom", "address": {"url": ROBOT}}
    made = admin.post("/v1/targets", body)
    said = made.text + admin.get("/v1/targets").text + admin.get("/v1/audit").text
    assert made.json()["secret"] == ""
    assert "geheim-0000" not in said
    assert "qyapi.weixin.qq.com" in said
    assert admin.delete(f"/v1/targets/{made.json()['id']}").status_code == 200


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"address": {"url": "https://169.254.169.254/latest/"}}, "不在允许发送的名单中"),
        ({"address": {"url": "https://evil.cn/geheim"}}, "TRIAGE_NOTIFY_HOSTS"),
        ({"kind": "email", "address": {"server": "mail.evil.cn"}}, "TRIAGE_NOTIFY_HOSTS"),
        ({"topics": ["不是主题"]}, "body.topics.0"),
        ({"name": "\n"}, "body.name"),
        ({"kind": "pigeon"}, "body.kind"),
    ],
)
def test_a_receiver_that_cannot_be_used_is_refused_with_the_remedy(
    house: House, changed: dict[str, Any], problem: str
) -> None:
    body = {"name": "甲", "kind": "webhook", "address": {"url": "https://evil.cn/"}, **changed}
    refused = house.caller().post("/v1/targets", body)
    assert refused.status_code == 422
    assert problem in refused.text
    assert "geheim" not in refused.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/targets"),
        ("POST", "/v1/targets"),
        ("DELETE", "/v1/targets/0b9bb2c4-8a4f-4b43-9d3f-3b8a4a0f2c11"),
        ("POST", "/v1/targets/0b9bb2c4-8a4f-4b43-9d3f-3b8a4a0f2c11/test"),
        ("GET", "/v1/deliveries"),
        ("POST", "/v1/deliveries/0b9bb2c4-8a4f-4b43-9d3f-3b8a4a0f2c11/retry"),
    ],
)
def test_only_administrators_of_the_whole_city_see_receivers(house: House, method: str, path: str) -> None:
    body = (
        {"name": "甲", "kind": "wecom", "address": {"url": ROBOT}}
        if (method, path[-7:]) == ("POST", "targets")
        else None
    )
    for caller in (house.caller("officer"), house.caller("admin", [EAST])):
        refused = house.client.request(method, path, headers=caller.headers, json=body)
        assert refused.status_code == 403, refused.text


def test_an_alert_travels_from_the_post_to_the_receiver_and_failures_are_seen_retried_and_closed(
    house: House, receiver: Receiver
) -> None:
    admin = house.caller()
    made = added(house, receiver, "预警平台", topics=["alert.raised"])
    receiver.received.clear()
    receiver.act = answer(400)
    service = house.service
    url = service.settings.store.url
    assert url is not None
    worker = Worker(service.desk, url, room=service.mailroom, alone=True)
    worker.start()
    try:
        text = "楼里起火，有人被困，火势很大，快来救人！"
        posted = admin.post("/v1/appeals", numbered(901, content=text, title="")).json()
        assert posted["decision"]["risk"]["level"] >= 3
        assert wait_until(lambda: len(receiver.received) >= 1)
        waiting = {"state": "pending", "target": made["id"]}
        assert wait_until(lambda: bool(admin.get("/v1/deliveries", params=waiting).json()["items"]))
        with service.desk.database.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE deliveries SET state = 'dead' WHERE state = 'pending'")
        (dead,) = admin.get("/v1/deliveries").json()["items"]
        assert (dead["target"], dead["topic"], dead["last_error"]) == (
            "预警平台",
            "alert.raised",
            "对方拒收此消息（HTTP 400）",
        )
        assert "triage_deliveries_dead 1.0" in house.client.get("/metrics").text
        receiver.act = answer(200)
        assert admin.post(f"/v1/deliveries/{dead['id']}/retry").json()["state"] == "pending"
        assert wait_until(lambda: bool(admin.get("/v1/deliveries", params={"state": "sent"}).json()["items"]))
        assert admin.post(f"/v1/deliveries/{dead['id']}/close").status_code == 409
    finally:
        worker.stop()
    assert admin.get("/v1/deliveries").json() == {"items": [], "next": None}
    first, last = receiver.received[0], receiver.received[-1]
    assert first.headers["webhook-id"] == last.headers["webhook-id"] == dead["id"]
    assert last.json()["data"]["event_id"] == posted["event_id"]
    assert text not in last.body.decode()
