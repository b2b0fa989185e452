"""The queue's routes: what a dispatcher's steps answer, who may take them, and what a district sees."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID, uuid4

import pytest

from api.console.pinyin import syllables
from tests.api.console import Visitor, signed_in
from tests.api.harness import EAST, GENEROUS, NORTH, House
from tests.api.texts import LAMPS, WAGES, numbered
from triage.casework.dispatch_policy import OFF
from triage.store import appeals
from triage.store.access import EVERYWHERE
from triage.store.appeals import AppealView


@pytest.fixture(scope="module")
def house_settings() -> dict[str, Any]:
    return {"limits": GENEROUS, "demo": True, "auto_dispatch": OFF}


@pytest.fixture(scope="module")
def dispatcher(house: House) -> Visitor:
    return signed_in(house, role="dispatcher")


def post(house: House, body: dict[str, Any]) -> str:
    answer = house.caller("intake").post("/v1/appeals", body)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def stored(house: House, id_: str) -> AppealView:
    with house.service.desk.database.transaction(EVERYWHERE) as connection:
        return appeals.get(connection, UUID(id_))


def test_confirming_tells_what_was_done_and_offers_to_take_it_back(house: House, dispatcher: Visitor) -> None:
    id_ = post(house, numbered(101))
    answer = dispatcher.post(f"/console/queue/{id_}/confirm", {"seen": "1"}, partial=True)
    assert answer.status_code == 204
    told = json.loads(answer.headers["HX-Trigger"])
    unit = stored(house, id_).unit
    assert unit
    assert told["notice"] == {"text": f"已派往{unit}", "undo": f"/console/queue/{id_}/undo"}
    assert dispatcher.post(f"/console/queue/{id_}/undo", partial=True).status_code == 204
    assert stored(house, id_).unit == ""


def test_a_proposal_that_has_changed_since_is_not_confirmed(house: House, dispatcher: Visitor) -> None:
    id_ = post(house, numbered(102))
    answer = dispatcher.post(f"/console/queue/{id_}/confirm", {"seen": "9"}, partial=True)
    assert answer.status_code == 409
    assert "请刷新后再操作" in answer.json()["detail"]


def test_a_unit_that_does_not_exist_is_refused_with_the_nearest(house: House, dispatcher: Visitor) -> None:
    id_ = post(house, numbered(103))
    answer = dispatcher.post(f"/console/queue/{id_}/confirm", {"unit": "澜江市城管", "seen": "1"}, partial=True)
    assert answer.status_code == 422
    assert "相近的有" in answer.json()["detail"]


def test_a_return_needs_a_reason_and_comes_back_to_another_tray(house: House, dispatcher: Visitor) -> None:
    id_ = post(house, numbered(104))
    dispatcher.post(f"/console/queue/{id_}/confirm", {"seen": "1"}, partial=True)
    assert dispatcher.post(f"/console/queue/{id_}/return", {"reason": ""}, partial=True).status_code == 422
    assert (
        dispatcher.post(f"/console/queue/{id_}/return", {"reason": "不属本单位职责"}, partial=True).status_code == 204
    )
    assert id_ in dispatcher.get("/console/queue?tray=returned").text
    assert id_ not in dispatcher.get("/console/queue").text


def test_what_belongs_elsewhere_is_passed_on(house: House, dispatcher: Visitor) -> None:
    id_ = post(house, numbered(105))
    assert dispatcher.post(f"/console/queue/{id_}/pass-on", {"channel": "诉讼"}, partial=True).status_code == 204
    assert stored(house, id_).case_state == "closed"


def test_two_events_become_one(house: House) -> None:
    officer = signed_in(house, role="officer")
    first, second = post(house, numbered(106)), post(house, LAMPS)
    into = str(stored(house, first).event_id)
    assert officer.post(f"/console/queue/{second}/merge", {"into": into}, partial=True).status_code == 204
    assert str(stored(house, second).event_id) == into
    again = officer.post(f"/console/queue/{second}/merge", {"into": into}, partial=True)
    assert (again.status_code, "无需并单" in again.json()["detail"]) == (422, True)


def test_the_rows_are_sent_again_only_when_something_has_changed(house: House, dispatcher: Visitor) -> None:
    page = dispatcher.get("/console/queue/rows", partial=True).text
    stamp = page.split('data-stamp="')[1].split('"')[0]
    assert dispatcher.get(f"/console/queue/rows?stamp={stamp}", partial=True).status_code == 204
    fresh = post(house, numbered(107))
    answer = dispatcher.get(f"/console/queue/rows?stamp={stamp}", partial=True)
    assert (answer.status_code, fresh in answer.text) == (200, True)


def test_a_district_sees_and_changes_only_its_own(house: House) -> None:
    mine, other = post(house, numbered(108)), post(house, WAGES)
    assert (stored(house, mine).district, stored(house, other).district) == (EAST, NORTH)
    visitor = signed_in(house, role="dispatcher", districts=[EAST])
    page = visitor.get("/console/queue?order=latest").text
    assert mine in page
    assert other not in page
    assert visitor.get(f"/console/appeals/{other}").status_code == 404
    assert visitor.post(f"/console/queue/{other}/confirm", {"seen": "1"}, partial=True).status_code == 404


def test_the_unmasked_text_is_for_those_who_say_why(house: House, dispatcher: Visitor) -> None:
    body = {**WAGES, "content": WAGES["content"] + "补充说明", "title": "工地欠薪再次反映"}
    id_ = post(house, body)
    shown = dispatcher.get(f"/console/appeals/{id_}").text
    assert "13900001234" not in shown
    address = f"/console/appeals/{id_}/unmask"
    assert dispatcher.post(address, {"reason": "x"}, partial=True).status_code == 422
    assert "13900001234" in dispatcher.post(address, {"reason": "回访核对联系方式"}, partial=True).text
    assert signed_in(house, role="analyst").post(address, {"reason": "想看一看内容"}, partial=True).status_code == 403


def test_an_analyst_reads_the_queue_and_decides_nothing(house: House) -> None:
    id_ = post(house, numbered(110))
    analyst = signed_in(house, role="analyst")
    assert analyst.get("/console/queue").status_code == 200
    assert analyst.post(f"/console/queue/{id_}/confirm", {"seen": "1"}, partial=True).status_code == 403
    pane = analyst.get(f"/console/queue/{id_}/pane", partial=True).text
    assert 'data-key="Enter"' not in pane


def test_a_number_leads_straight_to_its_appeal(house: House, dispatcher: Visitor) -> None:
    reference = f"12345-20260910-{uuid4().int % 10**6:06}"
    id_ = post(house, numbered(111, reference=reference))
    for typed in (id_, reference):
        assert dispatcher.get(f"/console/search?q={typed}").headers["location"] == f"/console/appeals/{id_}"


def test_units_come_with_how_they_sound(dispatcher: Visitor) -> None:
    listed = {unit["n"]: unit for unit in dispatcher.get("/console/units.json").json()}
    assert listed["澜江市公安局"]["p"] == "lan jiang shi gong an ju"
    assert syllables("12345热线") == "12345 re xian"


@pytest.mark.parametrize(
    "query", ["tray=nonsense&order=x", "level=", "district=%00", "channel=%F0%9F%98%AD", "level=4"]
)
def test_an_address_that_somebody_changed_by_hand_still_shows_a_queue(dispatcher: Visitor, query: str) -> None:
    assert dispatcher.get(f"/console/queue?{query}").status_code == 200


def test_the_bar_counts_the_warnings_that_wait(house: House, dispatcher: Visitor) -> None:
    found = dispatcher.get("/console/alarm", partial=True).json()
    assert set(found) == {"open", "latest", "red"}
    assert found["open"] >= 1
