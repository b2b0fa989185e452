"""Learning over HTTP: the queue of what to decide next, the drift report, and a warning that was none."""

from __future__ import annotations

import pytest

from tests.api.harness import CITY, EAST, House
from tests.api.texts import GARBAGE, WAGES, numbered


@pytest.fixture(scope="module")
def filed(house: House) -> list[str]:
    caller = house.caller("intake", [CITY])
    bodies = [GARBAGE, WAGES, *(numbered(number, district=EAST) for number in range(3))]
    return [caller.post("/v1/appeals", body).json()["id"] for body in bodies]


def test_the_queue_names_what_waits_with_the_reasons(house: House, filed: list[str]) -> None:
    answer = house.caller("dispatcher").get("/v1/review-queue", params={"limit": 3})
    assert answer.status_code == 200
    items = answer.json()["items"]
    assert len(items) == 3
    assert {item["appeal"]["id"] for item in items} <= set(filed)
    assert [item["value"] for item in items] == sorted((item["value"] for item in items), reverse=True)
    assert all(item["reasons"] for item in items)


def test_the_queue_is_for_those_who_decide(house: House, filed: list[str]) -> None:
    assert filed
    assert house.caller("analyst").get("/v1/review-queue").status_code == 403
    assert house.caller("dispatcher").get("/v1/review-queue", params={"limit": 0}).status_code == 422


def test_the_drift_report_counts_what_people_decided(house: House, filed: list[str]) -> None:
    assert house.caller("dispatcher").post(f"/v1/appeals/{filed[0]}/confirm", {}).status_code == 200
    answer = house.caller("analyst").get("/v1/reports/drift", params={"days": 7, "before": 28})
    assert answer.status_code == 200
    report = answer.json()
    assert report["now"]["n"] == 1
    assert report["now"]["share"] == 1.0
    assert report["units"][0]["verdict"] == "unknown"
    assert report["learned_until"] is None
    assert house.caller("dispatcher", [EAST]).get("/v1/reports/drift").status_code == 403


def test_a_false_alarm_is_said_when_the_warning_is_acknowledged(house: House, filed: list[str]) -> None:
    assert filed
    officer = house.caller("officer")
    alert = officer.get("/v1/alerts").json()["items"][0]
    path = f"/v1/alerts/{alert['id']}/acknowledge"
    assert officer.post(path, {"judged_level": 5}).status_code == 422
    done = officer.post(path, {"judged_level": 0})
    assert done.status_code == 200
    assert (done.json()["judged_level"], done.json()["level"]) == (0, alert["level"])
    assert officer.get("/v1/reports/drift").json()["warnings"] == {
        "n": 1,
        "right": 0,
        "share": 0.0,
        "low": 0.0,
        "high": 0.975,
    }
