"""Events over HTTP: what is told of them, in which order, undo, watch, reopening, and pairs to judge."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert

from tests.api.harness import CITY, EAST, NORTH, Caller, House
from triage.store import schema
from triage.store.access import EVERYWHERE

_NUMBERS = itertools.count(1)


@pytest.fixture
def officer(house: House) -> Caller:
    return house.caller("officer", [CITY])


def post(caller: Caller, *, text: str = "", **more: Any) -> dict[str, Any]:
    """An appeal like no other, unless a text is given."""
    number = next(_NUMBERS)
    content = text or "".join(chr(0x4E00 + (number * 7919 + k * 104729) % 20_000) for k in range(40))
    answer = caller.post("/v1/appeals", {"content": content, "district": EAST, **more})
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    return found


def copies(caller: Caller, count: int) -> list[dict[str, Any]]:
    text = f"云溪路海风花园小区门口的井盖被压碎，{chr(0x7000 + next(_NUMBERS) * 61) * 8}，夜里有人踩空摔伤"
    return [post(caller, text=text) for _ in range(count)]


def get(caller: Caller, event: str) -> dict[str, Any]:
    answer = caller.get(f"/v1/events/{event}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def listed(caller: Caller, **params: Any) -> list[str]:
    answer = caller.get("/v1/events", params={"limit": 200, **params})
    assert answer.status_code == 200, answer.text
    return [event["id"] for event in answer.json()["items"]]


def test_an_event_is_told_with_its_days_and_growth(officer: Caller) -> None:
    first, *_ = copies(officer, 3)
    told = get(officer, first["event_id"])
    assert told["size"] == 3
    assert len(told["title"]) <= 20
    assert "海风花园" in told["title"]
    assert told["keywords"]
    assert told["appellants"] >= 1
    assert told["growth"]["last_3"] == 3
    assert sum(day["count"] for day in told["daily"]) == 3
    assert told["frequent_since"] is not None
    assert told["steps"] == []


def test_events_are_listed_by_heat_size_and_mark(officer: Caller) -> None:
    first, *_ = copies(officer, 4)
    lonely = post(officer)
    by_size = listed(officer, order="size")
    assert by_size.index(first["event_id"]) < by_size.index(lonely["event_id"])
    by_heat = listed(officer, order="hot")
    assert by_heat.index(first["event_id"]) < by_heat.index(lonely["event_id"])
    assert first["event_id"] in listed(officer, high_frequency=True)
    assert lonely["event_id"] in listed(officer, high_frequency=False)
    assert officer.get("/v1/events", params={"order": "alphabet"}).status_code == 422


def test_events_are_listed_by_district(officer: Caller) -> None:
    north = post(officer, district=NORTH)
    assert north["event_id"] in listed(officer, district=NORTH)
    assert north["event_id"] not in listed(officer, district=EAST)


def test_a_merge_is_undone_and_stays_on_record(officer: Caller) -> None:
    one, two = post(officer), post(officer)
    path = f"/v1/events/{one['event_id']}"
    assert officer.post(f"{path}/merge", {"others": [two["event_id"]], "reason": "同一路段"}).json()["size"] == 2
    assert get(officer, two["event_id"])["state"] == "merged"
    undone = officer.post(f"{path}/undo")
    assert undone.status_code == 200, undone.text
    assert undone.json()["size"] == 1
    assert get(officer, two["event_id"])["state"] == "open"
    steps = get(officer, one["event_id"])["steps"]
    assert [step["kind"] for step in steps] == ["undo", "merge"]
    assert steps[0]["undoes"] == steps[1]["id"]
    assert steps[1]["reason"] == "同一路段"
    assert officer.post(f"{path}/undo").status_code == 409


def test_a_closed_event_is_reopened(officer: Caller) -> None:
    one = post(officer)
    path = f"/v1/events/{one['event_id']}"
    assert officer.post(f"{path}/reopen").status_code == 409
    assert officer.post(f"/v1/appeals/{one['id']}/confirm", {}).status_code == 200
    assert officer.post(f"{path}/close").json()["state"] == "closed"
    assert officer.post(f"{path}/reopen", {"reason": "问题反弹"}).json()["state"] == "open"
    assert officer.post(f"{path}/close").json()["state"] == "closed"


def test_an_event_is_watched_and_no_longer(officer: Caller) -> None:
    event = post(officer)["event_id"]
    assert officer.post(f"/v1/events/{event}/watch").json()["watched"] is True
    assert listed(officer, watched=True) == [event]
    assert officer.post(f"/v1/events/{event}/unwatch").json()["watched"] is False
    assert [step["kind"] for step in get(officer, event)["steps"]] == ["unwatch", "watch"]


def unsure_pair(house: House, officer: Caller) -> tuple[str, str]:
    older, newer = post(officer), post(officer)
    link = {"appeal_id": UUID(newer["id"]), "other_id": UUID(older["id"]), "probability": 0.55, "verdict": "unsure"}
    with house.service.desk.database.transaction(EVERYWHERE) as connection:
        connection.execute(insert(schema.links).values(**link, at=datetime.now(UTC)))
    return newer["id"], older["id"]


def test_a_pair_is_listed_judged_and_gone(house: House, officer: Caller) -> None:
    newer, older = unsure_pair(house, officer)
    page = officer.get("/v1/events/unsure").json()
    pair = next(one for one in page["items"] if one["appeal"]["appeal_id"] == newer)
    assert pair["other"]["appeal_id"] == older
    assert pair["probability"] == pytest.approx(0.55)
    verdict = {"appeal": newer, "other": older, "same": True, "reason": "同一处"}
    answer = officer.post("/v1/events/unsure", verdict)
    assert answer.status_code == 200, answer.text
    assert answer.json()["size"] == 2
    assert officer.post("/v1/events/unsure", verdict).status_code == 404


def test_pages_of_pairs_follow_each_other(house: House, officer: Caller) -> None:
    made = {unsure_pair(house, officer)[0] for _ in range(3)}
    seen: list[str] = []
    cursor: str | None = None
    while True:
        params = {"limit": 1, **({"cursor": cursor} if cursor else {})}
        page = officer.get("/v1/events/unsure", params=params).json()
        seen += [pair["appeal"]["appeal_id"] for pair in page["items"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert made <= set(seen)
    assert len(seen) == len(set(seen))
    assert officer.get("/v1/events/unsure", params={"cursor": "没有这个"}).status_code == 422


def test_analysts_read_events_but_change_none(house: House, officer: Caller) -> None:
    event = post(officer)["event_id"]
    analyst = house.caller("analyst", [CITY])
    assert analyst.get(f"/v1/events/{event}").status_code == 200
    for step in ("undo", "watch", "unwatch", "reopen"):
        assert analyst.post(f"/v1/events/{event}/{step}").status_code == 403
