"""The history of warning levels over HTTP."""

from __future__ import annotations

from typing import Any

import pytest

from tests.api.harness import CITY, EAST, NORTH, House

FIRE = "云溪花园三号楼正在着火，火势很大，楼上有人被困出不来，请马上派人来救！"


@pytest.fixture(scope="module")
def posted(house: House) -> dict[str, Any]:
    city = house.caller("admin", [CITY])
    first: dict[str, Any] = city.post("/v1/appeals", {"content": FIRE, "user": "甲", "district": NORTH}).json()
    second = city.post("/v1/appeals", {"content": FIRE, "user": "甲", "district": NORTH}).json()
    assert second["event_id"] == first["event_id"]
    return first


def test_who_may_read_alerts_reads_why_a_level_rose(house: House, posted: dict[str, Any]) -> None:
    page = house.caller("analyst", [NORTH]).get("/v1/escalations", params={"event": posted["event_id"]}).json()
    repeat, risk = page["items"]
    assert (risk["ground"], risk["level_from"], risk["level_to"]) == ("risk", 0, 4)
    assert (risk["appeal_id"], risk["district"]) == (posted["id"], NORTH)
    assert risk["reason"].startswith("风险等级4级（红）")
    assert (repeat["ground"], repeat["reason"]) == ("repeat", "同一诉求人第2次反映")
    assert page["next"] is None


def test_filters_and_pages(house: House, posted: dict[str, Any]) -> None:
    caller = house.caller("admin", [CITY])
    only = caller.get("/v1/escalations", params={"event": posted["event_id"], "ground": "repeat", "level": 4}).json()
    assert [one["ground"] for one in only["items"]] == ["repeat"]
    first = caller.get("/v1/escalations", params={"limit": 1}).json()
    second = caller.get("/v1/escalations", params={"limit": 1, "cursor": first["next"]}).json()
    assert first["items"][0]["id"] > second["items"][0]["id"]
    late = caller.get("/v1/escalations", params={"since": "2099-01-01T00:00:00+08:00"}).json()
    assert late == {"items": [], "next": None}


def test_another_district_sees_nothing(house: House, posted: dict[str, Any]) -> None:
    page = house.caller("admin", [EAST]).get("/v1/escalations", params={"event": posted["event_id"]}).json()
    assert page == {"items": [], "next": None}


@pytest.mark.parametrize("query", ["ground=x", "level=9", "cursor=0", "limit=0", "event=1", "since=2026"])
def test_what_cannot_be_asked_is_refused(house: House, query: str) -> None:
    answer = house.caller().get(f"/v1/escalations?{query}")
    assert answer.status_code == 422
