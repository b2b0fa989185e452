"""Keys, log-ins, cookies and how often one may try."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from api.limits import TokenBuckets
from tests.api.harness import GENEROUS, House

PASSWORD = "eight geese over the river"


@pytest.fixture(scope="module")
def house_settings() -> dict[str, Any]:
    return {"limits": replace(GENEROUS, failures_per_minute=40), "demo": True}


@pytest.fixture
def account(house: House) -> str:
    name = f"u{uuid4().hex[:8]}"
    made = house.caller().post(
        "/v1/users", {"name": name, "password": PASSWORD, "role": "officer", "districts": ["临澜区"]}
    )
    assert made.status_code == 201
    return name


def log_in(house: House, name: str, password: str = PASSWORD) -> Any:
    house.client.cookies.clear()
    return house.client.post("/v1/session", json={"name": name, "password": password})


def test_a_cookie_opens_reading_and_with_its_token_also_changing(house: House, account: str) -> None:
    begun = log_in(house, account)
    assert begun.status_code == 201
    cookie = begun.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert house.client.get("/v1/appeals").status_code == 200
    draft = {"content": "路灯不亮"}
    assert house.client.post("/v1/triage", json=draft).status_code == 403
    token = house.client.get("/v1/session").json()["csrf"]
    assert house.client.post("/v1/triage", json=draft, headers={"X-CSRF-Token": token}).status_code == 200
    odd = {b"X-CSRF-Token": ("é" * 32).encode()}
    assert house.client.post("/v1/triage", json=draft, headers=odd).status_code == 403


def test_after_logging_out_the_cookie_opens_nothing(house: House, account: str) -> None:
    token = log_in(house, account).json()["csrf"]
    cookie = house.client.cookies["triage_session"]
    assert house.client.delete("/v1/session", headers={"X-CSRF-Token": token}).status_code == 204
    house.client.cookies.clear()
    assert house.client.get("/v1/appeals", headers={"Cookie": f"triage_session={cookie}"}).status_code == 401


def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(house: House, account: str) -> None:
    wrong, unknown = log_in(house, account, "wrong password here"), log_in(house, "nobody-at-all")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json()["detail"] == unknown.json()["detail"]


def test_a_disabled_account_is_shut_at_once(house: House, account: str) -> None:
    log_in(house, account)
    cookie = {"Cookie": f"triage_session={house.client.cookies['triage_session']}"}
    house.client.cookies.clear()
    assert house.caller().post(f"/v1/users/{account}/disable").status_code == 204
    assert house.client.get("/v1/appeals", headers=cookie).status_code == 401


def test_a_new_password_ends_the_sessions_of_the_old_one(house: House, account: str) -> None:
    log_in(house, account)
    cookie = {"Cookie": f"triage_session={house.client.cookies['triage_session']}"}
    house.client.cookies.clear()
    changed = house.caller().put(f"/v1/users/{account}/password", {"password": "nine herons in the reeds"})
    assert changed.status_code == 204
    assert house.client.get("/v1/appeals", headers=cookie).status_code == 401
    assert log_in(house, account, "nine herons in the reeds").status_code == 201


def test_a_weak_password_is_refused_with_the_reason(house: House) -> None:
    body = {"name": "weak-one", "password": "123", "role": "intake", "districts": ["*"]}
    assert house.caller().post("/v1/users", body).status_code == 422


def test_a_key_works_until_it_is_revoked(house: House) -> None:
    admin = house.caller()
    made = admin.post("/v1/keys", {"label": "热线系统", "role": "intake", "districts": ["*"]})
    assert made.status_code == 201
    headers = {"Authorization": f"Bearer {made.json()['secret']}"}
    house.client.cookies.clear()
    assert house.client.get("/v1/appeals", headers=headers).status_code == 200
    assert made.json()["secret"] not in admin.get("/v1/keys").text
    assert admin.delete(f"/v1/keys/{made.json()['id']}").status_code == 204
    assert house.client.get("/v1/appeals", headers=headers).status_code == 401
    assert admin.delete(f"/v1/keys/{made.json()['id']}").status_code == 404


def test_whoever_fails_too_often_must_wait_and_valid_keys_need_not(house: House) -> None:
    house.client.cookies.clear()
    bad = {"Authorization": "Bearer tk_guess"}
    statuses = [house.client.get("/v1/appeals", headers=bad).status_code for _ in range(60)]
    assert statuses[0] == 401
    assert statuses[-1] == 429
    answer = log_in(house, "nobody-at-all")
    assert answer.status_code == 429
    assert int(answer.headers["retry-after"]) >= 1
    assert house.caller().get("/v1/appeals").status_code == 200


def test_a_principal_that_asks_too_often_is_told_when_to_come_back(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(house.service, "rates", TokenBuckets(per_second=0.5, burst=2))
    answers = [house.caller("analyst").get("/v1/appeals") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 1 <= int(answers[2].headers["retry-after"]) <= 3
    assert house.caller("officer").get("/v1/appeals").status_code == 200
