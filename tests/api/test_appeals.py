"""Posting and reading appeals."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.api.harness import EAST, NORTH, House
from tests.api.texts import GARBAGE, IDENTITY, PHONE, WAGES, numbered


def test_a_posted_appeal_is_answered_with_its_decision_and_can_be_read_again(house: House) -> None:
    answer = house.caller("intake").post("/v1/appeals", GARBAGE)
    assert answer.status_code == 201
    body = answer.json()
    assert body["decision"]["unit"]["candidates"][0]["name"] == "临澜区城市管理局"
    read = house.caller("analyst").get(f"/v1/appeals/{body['id']}")
    assert read.status_code == 200
    assert read.json()["district"] == EAST
    assert read.json()["event_id"] == body["event_id"]
    assert read.json()["decision"] == body["decision"]


def test_a_repeated_post_gets_the_same_bytes_and_records_nothing(house: House) -> None:
    intake, key = house.caller("intake"), {"Idempotency-Key": str(uuid4())}
    posted = numbered(1)
    first = intake.post("/v1/appeals", posted, headers=key)
    second = intake.post("/v1/appeals", posted, headers=key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    found = intake.get("/v1/appeals", params={"q": "第1处"}).json()["items"]
    assert [item["id"] for item in found] == [first.json()["id"]]


def test_the_same_key_with_another_body_is_a_conflict(house: House) -> None:
    intake, key = house.caller("intake"), {"Idempotency-Key": str(uuid4())}
    assert intake.post("/v1/appeals", numbered(2), headers=key).status_code == 201
    answer = intake.post("/v1/appeals", numbered(3), headers=key)
    assert answer.status_code == 409
    assert "幂等键" in answer.json()["detail"]


def test_a_second_appeal_of_the_same_reference_names_the_first(house: House) -> None:
    intake = house.caller("intake")
    first = intake.post("/v1/appeals", numbered(4, reference="LJ-4"))
    second = intake.post("/v1/appeals", numbered(5, reference="LJ-4"))
    assert second.status_code == 409
    assert second.json()["existing"] == first.json()["id"]


def test_texts_are_read_masked_and_unmasked_only_with_a_reason(house: House) -> None:
    posted = house.caller("intake").post("/v1/appeals", WAGES)
    path = f"/v1/appeals/{posted.json()['id']}"
    shown = house.caller("dispatcher").get(path).text
    assert PHONE not in shown
    assert IDENTITY not in shown
    assert PHONE not in posted.text
    original = house.caller("dispatcher").post(f"{path}/unmask", {"reason": "需回拨核实险情"})
    assert original.status_code == 200
    assert PHONE in original.json()["content"]
    assert house.caller("dispatcher").post(f"{path}/unmask", {"reason": "看"}).status_code == 422
    assert house.caller("analyst").post(f"{path}/unmask", {"reason": "需回拨核实险情"}).status_code == 403


def test_pages_follow_each_other_without_gap_or_repetition(house: House) -> None:
    intake = house.caller("intake")
    posted = {intake.post("/v1/appeals", numbered(number, channel="翻页")).json()["id"] for number in range(10, 17)}
    seen: list[str] = []
    cursor: str | None = ""
    while cursor is not None:
        page = intake.get("/v1/appeals", params={"channel": "翻页", "limit": 3, "cursor": cursor}).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
    assert len(seen) == 7
    assert set(seen) == posted


def test_a_foreign_cursor_is_refused_with_the_remedy(house: House) -> None:
    answer = house.caller("intake").get("/v1/appeals", params={"cursor": "bm9wZQ=="})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "query.cursor"


def test_two_posts_of_one_matter_become_one_event_and_are_similar(house: House) -> None:
    intake = house.caller("intake")
    one = intake.post("/v1/appeals", {**GARBAGE, "channel": "微信"}).json()
    two = intake.post("/v1/appeals", {**GARBAGE, "channel": "微博"}).json()
    assert one["event_id"] == two["event_id"]
    similar = intake.get(f"/v1/appeals/{two['id']}/similar").json()["items"]
    assert one["id"] in [item["appeal"]["id"] for item in similar]


def test_history_tells_what_was_done(house: House) -> None:
    posted = house.caller("intake").post("/v1/appeals", numbered(20)).json()
    steps = house.caller("officer").get(f"/v1/appeals/{posted['id']}/history").json()["items"]
    assert steps[0]["action"] == "received"


@pytest.mark.parametrize("part", ["", "/similar", "/history"])
def test_an_unknown_appeal_is_not_found(house: House, part: str) -> None:
    answer = house.caller().get(f"/v1/appeals/{uuid4()}{part}")
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"


def test_an_intake_of_one_district_posts_into_it_and_cannot_into_another(house: House) -> None:
    intake = house.caller("intake", [NORTH])
    posted = intake.post("/v1/appeals", numbered(21))
    assert intake.get(f"/v1/appeals/{posted.json()['id']}").json()["district"] == NORTH
    refused = intake.post("/v1/appeals", numbered(22, district=EAST))
    assert refused.status_code == 403
