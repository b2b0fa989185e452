"""Warnings as pages: grouped by event, acknowledged together, handed on; a district sees its own."""

from __future__ import annotations

from uuid import UUID

import pytest

from tests.api.console import Visitor, signed_in
from tests.api.harness import EAST, NORTH, House
from tests.store.filing import file_event, rows
from tests.store.test_alert_board import raise_alert, receiver


@pytest.fixture(scope="module")
def officer(house: House) -> Visitor:
    return signed_in(house, role="officer", name="值班员")


def alert(house: House, event: UUID, *, level: int = 3, district: str = EAST, reason: str = "反映人数达30人") -> str:
    return str(raise_alert(house.service.desk.database, event, level=level, district=district, reason=reason))


def event(house: House, *, district: str = EAST) -> UUID:
    return file_event(house.service.desk.database, district=district)


def test_open_warnings_are_shown_with_level_name_and_reason(house: House, officer: Visitor) -> None:
    alert(house, event(house), level=4, reason="有人扬言跳楼")
    shown = officer.get("/console/alerts")
    assert shown.status_code == 200
    assert "红色 Ⅰ级" in shown.text
    assert "有人扬言跳楼" in shown.text
    assert shown.text.index("有人扬言跳楼") < shown.text.index('id="forward"')


def test_all_warnings_of_an_event_are_taken_in_hand_at_once(house: House, officer: Visitor) -> None:
    one = event(house, district="")
    both = [alert(house, one), alert(house, one, district=NORTH)]
    answer = officer.post("/console/alerts/acknowledge", {"alert": both, "judged": "0"}, partial=True)
    assert answer.status_code == 200
    assert both[0] not in answer.text
    found = rows(house.service.desk.database, "alerts", event_id=one)
    assert {row["state"] for row in found} == {"acknowledged"}
    labels = rows(house.service.desk.database, "feedback", kind="acknowledge")
    assert [row["risk_to"] for row in labels] == [0, 0]
    assert "值班员" in officer.get("/console/alerts?state=acknowledged").text


def test_a_warning_that_somebody_else_took_is_said_and_not_an_error(house: House, officer: Visitor) -> None:
    taken = alert(house, event(house))
    officer.post("/console/alerts/acknowledge", {"alert": [taken]}, partial=True)
    again = officer.post("/console/alerts/acknowledge", {"alert": [taken]}, partial=True)
    assert again.status_code == 200
    assert "\\u7531\\u4ed6\\u4eba\\u7b7e\\u6536" in again.headers["hx-trigger"]  # 由他人签收


def test_nothing_chosen_or_a_wrong_level_is_refused(house: House, officer: Visitor) -> None:
    one = alert(house, event(house))
    assert officer.post("/console/alerts/acknowledge", {}, partial=True).status_code == 422
    assert officer.post("/console/alerts/acknowledge", {"alert": [one], "judged": "7"}, partial=True).status_code == 422
    assert officer.post("/console/alerts/acknowledge", {"alert": ["x"]}, partial=True).status_code == 422


def test_a_district_sees_and_takes_only_its_own(house: House, officer: Visitor) -> None:
    theirs = alert(house, event(house, district=NORTH), district=NORTH, reason="北屏区的事")
    east = signed_in(house, role="officer", districts=[EAST])
    assert "北屏区的事" not in east.get("/console/alerts").text
    assert east.post("/console/alerts/acknowledge", {"alert": [theirs]}, partial=True).status_code == 404
    assert "北屏区的事" in officer.get("/console/alerts").text


def test_a_warning_is_handed_on_to_a_receiver(house: House, officer: Visitor) -> None:
    chosen = receiver(house.service.desk.database, "公安指挥平台")
    one = alert(house, event(house))
    form = officer.get(f"/console/alerts/{one}/forward?district={EAST}", partial=True)
    assert "公安指挥平台" in form.text
    assert "hook.city.gov.cn" not in form.text
    sent = officer.post(f"/console/alerts/{one}/forward", {"to": [str(chosen)]}, partial=True)
    assert "已转送：公安指挥平台" in sent.text
    assert len(rows(house.service.desk.database, "deliveries", target_id=chosen)) == 1


def test_an_analyst_sees_warnings_and_has_no_buttons(house: House) -> None:
    one = alert(house, event(house), reason="只看不签")
    analyst = signed_in(house, role="analyst")
    shown = analyst.get("/console/alerts").text
    assert "只看不签" in shown
    assert "/console/alerts/acknowledge" not in shown
    assert analyst.post("/console/alerts/acknowledge", {"alert": [one]}, partial=True).status_code == 403


def test_a_script_gets_the_board_alone(officer: Visitor) -> None:
    board = officer.get("/console/alerts?level=4", partial=True)
    assert "<html" not in board.text
    assert 'data-poll="/console/alerts?state=open&amp;level=4"' in board.text
    assert officer.get("/console/alerts?level=2").status_code == 422


def test_reasons_that_look_like_markup_stay_text(house: House, officer: Visitor) -> None:
    alert(house, event(house), reason='<svg onload="alert(1)">')
    shown = officer.get("/console/alerts").text
    assert "<svg onload" not in shown
    assert "&lt;svg onload" in shown
