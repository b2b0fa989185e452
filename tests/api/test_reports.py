"""Reports over HTTP: asked for, made by the worker, listed, fetched in every format."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from tests.api.harness import EAST, NORTH, House
from triage.casework import reports
from triage.reports.period import CHINA

BODY = {"kind": "week", "period": "2026-W10", "office": "市热线办"}


@pytest.fixture(scope="module")
def kept(house: House) -> dict[str, Any]:
    """A report that was made, of a week with three appeals in one district."""
    city = house.caller("officer")
    for number in range(3):
        text = f"临澜区桃溪街道桃溪路第{number}号路灯不亮，晚上看不见路，" + chr(0x4E00 + number) * 9
        posted = {"content": text, "channel": "热线", "created_at": f"2026-03-0{number + 2}T09:00:00+08:00"}
        assert city.post("/v1/appeals", {**posted, "district": EAST}).status_code == 201
    asked = city.post("/v1/reports", {**BODY, "kind": "day", "period": _today(house)})
    assert asked.status_code == 202, asked.text
    assert asked.json()["state"] == "queued"
    reports.work(house.service.desk, UUID(asked.json()["id"]))
    found: dict[str, Any] = city.get(f"/v1/reports/{asked.json()['id']}").json()
    return found


def _today(house: House) -> str:
    return house.service.desk.clock().astimezone(CHINA).date().isoformat()


def test_a_report_tells_its_state_and_its_summary(kept: dict[str, Any]) -> None:
    assert kept["state"] == "done"
    assert kept["total"] == 3
    assert "3件" in kept["summary"][0]
    assert kept["office"] == "市热线办"


@pytest.mark.parametrize(
    ("kind", "start"), [("docx", b"PK"), ("xlsx", b"PK"), ("html", b"<!DOCTYPE html>"), ("json", b'{"version":1')]
)
def test_a_report_is_fetched_as_a_document(house: House, kept: dict[str, Any], kind: str, start: bytes) -> None:
    answer = house.caller("analyst").get(f"/v1/reports/{kept['id']}/file", params={"format": kind})
    assert answer.status_code == 200
    assert answer.content.startswith(start)
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert kept["code"] in answer.headers["content-disposition"]


def test_the_json_leads_from_figures_to_tickets(house: House, kept: dict[str, Any]) -> None:
    answer = house.caller("analyst").get(f"/v1/reports/{kept['id']}/file", params={"format": "json"})
    report = json.loads(answer.content)["report"]
    total = next(one for one in report["trace"]["numbers"] if one["key"] == report["overview"]["total"]["key"])
    assert total["value"] == len(total["tickets"]) == 3


def test_a_report_that_is_not_made_yet_is_a_conflict(house: House) -> None:
    asked = house.caller("analyst").post("/v1/reports", BODY).json()
    answer = house.caller("analyst").get(f"/v1/reports/{asked['id']}/file")
    assert answer.status_code == 409
    assert "正在生成" in answer.json()["detail"]


def test_reports_are_listed_and_paged(house: House, kept: dict[str, Any]) -> None:
    analyst = house.caller("analyst")
    first = analyst.get("/v1/reports", params={"limit": 1}).json()
    assert len(first["items"]) == 1
    days = analyst.get("/v1/reports", params={"kind": "day"}).json()["items"]
    assert [one["id"] for one in days] == [kept["id"]]


def test_a_district_reads_neither_the_citys_report_nor_another_districts(house: House, kept: dict[str, Any]) -> None:
    east = house.caller("officer", [EAST])
    assert east.get(f"/v1/reports/{kept['id']}").status_code == 404
    assert east.get(f"/v1/reports/{kept['id']}/file").status_code == 404
    assert east.post("/v1/reports", {**BODY, "area": NORTH}).status_code == 403
    own = east.post("/v1/reports", {**BODY, "area": EAST})
    assert own.status_code == 202
    assert [one["id"] for one in east.get("/v1/reports").json()["items"]] == [own.json()["id"]]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"kind": "week", "period": "2026-03"}, 422),
        ({"kind": "week", "period": "2026-W99"}, 422),
        ({"kind": "year", "period": "2026"}, 422),
        ({"kind": "week", "period": "2026-W10", "area": "不存在的区"}, 422),
    ],
)
def test_what_is_no_report_is_refused(house: House, body: dict[str, str], status: int) -> None:
    assert house.caller("analyst").post("/v1/reports", body).status_code == status


def test_the_intake_may_not_ask(house: House) -> None:
    assert house.caller("intake").post("/v1/reports", BODY).status_code == 403
