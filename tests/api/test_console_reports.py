"""Reports as pages: asked for, made, looked at in a frame that may do nothing, taken away as files."""

from __future__ import annotations

import re

import pytest

from tests.api.console import Visitor, signed_in
from tests.api.harness import EAST, House
from triage.casework import reports
from triage.store.access import EVERYWHERE
from triage.store.reports import page

WEEK = {"kind": "week", "day": "2026-03-02", "area": "", "office": "澜江市12345热线"}
FILES = {"docx": b"PK", "xlsx": b"PK", "html": b"<!doc"}


@pytest.fixture(scope="module")
def analyst(house: House) -> Visitor:
    for place in ("临澜区桃溪路", "北屏区石鼓路"):
        body = {"channel": "热线", "content": f"{place}的路灯坏了三盏，晚上很黑，请尽快维修。", "address": place}
        body["created_at"] = "2026-03-03T10:00:00+08:00"
        assert house.caller().post("/v1/appeals", body).status_code == 201
    return signed_in(house, role="analyst", name="分析员")


def work_off(house: House) -> str:
    """Do what the worker does with the latest report that was asked for; returns its id."""
    desk = house.service.desk
    with desk.database.transaction(EVERYWHERE) as connection:
        latest = page(connection).items[0]
    made = reports.work(desk, latest.id)
    assert made.state == "done", made.error
    return str(latest.id)


def test_a_report_is_asked_for_shown_and_taken_away(house: House, analyst: Visitor) -> None:
    asked = analyst.post("/console/reports", WEEK, partial=True)
    assert asked.status_code == 200
    assert "排队中" in asked.text
    assert 'data-every="3"' in asked.text
    report = work_off(house)
    listed = analyst.get("/console/reports").text
    assert f"/console/reports/{report}" in listed
    assert "分析员" in listed
    shown = analyst.get(f"/console/reports/{report}")
    assert f'src="/console/reports/{report}/preview"' in shown.text
    for kind, begin in FILES.items():
        sent = analyst.get(f"/console/reports/{report}/file?format={kind}")
        assert sent.status_code == 200
        assert sent.content.lower().startswith(begin.lower())
        assert sent.headers["content-disposition"].startswith("attachment; filename=")


def test_the_preview_can_be_framed_by_our_page_and_can_do_nothing(house: House, analyst: Visitor) -> None:
    analyst.post("/console/reports", WEEK, partial=True)
    sent = analyst.get(f"/console/reports/{work_off(house)}/preview")
    assert sent.headers["content-security-policy"].startswith("sandbox; frame-ancestors 'self'")
    assert sent.headers["x-frame-options"] == "SAMEORIGIN"
    assert "<script" not in sent.text
    assert "澜江市12345热线" in sent.text


def test_the_page_of_a_waiting_report_asks_again_until_it_is_made(house: House, analyst: Visitor) -> None:
    asked = analyst.post("/console/reports", {**WEEK, "kind": "day"}, partial=True)
    assert asked.status_code == 200
    desk = house.service.desk
    with desk.database.transaction(EVERYWHERE) as connection:
        waiting = page(connection).items[0].id
    path = f"/console/reports/{waiting}"
    assert f'data-poll="{path}"' in analyst.get(path).text
    assert analyst.get(path, partial=True).status_code == 204
    assert "hx-redirect" not in analyst.get(path, partial=True).headers
    assert analyst.get(f"{path}/file").status_code == 409
    work_off(house)
    assert analyst.get(path, partial=True).headers["hx-redirect"] == path


def test_a_district_makes_reports_of_its_own_and_sees_no_others(house: House, analyst: Visitor) -> None:
    analyst.post("/console/reports", WEEK, partial=True)
    whole = work_off(house)
    east = signed_in(house, role="analyst", districts=[EAST])
    assert whole not in east.get("/console/reports").text
    assert east.get(f"/console/reports/{whole}").status_code == 404
    assert east.get(f"/console/reports/{whole}/preview").status_code == 404
    refused = east.post("/console/reports", {**WEEK, "area": "北屏区"}, partial=True)
    assert refused.status_code == 403
    assert east.post("/console/reports", {**WEEK, "area": EAST}, partial=True).status_code == 200
    assert re.search(r"临澜区2026年第10周", east.get("/console/reports").text)
    work_off(house)


def test_a_wrong_day_or_kind_is_refused_with_the_remedy(analyst: Visitor) -> None:
    assert "日期应形如" in analyst.post("/console/reports", {**WEEK, "day": "morgen"}, partial=True).json()["detail"]
    assert "报告种类应为" in analyst.post("/console/reports", {**WEEK, "kind": "hour"}, partial=True).json()["detail"]
    assert analyst.get("/console/reports?kind=hour").status_code == 422


def test_dispatchers_have_no_reports(house: House) -> None:
    assert signed_in(house, role="dispatcher").get("/console/reports").status_code == 403
