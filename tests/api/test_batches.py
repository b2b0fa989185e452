"""Batches: accepted at once, worked off later, each appeal once whatever happens."""

from __future__ import annotations

import time
from typing import Any
from uuid import UUID

import pytest

from api.worker import Worker, forget_keys
from tests.api.harness import EAST, House
from tests.api.texts import numbered
from triage.casework import batches
from triage.store.settings import StoreSettings


@pytest.fixture(scope="module")
def house_settings() -> dict[str, Any]:
    return {"worker": True}


def finished(house: House, job: str, *, seconds: float = 60.0) -> dict[str, Any]:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        body: dict[str, Any] = house.caller("intake").get(f"/v1/jobs/{job}").json()
        if body["finished_at"]:
            return body
        time.sleep(0.1)
    pytest.fail("the batch was not worked off")


def test_a_batch_is_accepted_and_worked_off_in_order(house: House) -> None:
    intake = house.caller("intake")
    posted = [numbered(number, channel="批量", reference=f"B-{number}") for number in range(8)]
    posted.append(posted[0])
    answer = intake.post("/v1/appeals/batch", {"appeals": posted})
    assert answer.status_code == 202
    assert answer.json()["total"] == 9
    done = finished(house, answer.json()["id"])
    assert (done["state"], done["done"], done["failed"]) == ("done", 8, 1)
    assert [item["row"] for item in done["items"]] == list(range(1, 10))
    assert "编号" in done["items"][8]["error"]
    first = intake.get(f"/v1/appeals/{done['items'][0]['appeal_id']}").json()
    assert first["reference"] == "B-0"
    listed = intake.get("/v1/jobs").json()["items"]
    assert answer.json()["id"] in [job["id"] for job in listed]


def test_a_batch_of_a_district_stays_in_it(house: House) -> None:
    intake = house.caller("intake", [EAST])
    bodies = [numbered(50), numbered(51, district="北屏区")]
    done = finished(house, intake.post("/v1/appeals/batch", {"appeals": bodies}).json()["id"])
    assert (done["done"], done["failed"]) == (1, 1)


def test_a_broken_row_names_its_place_and_nothing_is_accepted(house: House) -> None:
    answer = house.caller("intake").post("/v1/appeals/batch", {"appeals": [numbered(60), {"content": " "}]})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "body.appeals.1.content"


def test_too_many_rows_are_refused(house: House) -> None:
    answer = house.caller("intake").post("/v1/appeals/batch", {"appeals": [{"content": "路灯"}] * 5_001})
    assert answer.status_code == 422
    assert "5000" in answer.json()["errors"][0]["message"]


def test_work_that_was_broken_off_goes_on_and_doubles_nothing(house: House) -> None:
    desk = house.service.desk
    actor = house.caller("intake")
    job = batches.post(
        desk,
        _actor_of(house),
        [_new(number) for number in range(200, 210)],
        announce=lambda _connection, _job: None,
    )
    asked = iter([True] * 4 + [False])
    left = batches.work(desk, job.id, go_on=lambda: next(asked))
    assert left.finished_at is None
    done = batches.work(desk, job.id)
    assert (done.done, done.failed) == (10, 0)
    assert batches.work(desk, job.id) == done
    found = actor.get("/v1/appeals", params={"channel": "中断", "limit": 50}).json()["items"]
    assert len(found) == 10


def test_a_second_worker_takes_over_what_a_dead_one_left(house: House) -> None:
    house.service.stop_worker()
    job = house.caller("intake").post("/v1/appeals/batch", {"appeals": [numbered(300)]}).json()["id"]
    time.sleep(0.3)
    assert house.caller("intake").get(f"/v1/jobs/{job}").json()["state"] == "queued"
    url = house.service.settings.store.url
    assert isinstance(house.service.settings.store, StoreSettings)
    assert url is not None
    worker = Worker(house.service.desk, url, room=house.service.mailroom, alone=True)
    worker.start()
    try:
        assert finished(house, job)["done"] == 1
    finally:
        worker.stop()


def test_old_idempotency_keys_are_forgotten(house: House) -> None:
    assert forget_keys(house.service.desk) == 0


def _actor_of(house: House) -> Any:
    from triage.store.access import EVERYWHERE, Actor

    assert house.service.desk
    return Actor(name=f"key:{UUID(int=7)}", role="intake", scope=EVERYWHERE)


def _new(number: int) -> Any:
    from triage.casework.intake import NewAppeal

    return NewAppeal(**numbered(number, channel="中断"))
