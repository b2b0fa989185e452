"""Automatic dispatch over HTTP: status, recall, objection to automated decision, stop and resumption, metrics, command."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest

from api.service import Service
from tests.api.harness import CITY, EAST, House
from tests.api.texts import numbered
from triage.casework.dispatching import releasing
from triage.decision import AUTO, Decision
from triage.directory import Directory
from triage.reading import Reading
from triage.service import Context

_NUMBERS = itertools.count(9_000)


class Sure:
    """The real models, but always sure of the unit they put first."""

    def __init__(self, service: Service) -> None:
        self._triage = service.desk.current().triage

    @property
    def directory(self) -> Directory | None:
        return self._triage.directory

    def read(self, appeals: Any) -> list[Reading]:
        return self._triage.read(appeals)

    def decide_readings(
        self, readings: Sequence[Reading], *, contexts: Sequence[Context] | None = None
    ) -> list[Decision]:
        found = self._triage.decide_readings(readings, contexts=contexts)
        return [replace(one, unit=replace(one.unit, decision=AUTO)) for one in found]


@pytest.fixture(scope="module")
def house_settings() -> dict[str, Any]:
    return {"auto_dispatch": "on", "auto_sample": 0.01, "recall_seconds": 600}


@pytest.fixture(autouse=True)
def sure(house: House) -> Iterator[None]:
    former = house.service.desk.current()
    house.service.desk.current.replace(replace(former, triage=Sure(house.service)))
    yield
    house.service.desk.current.replace(former)


def post_held(house: House, **more: Any) -> dict[str, Any]:
    """Post appeals until chance leaves one to the machine."""
    for _ in range(20):
        body = house.caller("intake").post("/v1/appeals", numbered(next(_NUMBERS), district=EAST, **more)).json()
        if body["decision"]["unit"]["decision"] == "auto":
            return dict(body)
    raise AssertionError("nothing was left to the machine")


def shown(house: House, appeal_id: str) -> tuple[str, str]:
    found = house.caller("officer").get(f"/v1/appeals/{appeal_id}").json()
    return found["case_state"], found["delivery_state"]


def actions(house: House, appeal_id: str) -> list[str]:
    found = house.caller("officer").get(f"/v1/appeals/{appeal_id}/history").json()
    return [step["action"] for step in found["items"]]


def test_the_status_says_what_is_set_and_what_holds(house: House) -> None:
    found = house.caller("analyst").get("/v1/dispatching")
    assert found.status_code == 200, found.text
    body = found.json()
    assert (body["configured"], body["mode"], body["fallen"]) == ("on", "on", False)
    assert (body["target"], body["floor"], body["sample"], body["recall_seconds"]) == (0.95, 0.93, 0.01, 600)
    assert [series["name"] for series in body["series"]] == ["audited", "audited_present", "settled", "recent"]
    assert all(series["holds"] for series in body["series"])
    assert house.caller("intake").get("/v1/dispatching").status_code == 403


def test_a_held_dispatch_is_recalled_within_its_window(house: House) -> None:
    held = post_held(house)["id"]
    assert shown(house, held) == ("waiting", "held")
    assert house.caller("intake").post(f"/v1/appeals/{held}/recall").status_code == 403
    answer = house.caller("dispatcher", [EAST]).post(f"/v1/appeals/{held}/recall")
    assert answer.status_code == 200, answer.text
    assert (answer.json()["stage"], answer.json()["delivery_state"]) == ("received", "proposed")
    assert actions(house, held)[-1] == "appeal.recalled"
    again = house.caller("dispatcher").post(f"/v1/appeals/{held}/recall")
    assert again.status_code == 409
    assert "已撤回" in again.json()["detail"]


def test_an_appellant_who_objects_when_posting_gets_a_person(house: House) -> None:
    body = house.caller("intake").post("/v1/appeals", numbered(next(_NUMBERS), no_automation=True)).json()
    assert body["decision"]["unit"]["decision"] == "review"
    assert "第二十四条" in body["decision"]["unit"]["reason"]
    assert house.caller("officer").get(f"/v1/appeals/{body['id']}").json()["no_automation"] is True
    assert shown(house, body["id"]) == ("waiting", "proposed")


def test_an_objection_takes_a_held_dispatch_back_and_repeats_without_effect(house: House) -> None:
    held = post_held(house)["id"]
    intake = house.caller("intake")
    assert intake.post(f"/v1/appeals/{held}/object-to-automation").json() == {"appeal_id": held, "effect": "recalled"}
    assert shown(house, held) == ("waiting", "proposed")
    assert intake.post(f"/v1/appeals/{held}/object-to-automation").json()["effect"] == "noted"
    assert actions(house, held).count("appeal.automation_refused") == 1
    assert house.caller("analyst").post(f"/v1/appeals/{held}/object-to-automation").status_code == 403


def test_an_objection_to_what_the_unit_has_waits_for_a_persons_review(house: House) -> None:
    sent = post_held(house)["id"]
    desk = house.service.desk
    releasing.watch(desk, desk.clock() + desk.dispatch.recall)
    assert shown(house, sent) == ("assigned", "dispatched")
    dispatcher = house.caller("dispatcher", [EAST])
    assert dispatcher.post(f"/v1/appeals/{sent}/object-to-automation").json()["effect"] == "review"
    assert dispatcher.get("/v1/dispatching/reviews").json() == {"items": [sent]}
    kept = dispatcher.post(f"/v1/appeals/{sent}/keep-dispatch")
    assert (kept.status_code, kept.json()["delivery_state"]) == (200, "dispatched")
    assert dispatcher.get("/v1/dispatching/reviews").json() == {"items": []}
    assert dispatcher.post(f"/v1/appeals/{sent}/keep-dispatch").status_code == 409


def test_the_metrics_count_outcomes_and_show_the_switch(house: House) -> None:
    post_held(house)
    text = house.client.get("/metrics").text
    assert 'triage_dispatches_total{outcome="held"}' in text
    assert "triage_dispatching_on 1.0" in text
    assert "triage_dispatching_fallen 0.0" in text
    assert "triage_dispatching_audited_bound" in text


def test_an_administrator_stops_and_resumes_it(house: House) -> None:
    admin = house.caller("admin", [CITY])
    waiting = post_held(house)["id"]
    stopped = admin.post("/v1/dispatching/suspend", {"reason": "系统割接"}).json()
    assert (stopped["mode"], stopped["fallen"], stopped["reason"]) == ("shadow", True, "系统割接")
    body = house.caller("intake").post("/v1/appeals", numbered(next(_NUMBERS))).json()
    assert shown(house, body["id"]) == ("waiting", "proposed")
    assert "dispatch.shadow" in actions(house, body["id"])
    desk = house.service.desk
    releasing.watch(desk, desk.clock() + desk.dispatch.recall)
    assert shown(house, waiting) == ("waiting", "proposed"), "what was held goes back to people"
    assert "triage_dispatching_fallen 1.0" in house.client.get("/metrics").text
    assert house.caller("admin", [EAST]).post("/v1/dispatching/resume", {"reason": "完成"}).status_code == 403
    assert admin.post("/v1/dispatching/resume", {"reason": "完成"}).json()["mode"] == "on"
    assert admin.post("/v1/dispatching/resume", {"reason": "完成"}).status_code == 409
    audited = [row["action"] for row in admin.get("/v1/audit").json()["items"]]
    assert {"dispatch.fallen", "dispatch.resumed"} <= set(audited)
