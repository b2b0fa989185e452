"""A case after its dispatch, over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest

from tests.api.harness import EAST, Caller, House
from tests.api.texts import numbered

UNIT, OTHER, STREET = "临澜区城市管理局", "澜江市水务集团有限公司", "桃溪街道办事处"
NORTHERN = "北屏区城市管理局"
WHY = "经核实属实情况"
_NUMBERS = count(500)


@pytest.fixture
def officer(house: House) -> Caller:
    return house.caller("officer")


def posted(caller: Caller, **more: Any) -> str:
    """Post an appeal that is like no other, and return its path."""
    answer = caller.post("/v1/appeals", numbered(next(_NUMBERS), district=EAST, **more))
    assert answer.status_code == 201, answer.text
    return f"/v1/appeals/{answer.json()['id']}"


def dispatched(caller: Caller) -> str:
    path = posted(caller)
    assert caller.post(f"{path}/confirm", {"unit": UNIT}).status_code == 200
    return path


def stage(answer: Any) -> str:
    assert answer.status_code == 200, answer.text
    return str(answer.json()["stage"])


def test_a_case_goes_the_whole_way(house: House, officer: Caller) -> None:
    path, intake = dispatched(officer), house.caller("intake")
    assert stage(officer.post(f"{path}/accept")) == "accepted"
    assert stage(officer.post(f"{path}/handle")) == "handling"
    assert intake.post(f"{path}/urge").json()["stage"] == "handling"
    assert stage(officer.post(f"{path}/finish", {"outcome": "solved"})) == "closed"
    answer = {"reached": True, "responded": True, "solved": True, "satisfaction": "fairly"}
    assert stage(intake.post(f"{path}/call-back", answer)) == "called_back"
    assert stage(intake.post(f"{path}/evaluate", {"satisfaction": "satisfied"})) == "evaluated"
    assert stage(officer.post(f"{path}/reopen", {"reason": "问题反复"})) == "dispatched"
    shown = officer.get(f"{path}/timeline").json()
    assert (shown["stage_name"], shown["first_unit"], shown["urged"], shown["reopened"]) == ("派单", UNIT, 1, 1)
    names = [entry["action_name"] for entry in shown["entries"]]
    assert names[0] == "受理登记"
    assert names[-7:] == ["签收", "开始办理", "催办", "办结", "回访", "评价", "重新办理"]
    assert {entry["actor_name"] for entry in shown["entries"]} <= {"系统", "test"}
    now = datetime.now(UTC)
    rates = officer.get(
        "/v1/reports/satisfaction",
        params={"since": (now - timedelta(days=1)).isoformat(), "until": (now + timedelta(days=1)).isoformat()},
    ).json()["items"]
    assert rates[0]["unit"] == ""
    assert UNIT in [one["unit"] for one in rates]


def test_an_objection_waits_for_a_review_and_goes_back_when_upheld(house: House, officer: Caller) -> None:
    path, dispatcher = dispatched(officer), house.caller("dispatcher")
    objected = dispatcher.post(f"{path}/object", {"reason": "属供水公司职责", "proposed_unit": OTHER})
    assert stage(objected) == "objected"
    assert officer.post(f"{path}/finish", {}).status_code == 409
    waiting = officer.get("/v1/objections").json()["items"]
    assert path.rsplit("/", 1)[1] in [one["appeal_id"] for one in waiting]
    assert dispatcher.post(f"{path}/objection", {"uphold": True, "reason": WHY}).status_code == 403
    upheld = officer.post(f"{path}/objection", {"uphold": True, "reason": WHY})
    assert stage(upheld) == "returned"
    assert upheld.json()["candidates"][0]["name"] == OTHER
    assert upheld.json()["returned"] == [UNIT]
    assert officer.post(f"{path}/objection", {"uphold": True, "reason": WHY}).status_code == 409


def test_a_rejected_objection_stays_with_the_unit(officer: Caller) -> None:
    path = dispatched(officer)
    officer.post(f"{path}/object", {"reason": WHY})
    rejected = officer.post(f"{path}/objection", {"uphold": False, "reason": WHY})
    assert (stage(rejected), rejected.json()["unit"]) == ("dispatched", UNIT)
    again = officer.post(f"{path}/return", {"reason": WHY})
    assert again.status_code == 409
    assert "异议已审查驳回" in again.json()["detail"]


def test_more_time_is_asked_for_and_granted_once(officer: Caller) -> None:
    path = dispatched(officer)
    asked = officer.post(f"{path}/extend", {"days": 5, "reason": "需多部门会商"})
    assert (asked.status_code, asked.json()["state"]) == (200, "open")
    assert asked.json()["id"] in [one["id"] for one in officer.get("/v1/extensions").json()["items"]]
    granted = officer.post(f"{path}/extension", {"approve": True, "reason": "同意延期"})
    assert granted.json()["state"] == "approved"
    assert granted.json()["due_after"] > granted.json()["due_before"]
    assert officer.get(path).json()["finish_by"] == granted.json()["due_after"]
    assert officer.post(f"{path}/extend", {"days": 1, "reason": WHY}).status_code == 409
    assert officer.post(f"{path}/extend", {"days": 61, "reason": WHY}).status_code == 422


def test_units_assist_and_a_street_calls_departments_in(officer: Caller) -> None:
    path = dispatched(officer)
    called = officer.post(f"{path}/assist", {"units": [OTHER], "reason": WHY, "kind": "people_mediation"})
    assert called.status_code == 201, called.text
    blown = officer.post(f"{path}/whistle", {"street": STREET, "departments": [OTHER], "reason": WHY})
    assert blown.status_code == 201, blown.text
    (one,) = blown.json()["items"]
    assert (one["kind"], one["caller"]) == ("whistle", STREET)
    along = f"{path}/assistance/{one['id']}"
    assert officer.post(f"{along}/report-in").json()["state"] == "reported"
    assert officer.post(f"{along}/end", {"done": True}).json()["state"] == "done"
    assert officer.post(f"{along}/end", {"done": True}).status_code == 409
    wrong = officer.post(f"{path}/whistle", {"street": UNIT, "departments": [OTHER], "reason": WHY})
    assert wrong.status_code == 422
    assert "吹哨由街道、乡镇发起" in wrong.json()["detail"]


def test_a_supervision_order_has_a_number_and_ends(officer: Caller) -> None:
    path = dispatched(officer)
    issued = officer.post(f"{path}/supervise", {"reason": "逾期未办结"})
    assert issued.status_code == 201, issued.text
    assert issued.json()["number"].startswith("督办〔")
    listed = officer.get("/v1/supervisions", params={"unit": UNIT}).json()["items"]
    assert issued.json()["id"] in [one["id"] for one in listed]
    ended = officer.post(f"{path}/supervision/{issued.json()['id']}/end")
    assert ended.json()["state"] == "ended"


def test_a_second_call_joins_the_ticket_in_either_way(house: House, officer: Caller) -> None:
    path, intake = dispatched(officer), house.caller("intake", [EAST])
    ticket = path.rsplit("/", 1)[1]
    added = intake.post(f"{path}/supplement", numbered(next(_NUMBERS)), headers={"Idempotency-Key": "again-1"})
    assert added.status_code == 201, added.text
    assert added.json()["supplements"] == ticket
    same = intake.post(f"{path}/supplement", {}, headers={"Idempotency-Key": "again-1"})
    assert same.status_code == 422
    other = intake.post(f"{path}/supplement", numbered(next(_NUMBERS), supplements="Y-1"))
    assert (other.status_code, "不一致" in other.json()["detail"]) == (422, True)
    more = intake.post("/v1/appeals", numbered(next(_NUMBERS), supplements=ticket))
    assert officer.get(f"/v1/appeals/{more.json()['id']}").json()["finish_by"] is None
    assert more.json()["supplements"] == ticket
    shown = officer.get(f"/v1/appeals/{more.json()['id']}").json()
    assert (shown["case_state"], shown["supplements"]) == ("joined", ticket)
    assert [one["id"] for one in officer.get(f"{path}/timeline").json()["supplements"]] == [
        added.json()["id"],
        more.json()["id"],
    ]


def test_a_matter_of_another_channel_is_passed_on(officer: Caller) -> None:
    path = posted(officer)
    assert officer.post(f"{path}/pass-on", {"channel": "邮局"}).status_code == 422
    assert stage(officer.post(f"{path}/pass-on", {"channel": "仲裁"})) == "closed"


def test_a_unit_of_another_district_takes_the_appeal_along(house: House, officer: Caller) -> None:
    path = dispatched(officer)
    moved = house.caller("dispatcher", [EAST]).post(f"{path}/reassign", {"unit": NORTHERN, "reason": WHY})
    assert moved.status_code == 200, moved.text
    assert moved.json()["district"] == "北屏区"
    assert house.caller("officer", [EAST]).get(path).status_code == 404
    assert house.caller("officer", ["北屏区"]).get(f"{path}/timeline").status_code == 200


def test_history_is_readable(officer: Caller) -> None:
    path = dispatched(officer)
    last = officer.get(f"{path}/history").json()["items"][-1]
    assert (last["actor_name"], last["action_name"]) == ("test", "确认")


@pytest.mark.parametrize(
    ("step", "body"),
    [
        ("accept", None),
        ("handle", None),
        ("object", {"reason": WHY}),
        ("extend", {"days": 1, "reason": WHY}),
        ("assist", {"units": [OTHER], "reason": WHY}),
        ("supervise", {"reason": WHY}),
        ("reopen", {"reason": WHY}),
    ],
)
def test_call_takers_and_analysts_do_not_do_the_units_work(house: House, officer: Caller, step: str, body: Any) -> None:
    path = dispatched(officer)
    for role in ("intake", "analyst"):
        assert house.caller(role).post(f"{path}/{step}", body).status_code == 403
