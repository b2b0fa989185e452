"""A district's user cannot reach another district's appeals through any endpoint."""

from __future__ import annotations

import io
import itertools
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from tests.api.harness import CITY, EAST, NORTH, Caller, House
from tests.api.texts import WAGES, numbered

MARK = "紫藤花架倒塌"
"""Stands in the other district's appeal only, in title and text."""
HIDDEN: dict[str, Any] = {
    "channel": "热线",
    "reference": "BP-1",
    "title": f"北屏区{MARK}",
    "content": f"北屏区云溪花园的{MARK}压住了行人，有人受伤流血，现在还压着，请马上派人来救！",
    "district": NORTH,
}


@dataclass(frozen=True, slots=True)
class Other:
    """What there is of the other district."""

    appeal: str
    event: str
    alert: str
    job: str
    report: str
    unit: str
    mine: str
    my_event: str


@pytest.fixture(scope="module")
def other(house: House) -> Other:
    return make_other(house, HIDDEN)


@pytest.fixture
def untouched(house: House) -> Other:
    """The like of `other`, for steps that change it; alone in its event."""
    number = next(_NUMBERS)
    text = f"北屏区第{number}号楼起火，有人被困，火势很大，快来救人！" + chr(0x4E00 + 37 * number) * 12
    return make_other(house, {"content": text, "channel": f"渠道{number}", "district": NORTH})


_NUMBERS = itertools.count(100)


def make_other(house: House, text: dict[str, Any]) -> Other:
    city = house.caller("admin", [CITY])
    hidden = city.post("/v1/appeals", text)
    assert hidden.status_code == 201
    alerts = city.get("/v1/alerts").json()["items"]
    alert = next(one for one in alerts if one["appeal_id"] == hidden.json()["id"])
    job = house.caller("intake", [NORTH]).post("/v1/appeals/batch", {"appeals": [text]})
    report = city.post("/v1/reports", {"kind": "week", "period": "2026-W10", "area": NORTH})
    mine = city.post("/v1/appeals", numbered(next(_NUMBERS), district=EAST)).json()
    return Other(
        appeal=hidden.json()["id"],
        event=hidden.json()["event_id"],
        alert=alert["id"],
        job=job.json()["id"],
        report=report.json()["id"],
        unit="北屏区城市管理局",
        mine=mine["id"],
        my_event=mine["event_id"],
    )


Attempt = Callable[[Caller, Other], Any]
WHY = "测试理由"


def _get(path: str, **params: Any) -> Attempt:
    return lambda caller, other: caller.get(path.format(o=other), params=params)


def _post(path: str, **body: Any) -> Attempt:
    def attempt(caller: Caller, other: Other) -> Any:
        filled = {name: _filled(value, other) for name, value in body.items()}
        return caller.post(path.format(o=other), filled)

    return attempt


def _filled(value: Any, other: Other) -> Any:
    if isinstance(value, list):
        return [_filled(one, other) for one in value]
    return value.format(o=other) if isinstance(value, str) else value


NOT_FOUND: dict[str, Attempt] = {
    "GET /v1/appeals/{appeal_id}": _get("/v1/appeals/{o.appeal}"),
    "GET /v1/appeals/{appeal_id}/similar": _get("/v1/appeals/{o.appeal}/similar"),
    "GET /v1/appeals/{appeal_id}/history": _get("/v1/appeals/{o.appeal}/history"),
    "POST /v1/appeals/{appeal_id}/confirm": _post("/v1/appeals/{o.appeal}/confirm"),
    "POST /v1/appeals/{appeal_id}/reassign": _post("/v1/appeals/{o.appeal}/reassign", unit="{o.unit}", reason=WHY),
    "POST /v1/appeals/{appeal_id}/return": _post("/v1/appeals/{o.appeal}/return", reason=WHY),
    "POST /v1/appeals/{appeal_id}/accept": _post("/v1/appeals/{o.appeal}/accept"),
    "POST /v1/appeals/{appeal_id}/close": _post("/v1/appeals/{o.appeal}/close"),
    "GET /v1/appeals/{appeal_id}/timeline": _get("/v1/appeals/{o.appeal}/timeline"),
    "POST /v1/appeals/{appeal_id}/handle": _post("/v1/appeals/{o.appeal}/handle"),
    "POST /v1/appeals/{appeal_id}/finish": _post("/v1/appeals/{o.appeal}/finish"),
    "POST /v1/appeals/{appeal_id}/pass-on": _post("/v1/appeals/{o.appeal}/pass-on", channel="信访"),
    "POST /v1/appeals/{appeal_id}/reopen": _post("/v1/appeals/{o.appeal}/reopen", reason=WHY),
    "POST /v1/appeals/{appeal_id}/object": _post("/v1/appeals/{o.appeal}/object", reason=WHY),
    "POST /v1/appeals/{appeal_id}/objection": _post("/v1/appeals/{o.appeal}/objection", uphold=True, reason=WHY),
    "POST /v1/appeals/{appeal_id}/extend": _post("/v1/appeals/{o.appeal}/extend", days=1, reason=WHY),
    "POST /v1/appeals/{appeal_id}/extension": _post("/v1/appeals/{o.appeal}/extension", approve=True, reason=WHY),
    "POST /v1/appeals/{appeal_id}/urge": _post("/v1/appeals/{o.appeal}/urge"),
    "POST /v1/appeals/{appeal_id}/supplement": _post("/v1/appeals/{o.appeal}/supplement", content="再次来电反映"),
    "POST /v1/appeals/{appeal_id}/assist": _post("/v1/appeals/{o.appeal}/assist", units=["{o.unit}"], reason=WHY),
    "POST /v1/appeals/{appeal_id}/whistle": _post(
        "/v1/appeals/{o.appeal}/whistle", street="石鼓街道办事处", departments=["{o.unit}"], reason=WHY
    ),
    "POST /v1/appeals/{appeal_id}/supervise": _post("/v1/appeals/{o.appeal}/supervise", reason=WHY),
    "POST /v1/appeals/{appeal_id}/call-back": _post("/v1/appeals/{o.appeal}/call-back", reached=True),
    "POST /v1/appeals/{appeal_id}/evaluate": _post("/v1/appeals/{o.appeal}/evaluate", satisfaction="satisfied"),
    "GET /v1/appeals/{appeal_id}/terms": _get("/v1/appeals/{o.appeal}/terms"),
    "POST /v1/appeals/{appeal_id}/terms": _post("/v1/appeals/{o.appeal}/terms", step="contact", action="begin"),
    "POST /v1/appeals/{appeal_id}/recall": _post("/v1/appeals/{o.appeal}/recall"),
    "POST /v1/appeals/{appeal_id}/keep-dispatch": _post("/v1/appeals/{o.appeal}/keep-dispatch"),
    "POST /v1/appeals/{appeal_id}/object-to-automation": _post("/v1/appeals/{o.appeal}/object-to-automation"),
    "POST /v1/appeals/{appeal_id}/unmask": _post("/v1/appeals/{o.appeal}/unmask", reason=WHY),
    "GET /v1/events/{event_id}": _get("/v1/events/{o.event}"),
    "POST /v1/events/{event_id}/merge": _post("/v1/events/{o.my_event}/merge", others=["{o.event}"]),
    "POST /v1/events/{event_id}/split": _post("/v1/events/{o.event}/split", appeals=["{o.appeal}"]),
    "POST /v1/events/{event_id}/close": _post("/v1/events/{o.event}/close"),
    "POST /v1/events/{event_id}/reopen": _post("/v1/events/{o.event}/reopen"),
    "POST /v1/events/{event_id}/undo": _post("/v1/events/{o.event}/undo"),
    "POST /v1/events/{event_id}/watch": _post("/v1/events/{o.event}/watch"),
    "POST /v1/events/{event_id}/unwatch": _post("/v1/events/{o.event}/unwatch"),
    "POST /v1/alerts/{alert_id}/acknowledge": _post("/v1/alerts/{o.alert}/acknowledge"),
    "GET /v1/jobs/{job_id}": _get("/v1/jobs/{o.job}"),
    "GET /v1/reports/{report_id}": _get("/v1/reports/{o.report}"),
    "GET /v1/reports/{report_id}/file": _get("/v1/reports/{o.report}/file"),
}
"""Endpoints about one thing: the other district's is not there."""

_NOTHING = "0b9bb2c4-8a4f-4b43-9d3f-3b8a4a0f2c11"
PARTS: dict[str, Attempt] = {
    "POST /v1/events/unsure": _post("/v1/events/unsure", appeal="{o.appeal}", other="{o.mine}", same=True),
    "POST /v1/appeals/{appeal_id}/assistance/{assistance_id}/report-in": _post(
        "/v1/appeals/{o.appeal}/assistance/" + _NOTHING + "/report-in"
    ),
    "POST /v1/appeals/{appeal_id}/assistance/{assistance_id}/end": _post(
        "/v1/appeals/{o.appeal}/assistance/" + _NOTHING + "/end", done=True
    ),
    "POST /v1/appeals/{appeal_id}/supervision/{supervision_id}/end": _post(
        "/v1/appeals/{o.appeal}/supervision/" + _NOTHING + "/end"
    ),
}
"""Endpoints about a part of one thing; from the own district they are tried with the life cycle."""

SILENT: dict[str, Attempt] = {
    "GET /v1/appeals": _get("/v1/appeals", q=MARK),
    "GET /v1/appeals/export": _get("/v1/appeals/export"),
    "GET /v1/search": _get("/v1/search", q=f"北屏区云溪花园的{MARK}压住了行人"),
    "POST /v1/triage": lambda caller, _other: caller.post(
        "/v1/triage", {"title": HIDDEN["title"][:3], "content": HIDDEN["content"].replace(MARK, "花架倒塌")}
    ),
    "POST /v1/appeals": lambda caller, _other: caller.post(
        "/v1/appeals", {**HIDDEN, "district": "", "title": "", "content": HIDDEN["content"].replace(MARK, "花架倒塌")}
    ),
    "POST /v1/appeals/batch": lambda caller, _other: caller.post("/v1/appeals/batch", {"appeals": [numbered(2)]}),
    "GET /v1/dispatching/reviews": _get("/v1/dispatching/reviews"),
    "GET /v1/events": _get("/v1/events", order="hot"),
    "GET /v1/events/unsure": _get("/v1/events/unsure"),
    "GET /v1/alerts": _get("/v1/alerts"),
    "GET /v1/escalations": _get("/v1/escalations"),
    "GET /v1/jobs": _get("/v1/jobs"),
    "GET /v1/terms": _get("/v1/terms", limit="200"),
    "GET /v1/supervision": _get("/v1/supervision", limit="200"),
    "GET /v1/objections": _get("/v1/objections"),
    "GET /v1/extensions": _get("/v1/extensions"),
    "GET /v1/supervisions": _get("/v1/supervisions"),
    "GET /v1/reports/satisfaction": _get(
        "/v1/reports/satisfaction", since="2026-01-01T00:00:00+08:00", until="2026-02-01T00:00:00+08:00"
    ),
    "GET /v1/reports": _get("/v1/reports"),
    "POST /v1/reports": _post("/v1/reports", kind="week", period="2026-W10", area=EAST),
    "GET /v1/reports/overview": _get("/v1/reports/overview", day="2026-01-01", days=7),
    "GET /v1/reports/drift": _get("/v1/reports/drift"),
    "GET /v1/review-queue": _get("/v1/review-queue", limit="200"),
}
"""Endpoints that list or search: nothing of the other district is in the answer."""

NO_APPEALS = frozenset(
    {
        "GET /healthz",
        "GET /readyz",
        "GET /metrics",
        "GET /v1/units",
        "POST /v1/units/import",
        "POST /v1/units/diff",
        "GET /v1/admission",
        "POST /v1/admission/import",
        "GET /v1/channels",
        "GET /v1/dispatching",
        "POST /v1/dispatching/suspend",
        "POST /v1/dispatching/resume",
        "GET /v1/bundles",
        "POST /v1/bundles",
        "POST /v1/bundles/{bundle_id}/evaluate",
        "POST /v1/bundles/{bundle_id}/promote",
        "POST /v1/bundles/rollback",
        "POST /v1/session",
        "GET /v1/session",
        "DELETE /v1/session",
        "GET /v1/users",
        "POST /v1/users",
        "PUT /v1/users/{name}/password",
        "POST /v1/users/{name}/disable",
        "GET /v1/keys",
        "POST /v1/keys",
        "DELETE /v1/keys/{key_id}",
        "GET /v1/targets",
        "POST /v1/targets",
        "PUT /v1/targets/{target_id}/address",
        "DELETE /v1/targets/{target_id}",
        "POST /v1/targets/{target_id}/test",
        "GET /v1/deliveries",
        "POST /v1/deliveries/{delivery_id}/retry",
        "POST /v1/deliveries/{delivery_id}/close",
        "GET /v1/audit",
        "GET /v1/audit/verify",
        "POST /v1/appellants/erase",
    }
)
"""Endpoints without appeals: directory, models, accounts, the audit (ids only) and erasure (ids only, administrators)."""


def traces(answer: Any, other: Other) -> list[str]:
    """What an answer tells of the other district."""
    said = answer.content
    if answer.headers["content-type"].startswith("application/vnd.openxml"):
        with zipfile.ZipFile(io.BytesIO(said)) as book:
            said = b"".join(book.read(name) for name in book.namelist())
    text = said.decode("utf-8", "replace")
    return [trace for trace in (MARK, other.appeal, other.event, other.alert, other.job, other.report) if trace in text]


def all_routes(house: House) -> set[str]:
    paths = house.app.openapi()["paths"]
    return {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}


def test_every_endpoint_is_tried_or_holds_no_appeals(house: House) -> None:
    assert all_routes(house) == {*NOT_FOUND, *PARTS, *SILENT, *NO_APPEALS}


@pytest.mark.parametrize("route", sorted({**NOT_FOUND, **PARTS}))
def test_what_belongs_to_another_district_is_not_found(house: House, other: Other, route: str) -> None:
    answer = {**NOT_FOUND, **PARTS}[route](house.caller("officer", [EAST]), other)
    assert answer.status_code == 404, answer.text
    assert MARK not in answer.text


@pytest.mark.parametrize("route", sorted(NOT_FOUND))
def test_the_same_attempt_from_its_own_district_is_not_refused_as_unknown(
    house: House, untouched: Other, route: str
) -> None:
    role = "intake" if "jobs" in route else "officer"
    answer = NOT_FOUND[route](house.caller(role, [EAST, NORTH]), untouched)
    assert answer.status_code != 404, answer.text


@pytest.mark.parametrize("role", ["officer", "admin"])
@pytest.mark.parametrize("route", sorted(SILENT))
def test_lists_and_searches_say_nothing_of_another_district(house: House, other: Other, route: str, role: str) -> None:
    answer = SILENT[route](house.caller(role, [EAST]), other)
    assert answer.status_code < 300 or (route == "POST /v1/appeals" and answer.status_code == 409), answer.text
    assert traces(answer, other) == []


CITYWIDE: dict[str, tuple[str, str, Any]] = {
    "make a key": ("POST", "/v1/keys", {"label": "x", "role": "admin", "districts": ["*"]}),
    "list keys": ("GET", "/v1/keys", None),
    "revoke a key": ("DELETE", "/v1/keys/0b9bb2c4-8a4f-4b43-9d3f-3b8a4a0f2c11", None),
    "add a user": (
        "POST",
        "/v1/users",
        {"name": "mine", "password": "eight geese over the river", "role": "admin", "districts": ["*"]},
    ),
    "list users": ("GET", "/v1/users", None),
    "set a password": ("PUT", "/v1/users/root/password", {"password": "eight geese over the river"}),
    "disable a user": ("POST", "/v1/users/root/disable", None),
    "list receivers": ("GET", "/v1/targets", None),
    "see what did not arrive": ("GET", "/v1/deliveries", None),
    "read the audit": ("GET", "/v1/audit", None),
    "verify the audit": ("GET", "/v1/audit/verify", None),
    "erase a person": ("POST", "/v1/appellants/erase", {"user": "某人"}),
    "stop automatic dispatch": ("POST", "/v1/dispatching/suspend", {"reason": "试试"}),
    "resume automatic dispatch": ("POST", "/v1/dispatching/resume", {"reason": "试试"}),
    "list bundles": ("GET", "/v1/bundles", None),
    "promote": ("POST", "/v1/bundles/0b9bb2c4-8a4f-4b43-9d3f-3b8a4a0f2c11/promote", {}),
    "roll back": ("POST", "/v1/bundles/rollback", {}),
}
"""What reaches every district: with a key of its own making a district's administrator would see the whole city."""


@pytest.mark.parametrize("step", sorted(CITYWIDE))
def test_what_concerns_the_whole_city_is_not_for_a_districts_administrator(house: House, step: str) -> None:
    method, path, body = CITYWIDE[step]
    headers = house.caller("admin", [EAST]).headers
    answer = house.client.request(method, path, headers=headers, json=body)
    assert answer.status_code == 403, answer.text
    assert "涉及全市" in answer.json()["detail"]


def test_a_filter_of_events_tells_nothing_of_another_districts_part(house: House) -> None:
    city, east = house.caller("admin", [CITY]), house.caller("officer", [EAST])
    text = "北屏区矿井坍塌，多人被埋，情况危急，快来救人！" + chr(0x5E73) * 9
    hot = city.post("/v1/appeals", {"content": text, "district": NORTH, "channel": "乙"}).json()
    mild = city.post("/v1/appeals", numbered(next(_NUMBERS), district=EAST)).json()
    assert hot["decision"]["risk"]["level"] >= 3 > mild["decision"]["risk"]["level"]
    assert city.post(f"/v1/events/{mild['event_id']}/merge", {"others": [hot["event_id"]]}).status_code == 200
    listed = {
        risk: [event["id"] for event in east.get("/v1/events", params={"risk": risk}).json()["items"]]
        for risk in (mild["decision"]["risk"]["level"], 3)
    }
    assert mild["event_id"] in listed[mild["decision"]["risk"]["level"]]
    assert mild["event_id"] not in listed[3]
    assert mild["event_id"] in [
        event["id"] for event in city.get("/v1/events", params={"risk": 3, "limit": 200}).json()["items"]
    ]


def test_an_export_as_a_workbook_says_nothing_of_another_district(house: House, other: Other) -> None:
    answer = house.caller("officer", [EAST]).get("/v1/appeals/export", params={"format": "xlsx"})
    assert answer.status_code == 200
    assert traces(answer, other) == []
    whole = house.caller("officer", [CITY]).get("/v1/appeals/export", params={"format": "xlsx"})
    assert MARK in traces(whole, other)


def test_the_figures_count_only_what_the_caller_may_see(house: House, other: Other) -> None:
    assert other.mine
    mine = house.caller("officer", [EAST]).get("/v1/reports/overview").json()
    assert {count["name"] for count in mine["districts"]} == {EAST}
    whole = house.caller("officer", [CITY]).get("/v1/reports/overview").json()
    assert whole["total"] > mine["total"]


def test_an_event_of_two_districts_shows_a_district_its_own_appeals_and_the_size(house: House) -> None:
    city = house.caller("admin", [CITY])
    first = city.post("/v1/appeals", {**WAGES, "district": NORTH, "channel": "一"}).json()
    second = city.post("/v1/appeals", numbered(77, district=EAST)).json()
    merged = city.post(f"/v1/events/{first['event_id']}/merge", {"others": [second["event_id"]]})
    assert merged.status_code == 200, merged.text
    seen = house.caller("officer", [EAST]).get(f"/v1/events/{first['event_id']}").json()
    assert seen["size"] == merged.json()["size"] > len(seen["appeals"])
    assert {appeal["district"] for appeal in seen["appeals"]} == {EAST}
    assert second["id"] in [appeal["id"] for appeal in seen["appeals"]]
    assert seen["title"] == "井盖破损"


def test_a_reference_taken_in_another_district_names_no_appeal(house: House, other: Other) -> None:
    body = numbered(78, reference="BP-1", channel="热线")
    answer = house.caller("intake", [EAST]).post("/v1/appeals", body)
    assert answer.status_code == 409
    assert other.appeal not in answer.text
