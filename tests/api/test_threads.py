"""Sixteen clients at once through one tokeniser and one bundle get what one client gets."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.api.harness import House
from tests.api.texts import GARBAGE, LAMPS, WAGES, numbered

CLIENTS = 16


def test_sixteen_clients_get_the_decisions_that_one_gets(house: House) -> None:
    intake = house.caller("intake")
    texts = [GARBAGE, WAGES, LAMPS, *(numbered(number) for number in range(5))]

    def decided(text: dict[str, Any]) -> Any:
        answer = intake.post("/v1/triage", text)
        assert answer.status_code == 200
        decision = answer.json()["decision"]
        return decision["unit"], decision["risk"], decision["category"]

    alone = [decided(text) for text in texts]
    with ThreadPoolExecutor(CLIENTS) as clients:
        together = list(clients.map(decided, texts * CLIENTS))
    assert together == alone * CLIENTS


def test_sixteen_posts_of_one_text_at_the_same_instant_end_in_one_event(house: House) -> None:
    intake = house.caller("intake")

    def post(number: int) -> Any:
        answer = intake.post("/v1/appeals", {**LAMPS, "channel": f"渠道{number}"})
        assert answer.status_code == 201
        return answer.json()

    with ThreadPoolExecutor(CLIENTS) as clients:
        posted = list(clients.map(post, range(CLIENTS)))
    assert len({body["id"] for body in posted}) == CLIENTS
    assert len({body["event_id"] for body in posted}) == 1
    event = house.caller("officer").get(f"/v1/events/{posted[0]['event_id']}").json()
    assert event["size"] == CLIENTS


def test_one_key_sent_sixteen_times_at_once_is_one_appeal(house: House) -> None:
    intake = house.caller("intake")
    body = numbered(400, channel="同时")

    def post(_number: int) -> bytes:
        answer = intake.post("/v1/appeals", body, headers={"Idempotency-Key": "at-once"})
        assert answer.status_code == 201
        return bytes(answer.content)

    with ThreadPoolExecutor(CLIENTS) as clients:
        answers = set(clients.map(post, range(CLIENTS)))
    assert len(answers) == 1
    assert len(intake.get("/v1/appeals", params={"channel": "同时"}).json()["items"]) == 1
