"""The screen of the city and the lists behind its figures, as pages."""

from __future__ import annotations

import re
from html import unescape

import pytest

from tests.api.console import Visitor, signed_in
from tests.api.harness import CITY, EAST, House

LINK = re.compile(
    r'<a class="stat" href="(/console/list[^"]+)"><span class="stat-label">今日</span><span class="stat-value">(\d+)'
)
TOTAL = re.compile(r"共 (\d+) 件")


@pytest.fixture(scope="module")
def filed(house: House) -> House:
    for place in ("临澜区桃溪路", "北屏区石鼓路", "北屏区石鼓路"):
        body = {"channel": "热线", "content": f"{place}的路灯坏了三盏，晚上很黑，请尽快维修。", "address": place}
        assert house.caller().post("/v1/appeals", body).status_code == 201
    return house


def today(visitor: Visitor) -> tuple[str, int]:
    shown = visitor.get("/console/overview")
    assert shown.status_code == 200
    found = LINK.search(shown.text)
    assert found is not None
    return unescape(found[1]), int(found[2])


def test_the_number_of_today_leads_to_its_list(filed: House) -> None:
    visitor = signed_in(filed, role="analyst")
    address, number = today(visitor)
    listed = visitor.get(address)
    total = TOTAL.search(listed.text)
    assert total is not None
    assert int(total[1]) == number == 3
    assert listed.text.count("<tr data-item>") == 3


def test_a_district_sees_its_own_figures_and_lists(filed: House) -> None:
    visitor = signed_in(filed, role="analyst", districts=[EAST])
    address, number = today(visitor)
    assert number == 1
    assert visitor.get(address).text.count("<tr data-item>") == 1


def test_every_link_of_the_screen_leads_to_a_page(filed: House) -> None:
    visitor = signed_in(filed)
    links = {unescape(link) for link in re.findall(r'href="(/console/[^"]+)"', visitor.get("/console/overview").text)}
    lists = sorted(link for link in links if link.startswith("/console/list"))
    assert len(lists) > 5
    assert {visitor.get(link).status_code for link in lists[:20]} == {200}


def test_a_list_without_a_time_or_with_a_wrong_one_says_what_to_do(filed: House) -> None:
    visitor = signed_in(filed)
    backwards = "since=2026-03-03T00:00:00%2B08:00&until=2020-01-01T00:00:00%2B08:00"
    for query in ("since=gestern&until=heute", "since=2026-03-02&until=2026-03-03", backwards):
        answer = visitor.get(f"/console/list?{query}")
        assert answer.status_code == 422
        assert "清单的起止时间" in answer.text
    assert visitor.get("/console/list").status_code == 422


def test_a_list_of_no_known_kind_or_state_is_refused(filed: House) -> None:
    visitor = signed_in(filed)
    span = "since=2026-03-02T00:00:00%2B08:00&until=2026-03-03T00:00:00%2B08:00"
    assert visitor.get(f"/console/list?{span}&kind=lost").status_code == 422
    assert visitor.get(f"/console/list?{span}&state=gone").status_code == 422
    assert visitor.get(f"/console/list?{span}&level=9").status_code == 422


def test_a_dispatcher_is_told_who_may_see_figures(filed: House) -> None:
    answer = signed_in(filed, role="dispatcher").get("/console/overview")
    assert answer.status_code == 403
    assert "无权查看报表" in answer.text


def test_what_somebody_wrote_stays_text_in_lists(filed: House) -> None:
    hostile = "<script>alert(1)</script>"
    body = {
        "channel": "热线",
        "title": hostile,
        "content": f'{hostile}<img src=x onerror="alert(2)"> 路灯坏了',
        "address": hostile,
    }
    assert filed.caller().post("/v1/appeals", body).status_code == 201
    visitor = signed_in(filed, districts=[CITY])
    address, _ = today(visitor)
    shown = visitor.get(address).text
    assert hostile not in shown
    assert "&lt;script&gt;" in shown
