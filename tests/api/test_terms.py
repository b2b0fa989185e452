"""Terms, supervision, admission list, channels and the difference of units over HTTP."""

from __future__ import annotations

import json
from itertools import count
from typing import Any

import pytest
from sqlalchemy import update

from tests.api.harness import EAST, NORTH, House
from tests.api.texts import numbered
from triage.samples import sample_path
from triage.store import schema
from triage.store.access import EVERYWHERE

_NUMBERS = count(500)


def posted(house: House, **more: Any) -> str:
    answer = house.caller("intake").post("/v1/appeals", numbered(next(_NUMBERS), district=EAST, **more))
    assert answer.status_code == 201
    found: str = answer.json()["id"]
    return found


def test_an_appeal_shows_its_terms(house: House) -> None:
    appeal = posted(house)

    answer = house.caller("dispatcher", [EAST]).get(f"/v1/appeals/{appeal}/terms")
    assert answer.status_code == 200
    items = answer.json()["items"]
    assert [(item["step"], item["name"], item["state"], item["overdue"]) for item in items] == [
        ("accept", "受理", "open", False),
        ("finish", "办结", "open", False),
    ]
    assert items[1]["due_at"] > items[0]["due_at"]


def test_a_contact_is_begun_and_met(house: House) -> None:
    path, caller = f"/v1/appeals/{posted(house)}/terms", house.caller("dispatcher", [EAST])

    begun = caller.post(path, {"step": "contact", "action": "begin", "unit": "城管局"})
    assert begun.status_code == 200
    met = caller.post(path, {"step": "contact", "action": "meet"}).json()["items"]
    assert {item["step"]: item["state"] for item in met} == {"accept": "open", "finish": "open", "contact": "met"}
    assert caller.post(path, {"step": "contact", "action": "meet"}).status_code == 409
    assert caller.post(path, {"step": "finish", "action": "meet"}).status_code == 422
    assert caller.post(path, {"step": "finish", "action": "suspend"}).status_code == 200
    assert caller.post(path, {"step": "finish", "action": "resume"}).status_code == 200
    assert house.caller("analyst").post(path, {"step": "contact", "action": "begin"}).status_code == 403


def test_open_terms_are_listed_page_by_page_and_by_district(house: House) -> None:
    posted(house)
    caller = house.caller("officer", [EAST])
    seen: list[int] = []
    cursor = ""
    while True:
        page = caller.get("/v1/terms", params={"limit": 3, "cursor": cursor}).json()
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
        if not cursor:
            break
    everything = caller.get("/v1/terms", params={"limit": 200}).json()["items"]
    assert seen == [item["id"] for item in everything]
    assert {item["district"] for item in everything} == {EAST}
    assert house.caller("officer", [NORTH]).get("/v1/terms").json()["items"] == []
    assert caller.get("/v1/terms", params={"step": "finish"}).json()["items"][0]["name"] == "办结"


@pytest.mark.parametrize("params", [{"cursor": "x_y"}, {"cursor": "9" * 60}, {"step": "nothing"}, {"limit": 0}])
def test_a_list_that_cannot_be_asked_for_is_refused(house: House, params: dict[str, Any]) -> None:
    assert house.caller("officer").get("/v1/terms", params=params).status_code == 422


def test_what_is_overdue_is_to_be_supervised(house: House) -> None:
    appeal = posted(house)
    with house.service.desk.database.transaction(EVERYWHERE) as connection:
        late = update(schema.terms).where(schema.terms.c.appeal_id == appeal, schema.terms.c.step == "accept")
        connection.execute(late.values(due_at=schema.terms.c.started_at))

    items = house.caller("officer", [EAST]).get("/v1/supervision").json()["items"]
    (found,) = [item for item in items if item["appeal_id"] == appeal]
    assert found["reasons"] == ["受理超期不足1小时"]
    overdue = house.caller("officer", [EAST]).get("/v1/terms", params={"overdue": True}).json()["items"]
    assert [item["step"] for item in overdue if item["appeal_id"] == appeal] == ["accept"]
    assert house.caller("officer", [NORTH]).get("/v1/supervision").json()["items"] == []


def test_channels_show_their_numbers_and_columns(house: House) -> None:
    answer = house.caller("intake").get("/v1/channels").json()
    assert "信访" in [channel["name"] for channel in answer["items"]]
    assert answer["closed"] is False


def test_the_admission_list_is_shown_and_replaced(house: House) -> None:
    admin = house.caller("admin")
    assert admin.get("/v1/admission").json()["imported"] is False
    body = json.dumps({"items": [{"item": "占道", "lowest": "网格", "words": ["占道经营"], "not": ["打人"]}]})
    sent: dict[str, Any] = {"content": body.encode(), "headers": {"Content-Type": "application/json"}}
    assert admin.post("/v1/admission/import", **sent).json() == {
        "added": 1,
        "changed": 0,
        "withdrawn": 0,
        "unchanged": 0,
    }
    assert admin.get("/v1/admission").json() == {
        "items": [{"name": "占道", "lowest": "网格", "words": ["占道经营"], "barred": ["打人"]}],
        "imported": True,
    }
    assert house.caller("officer").post("/v1/admission/import", **sent).status_code == 403
    assert house.caller("admin", [EAST]).post("/v1/admission/import", **sent).status_code == 403
    broken: dict[str, Any] = {"content": b'{"items": [{}]}', "headers": {"Content-Type": "application/json"}}
    answer = admin.post("/v1/admission/import", **broken)
    assert answer.status_code == 422
    assert "第1项不完整" in answer.json()["detail"]


def test_a_list_of_units_is_compared_and_then_imported_as_it_was_seen(house: House) -> None:
    admin = house.caller("admin")
    listed = sample_path("units.csv").read_text(encoding="utf-8-sig")
    lines = listed.splitlines()
    changed = "\n".join([*lines[:-1], "临澜区无人机管理中心,区县"]).encode()
    headers = {"Content-Type": "text/csv"}

    found = admin.post("/v1/units/diff", content=changed, headers=headers)
    assert found.status_code == 200
    answer = found.json()
    assert [unit["name"] for unit in answer["added"]] == ["临澜区无人机管理中心"]
    assert [unit["name"] for unit in answer["withdrawn"]] == [lines[-1].split(",")[0]]
    assert admin.get("/v1/units").json()["items"][-1]["name"] == lines[-1].split(",")[0]
    other = admin.post("/v1/units/import", content=listed.encode(), headers=headers, params={"seen": answer["seen"]})
    assert other.status_code == 409
    done = admin.post("/v1/units/import", content=changed, headers=headers, params={"seen": answer["seen"]})
    assert (done.json()["added"], done.json()["withdrawn"]) == (1, 1)
    assert house.caller("admin", [EAST]).post("/v1/units/diff", content=changed, headers=headers).status_code == 403
