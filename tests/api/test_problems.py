"""Every error is problem+json, says what to do, and repeats nothing that was sent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.api.harness import House
from tests.api.texts import GARBAGE, PHONE
from triage.store.errors import StoreUnavailable

SECRET_TEXT = f"不可回显{PHONE}"


def checked(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["type"].startswith("urn:citizen-appeal-triage:problem:")
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    assert body["instance"] == f"urn:uuid:{answer.headers['x-request-id']}"
    assert PHONE not in answer.text
    return body


def test_an_unknown_address_is_404_and_is_not_repeated(house: House) -> None:
    body = checked(house.caller().get(f"/v1/{SECRET_TEXT}"), 404)
    assert "不可回显" not in body["detail"]


def test_a_wrong_method_is_405_and_names_the_right_ones(house: House) -> None:
    answer = house.caller().delete("/v1/appeals")
    checked(answer, 405)
    assert answer.headers["allow"]


def test_another_media_type_is_415(house: House) -> None:
    answer = house.caller().post("/v1/appeals", content=b"<a/>", headers={"Content-Type": "text/xml"})
    assert "application/json" in checked(answer, 415)["detail"]


HOSTILE = {
    "broken": b'{"content": "x"',
    "not UTF-8": b'{"content": "\xff\xfe"}',
    "deeply nested": b"[" * 100_000 + b"]" * 100_000,
    "nested objects": b'{"content":' * 5_000 + b"1" + b"}" * 5_000,
    "NaN": b'{"content": NaN}',
    "Infinity": b'{"content": "x", "created_at": Infinity}',
    "number of 10,000 digits": b'{"content": ' + b"9" * 10_000 + b"}",
}


@pytest.mark.parametrize("kind", sorted(HOSTILE))
def test_hostile_json_is_400(house: House, kind: str) -> None:
    answer = house.caller().post("/v1/appeals", content=HOSTILE[kind], headers={"Content-Type": "application/json"})
    checked(answer, 400)


INVALID: dict[str, tuple[bytes, str]] = {
    "an array": (b"[]", "body"),
    "null": (b"null", "body"),
    "missing content": (b"{}", "body.content"),
    "blank content": (b'{"content": "  \\n "}', "body.content"),
    "NUL": (json.dumps({"content": f"a\0{SECRET_TEXT}"}).encode(), "body.content"),
    "half a surrogate pair": (b'{"content": "\\ud800 ' + PHONE.encode() + b'"}', "body.content"),
    "a number": (f'{{"content": {PHONE}}}'.encode(), "body.content"),
    "a huge exponent": (b'{"content": "x", "created_at": 1e400}', "body.created_at"),
    "a time without zone": (b'{"content": "x", "created_at": "2026-01-01T00:00:00"}', "body.created_at"),
    "the year 1": (b'{"content": "x", "created_at": "0001-01-01T00:00:00+14:00"}', "body.created_at"),
    "too long": (json.dumps({"content": "长" * 50_001}).encode(), "body.content"),
    "an unknown field": (json.dumps({"content": "x", SECRET_TEXT: 1}).encode(), "body"),
}


@pytest.mark.parametrize("kind", sorted(INVALID))
def test_what_does_not_fit_is_422_naming_field_and_remedy_but_no_value(house: House, kind: str) -> None:
    sent, field = INVALID[kind]
    answer = house.caller().post("/v1/appeals", content=sent, headers={"Content-Type": "application/json"})
    body = checked(answer, 422)
    assert body["errors"][0]["field"] == field
    assert body["errors"][0]["message"] != "不符合要求；请对照接口文档修改"
    assert "不可回显" not in answer.text


@pytest.mark.parametrize("sent", ["%00", "a%00b", "%ED%A0%80"])
def test_characters_that_the_store_cannot_hold_are_no_trouble_in_a_query(house: House, sent: str) -> None:
    assert house.caller().get(f"/v1/search?q={sent}").status_code in (200, 422)
    assert house.caller().get(f"/v1/appeals?unit={sent}").status_code in (200, 422)


def test_a_body_over_the_limit_is_413_whether_it_says_so_or_not(house: House) -> None:
    caller = house.caller()
    big = json.dumps({**GARBAGE, "content": "长" * 400_000}).encode()
    json_type = {"Content-Type": "application/json"}
    checked(caller.post("/v1/appeals", content=big, headers=json_type), 413)
    pieces = (big[at : at + 65_536] for at in range(0, len(big), 65_536))
    checked(caller.post("/v1/appeals", content=pieces, headers=json_type), 413)


def test_without_or_with_a_wrong_key_it_is_401(house: House) -> None:
    for headers in ({}, {"Authorization": "Bearer tk_wrong"}, {"Authorization": "Basic eDp5"}):
        answer = house.client.get("/v1/appeals", headers=headers)
        checked(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"


def test_a_role_without_the_right_is_403_naming_the_roles_that_have_it(house: House) -> None:
    body = checked(house.caller("intake").get("/v1/users"), 403)
    assert "admin" in body["detail"]


@pytest.mark.quotes_a_text
def test_a_crash_is_500_and_says_nothing(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_arguments: Any, **_named: Any) -> None:
        raise RuntimeError(SECRET_TEXT)

    monkeypatch.setattr("triage.casework.receive.receive", crash)
    body = checked(house.caller().post("/v1/appeals", GARBAGE), 500)
    assert "不可回显" not in body["detail"]


def test_a_database_that_is_away_is_503_with_a_time_to_try_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_arguments: Any, **_named: Any) -> None:
        raise StoreUnavailable("数据库暂不可用；请稍后重试")

    monkeypatch.setattr("triage.casework.receive.receive", away)
    answer = house.caller().post("/v1/appeals", GARBAGE)
    checked(answer, 503)
    assert int(answer.headers["retry-after"]) >= 1


def test_a_foreign_host_name_is_refused(house: House) -> None:
    checked(house.client.get("/healthz", headers={"Host": "evil.example"}), 400)


def test_answers_carry_headers_that_keep_browsers_from_doing_harm(house: House) -> None:
    headers = house.client.get("/healthz").headers
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-store"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "access-control-allow-origin" not in headers
