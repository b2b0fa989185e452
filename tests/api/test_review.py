"""What people decide about appeals, events and alerts, over HTTP."""

from __future__ import annotations

from tests.api.harness import House
from tests.api.texts import GARBAGE, WAGES, numbered

UNIT, OTHER = "临澜区城市管理局", "澜江市水务集团有限公司"


def test_confirm_return_and_reassign_go_the_way_of_a_case(house: House) -> None:
    officer = house.caller("dispatcher")
    path = "/v1/appeals/" + officer.post("/v1/appeals", numbered(1)).json()["id"]
    confirmed = officer.post(f"{path}/confirm", {"seen": 1})
    assert confirmed.status_code == 200, confirmed.text
    assert confirmed.json()["case_state"] == "assigned"
    unit = confirmed.json()["unit"]
    returned = officer.post(f"{path}/return", {"reason": "不属于我局职责", "proposed_unit": OTHER})
    assert returned.status_code == 200, returned.text
    assert returned.json()["returned"] == [unit]
    assert returned.json()["candidates"][0]["name"] == OTHER
    assert unit not in [candidate["name"] for candidate in returned.json()["candidates"]]
    assert officer.post(f"{path}/reassign", {"unit": unit, "reason": "再派一次"}).status_code == 409
    again = officer.post(f"{path}/reassign", {"unit": unit, "reason": "职责已明确", "override": True})
    assert again.json()["unit"] == unit
    assert officer.post(f"{path}/accept").status_code == 200
    assert officer.post(f"{path}/close").json()["case_state"] == "closed"
    actions = [step["action"] for step in officer.get(f"{path}/history").json()["items"]]
    assert actions[0] == "received"
    assert {"appeal.confirmed", "appeal.returned", "appeal.reassigned", "appeal.closed"} <= set(actions)


def test_a_stale_view_and_a_second_confirmation_are_conflicts(house: House) -> None:
    officer = house.caller("dispatcher")
    path = "/v1/appeals/" + officer.post("/v1/appeals", numbered(2)).json()["id"]
    assert officer.post(f"{path}/confirm", {"seen": 7}).status_code == 409
    assert officer.post(f"{path}/confirm", {}).status_code == 200
    assert officer.post(f"{path}/confirm", {}).status_code == 409


def test_an_unknown_unit_is_refused_with_the_nearest_names(house: House) -> None:
    officer = house.caller("dispatcher")
    path = "/v1/appeals/" + officer.post("/v1/appeals", numbered(3)).json()["id"]
    answer = officer.post(f"{path}/confirm", {"unit": "临澜区城管"})
    assert answer.status_code in (200, 422)
    answer = officer.post(f"{path}/reassign", {"unit": "月球管理局", "reason": "试一试"})
    assert answer.status_code == 422


def test_analysts_and_intake_may_not_review(house: House) -> None:
    posted = house.caller("intake").post("/v1/appeals", numbered(4)).json()
    for role in ("intake", "analyst"):
        assert house.caller(role).post(f"/v1/appeals/{posted['id']}/confirm", {}).status_code == 403


def test_events_are_merged_split_and_closed(house: House) -> None:
    officer = house.caller("officer")
    one = officer.post("/v1/appeals", {**GARBAGE, "channel": "甲"}).json()
    two = officer.post("/v1/appeals", {"content": "望江小学门口早高峰家长乱停车，堵住消防通道。"}).json()
    merged = officer.post(f"/v1/events/{one['event_id']}/merge", {"others": [two["event_id"]], "reason": "同一路段"})
    assert merged.status_code == 200, merged.text
    assert merged.json()["size"] == 2
    listed = officer.get("/v1/events", params={"size": 2}).json()["items"]
    assert one["event_id"] in [event["id"] for event in listed]
    parted = officer.post(f"/v1/events/{one['event_id']}/split", {"appeals": [two["id"]]})
    assert parted.json()["size"] == 1
    assert officer.post(f"/v1/events/{one['event_id']}/close").status_code == 409
    assert officer.post(f"/v1/appeals/{one['id']}/confirm", {}).status_code == 200
    assert officer.post(f"/v1/events/{one['event_id']}/close").json()["state"] == "closed"
    assert officer.get("/v1/events", params={"state": "closed"}).json()["items"][0]["id"] == one["event_id"]


def test_event_pages_follow_each_other(house: House) -> None:
    officer = house.caller("officer")
    for number in range(30, 35):
        officer.post("/v1/appeals", numbered(number, content=f"{chr(0x5000 + number * 91) * 9}第{number}件事情"))
    whole = [event["id"] for event in officer.get("/v1/events", params={"limit": 200}).json()["items"]]
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        page = officer.get("/v1/events", params=params).json()
        seen += [event["id"] for event in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert seen == whole


def test_a_red_appeal_raises_an_alert_that_is_acknowledged_once(house: House) -> None:
    officer = house.caller("officer")
    posted = officer.post("/v1/appeals", WAGES).json()
    alerts = officer.get("/v1/alerts", params={"state": "open"}).json()["items"]
    mine = next(alert for alert in alerts if alert["appeal_id"] == posted["id"])
    assert mine["level"] >= 3
    done = officer.post(f"/v1/alerts/{mine['id']}/acknowledge")
    assert done.json()["state"] == "acknowledged"
    assert officer.post(f"/v1/alerts/{mine['id']}/acknowledge").status_code == 409


def test_typing_suggests_units_and_duplicates_and_stores_nothing(house: House) -> None:
    intake = house.caller("intake")
    kept = intake.post("/v1/appeals", {**GARBAGE, "channel": "录入"}).json()
    before = intake.get("/v1/appeals").json()["items"][0]["id"]
    hint = intake.post("/v1/triage", GARBAGE).json()
    assert hint["decision"]["unit"]["candidates"][0]["name"] == UNIT
    assert kept["id"] in [one["appeal"]["id"] for one in hint["similar"]]
    assert intake.get("/v1/appeals").json()["items"][0]["id"] == before
    assert intake.post("/v1/triage", {"content": ""}).status_code == 200


def test_search_finds_words_and_what_reads_alike(house: House) -> None:
    intake = house.caller("intake")
    kept = intake.post("/v1/appeals", {**GARBAGE, "channel": "查找"}).json()
    words = intake.get("/v1/search", params={"q": "苍蝇乱飞 桃溪街道"}).json()["items"]
    assert kept["id"] in [one["appeal"]["id"] for one in words if one["words"]]
    alike = intake.get("/v1/search", params={"q": "桃溪街道杏花社区路口垃圾三天没人清运臭气熏天"}).json()["items"]
    assert kept["id"] in [one["appeal"]["id"] for one in alike]
