"""The frame of the console: who gets in, what a page may load, and that nothing that was typed becomes markup."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest

from tests.api.console import PASSWORD, signed_in
from tests.api.harness import GENEROUS, House
from tests.api.texts import GARBAGE
from triage.casework import access
from triage.store.access import SYSTEM

PAGES = ("/console/queue", "/console/password", "/console/search?q=垃圾")


@pytest.fixture(scope="module")
def house_settings() -> dict[str, Any]:
    return {"limits": GENEROUS, "demo": True}


def test_without_a_session_every_page_leads_to_the_log_in(house: House) -> None:
    for path in PAGES:
        answer = house.client.get(path, follow_redirects=False)
        assert answer.status_code == 303, path
        assert answer.headers["location"].startswith("/console/login?next=/console/")


def test_the_bare_address_leads_to_the_queue(house: House) -> None:
    assert house.client.get("/", follow_redirects=False).headers["location"] == "/console/queue"


def test_a_script_without_a_session_is_told_where_to_log_in(house: House) -> None:
    answer = house.client.get("/console/queue/rows", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (401, "/console/login")


def test_the_session_cookie_is_kept_from_scripts_and_foreign_pages(house: House) -> None:
    access.add_user(
        house.service.desk.database, SYSTEM, name="weiqing", password=PASSWORD, role="dispatcher", districts=["*"]
    )
    answer = house.client.post("/console/login", data={"name": "weiqing", "password": PASSWORD}, follow_redirects=False)
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie


def test_a_wrong_password_says_so_without_saying_which_part_was_wrong(house: House) -> None:
    answers = [
        house.client.post("/console/login", data={"name": name, "password": "no such password"})
        for name in ("weiqing", "nobody-at-all")
    ]
    assert [answer.status_code for answer in answers] == [401, 401]
    assert all("用户名或口令不正确" in answer.text for answer in answers)


@pytest.mark.parametrize(
    "onward", ["https://elsewhere.example/", "//elsewhere.example", "/v1/appeals", "/console/../v1", "/console\\x"]
)
def test_the_log_in_never_leads_to_a_foreign_address(house: House, onward: str) -> None:
    name = f"u{uuid4().hex[:8]}"
    access.add_user(house.service.desk.database, SYSTEM, name=name, password=PASSWORD, role="intake", districts=["*"])
    answer = house.client.post(
        "/console/login", data={"name": name, "password": PASSWORD, "next": onward}, follow_redirects=False
    )
    assert answer.headers["location"].startswith("/console/")
    assert ".." not in answer.headers["location"]


def test_a_change_without_the_token_or_from_a_foreign_page_is_refused(house: House) -> None:
    visitor = signed_in(house)
    assert visitor.post("/console/logout", token="").status_code == 403
    assert visitor.post("/console/logout", token="0" * 64).status_code == 403
    foreign = {"Sec-Fetch-Site": "cross-site"}
    assert visitor.post("/console/logout", headers=foreign).status_code == 403
    older = {"Origin": "https://elsewhere.example"}
    assert visitor.post("/console/logout", headers=older).status_code == 403
    assert visitor.get("/console/queue").status_code == 200


def test_logging_out_ends_the_session(house: House) -> None:
    visitor = signed_in(house)
    assert visitor.post("/console/logout").headers["location"] == "/console/login"
    assert visitor.get("/console/queue").status_code == 303


def test_a_page_loads_nothing_from_elsewhere_and_holds_nothing_inline(house: House) -> None:
    visitor = signed_in(house)
    for path in PAGES:
        answer = visitor.get(path)
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert not re.search(r"\sstyle=|\son[a-z]+=|javascript:|<style", answer.text), path
        assert not re.search(r"""(?:src|href|action)=["'](?:https?:)?//""", answer.text), path
        scripts = re.findall(r"<script(?![^>]*application/json)[^>]*>([^<]*)</script>", answer.text)
        assert scripts
        assert not any(script.strip() for script in scripts)


def test_files_of_the_console_are_served_with_their_kind_and_kept_by_browsers(house: House) -> None:
    page = signed_in(house).get("/console/queue").text
    found = re.findall(r'"(/console/static/[^"]+)"', page)
    assert found
    for address in found:
        answer = house.client.get(address)
        assert answer.status_code == 200, address
        assert "immutable" in answer.headers["cache-control"]
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_an_unknown_page_says_so_in_words(house: House) -> None:
    answer = signed_in(house).get("/console/nowhere")
    assert answer.status_code == 404
    assert "没有这个页面" in answer.text
    assert answer.headers["content-type"].startswith("text/html")


def test_what_a_visitor_may_not_open_is_not_in_the_rail_and_is_refused(house: House) -> None:
    dispatcher, admin = signed_in(house, role="dispatcher"), signed_in(house)
    assert "/console/audit" not in dispatcher.get("/console/queue").text
    assert "/console/audit" in admin.get("/console/queue").text


def test_an_administrator_of_a_district_sees_no_pages_of_the_whole_city(house: House) -> None:
    page = signed_in(house, districts=["临澜区"]).get("/console/queue").text
    assert "/console/people" not in page
    assert "/console/queue" in page


def test_many_failed_log_ins_from_one_address_are_stopped(house: House) -> None:
    house.service.failures._buckets.clear()
    spare = house.service.failures
    house.service.failures = type(spare)(per_second=0.001, burst=3)
    try:
        answers = [
            house.client.post("/console/login", data={"name": "nobody", "password": "x"}).status_code for _ in range(5)
        ]
    finally:
        house.service.failures = spare
    assert answers[-1] == 429


def test_markup_in_an_appeal_stays_text_on_every_page(house: House) -> None:
    nasty = "<img src=x onerror=alert(1)><script>alert(2)</script>\"'--{{7*7}}"
    body = {**GARBAGE, "title": f"垃圾{nasty}", "content": f"{GARBAGE['content']}{nasty}", "address": nasty}
    posted = house.caller("intake").post("/v1/appeals", body).json()
    visitor = signed_in(house)
    for path in ("/console/queue", f"/console/appeals/{posted['id']}", f"/console/queue/{posted['id']}/pane"):
        text = visitor.get(path).text
        assert "<img src=x" not in text, path
        assert "<script>alert" not in text
        assert "{{7*7}}" in text or "{{7*7" in text, path
    found = visitor.get(f"/console/search?q={nasty}").text
    assert "<img src=x" not in found
