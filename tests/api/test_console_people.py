"""Accounts, keys and the audit as pages."""

from __future__ import annotations

import re

import pytest

from tests.api.console import PASSWORD, Visitor, signed_in
from tests.api.harness import House
from triage.casework import access
from triage.store.errors import Unauthenticated

SECRET = re.compile(r'<code class="mono secret">(tk_[\w-]+)</code>')
NEW = {"role": "dispatcher", "districts": "临澜区、北屏区"}


@pytest.fixture(scope="module")
def admin(house: House) -> Visitor:
    return signed_in(house, name="主管")


def test_a_new_account_can_log_in_and_sees_its_districts(house: House, admin: Visitor) -> None:
    answer = admin.post("/console/people/users", {**NEW, "name": "王派单", "password": PASSWORD}, partial=True)
    assert answer.status_code == 200
    assert "王派单" in answer.text
    found = access.log_in(house.service.desk.database, "王派单", PASSWORD)
    assert found.actor.scope.districts == ("临澜区", "北屏区")


def test_an_unfit_account_is_refused_with_the_remedy(admin: Visitor) -> None:
    short = admin.post("/console/people/users", {**NEW, "name": "李某", "password": "123"}, partial=True)
    assert short.status_code == 422
    nowhere = {**NEW, "name": "李某", "password": PASSWORD, "districts": " 、 "}
    answer = admin.post("/console/people/users", nowhere, partial=True)
    assert "未写明可见区划" in answer.json()["detail"]


def test_a_password_is_reset_and_an_account_shut(house: House, admin: Visitor) -> None:
    admin.post("/console/people/users", {**NEW, "name": "赵某某", "password": PASSWORD}, partial=True)
    fresh = PASSWORD + "新"
    assert (
        admin.post("/console/people/users/password", {"name": "赵某某", "password": fresh}, partial=True).status_code
        == 200
    )
    access.log_in(house.service.desk.database, "赵某某", fresh)
    assert "已停用" in admin.post("/console/people/users/disable", {"name": "赵某某"}, partial=True).text
    with pytest.raises(Unauthenticated):
        access.log_in(house.service.desk.database, "赵某某", fresh)


def test_a_key_shows_its_secret_once_and_works_until_it_is_revoked(house: House, admin: Visitor) -> None:
    made = admin.post(
        "/console/people/keys", {"label": "热线平台", "role": "intake", "districts": "全市"}, partial=True
    )
    assert made.headers["cache-control"] == "no-store"
    secret = SECRET.search(made.text)
    assert secret is not None
    assert secret[1] not in admin.get("/console/people").text
    actor = access.authenticate_key(house.service.desk.database, secret[1])
    assert actor.scope.everywhere
    answer = admin.post(f"/console/people/keys/{actor.name.removeprefix('key:')}/revoke", partial=True)
    assert "已吊销" in answer.text
    with pytest.raises(Unauthenticated):
        access.authenticate_key(house.service.desk.database, secret[1])


def test_a_key_ends_with_the_day_that_was_chosen(admin: Visitor) -> None:
    form = {"label": "短期对接", "role": "intake", "districts": "*", "until": "2099-12-30"}
    assert "2099年12月31日 00:00" in admin.post("/console/people/keys", form, partial=True).text
    wrong = admin.post("/console/people/keys", {**form, "until": "31.12."}, partial=True)
    assert "到期日应形如" in wrong.json()["detail"]


def test_accounts_and_the_audit_are_for_administrators_of_the_city(house: House) -> None:
    for visitor in (signed_in(house, role="officer"), signed_in(house, districts=["临澜区"])):
        assert visitor.get("/console/people").status_code == 403
        assert visitor.get("/console/audit").status_code == 403
        assert visitor.post("/console/people/users", {**NEW, "name": "某人", "password": PASSWORD}).status_code == 403


def test_the_audit_names_people_and_what_they_did(admin: Visitor) -> None:
    admin.post("/console/people/users", {**NEW, "name": "被审计者", "password": PASSWORD}, partial=True)
    shown = admin.get("/console/audit?action=user.add")
    assert "主管" in shown.text
    assert "被审计者" in shown.text
    assert "新建用户" in shown.text
    rows = admin.get("/console/audit?action=bundle.", partial=True)
    assert "<tr>" not in rows.text


def test_the_audit_goes_on_where_a_page_ended(admin: Visitor) -> None:
    first = admin.get("/console/audit").text
    numbers = [int(found) for found in re.findall(r'data-label="编号">(\d+)<', first)]
    older = admin.get(f"/console/audit?before={numbers[-1]}", partial=True)
    assert older.status_code == 200
    assert all(int(found) < numbers[-1] for found in re.findall(r'data-label="编号">(\d+)<', older.text))


def test_the_chain_is_computed_again_on_request(admin: Visitor) -> None:
    assert "首尾相接" in admin.post("/console/audit/verify", partial=True).text


def test_names_that_look_like_markup_stay_text(admin: Visitor) -> None:
    label = "<b>平台</b>\"'>"
    made = admin.post("/console/people/keys", {"label": label, "role": "intake", "districts": "*"}, partial=True)
    assert "<b>平台" not in made.text
    assert "&lt;b&gt;平台" in made.text
    assert "<b>平台" not in admin.get("/console/audit").text
