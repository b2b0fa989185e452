"""Which event a new appeal gets, also when many arrive at once."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest
from sqlalchemy import select, update

from triage.casework.desk import Desk
from triage.casework.intake import NewAppeal
from triage.casework.receive import Receipt, receive, receive_many
from triage.store import appeals, schema
from triage.store.access import EVERYWHERE, SYSTEM, Actor, Scope
from triage.store.database import Database
from triage.store.signatures import buckets
from triage.testing import PairCutter, fake_desk

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SMOKE = "柳溪路枫桥花园小区楼下烧烤店油烟直排，每天营业到凌晨两点，附近居民无法入睡，多次投诉没有结果"


@pytest.fixture
def desk(database: Database) -> Desk:
    minutes = count()
    return fake_desk(database, clock=lambda: NOON + timedelta(minutes=next(minutes)))


def read_events(database: Database) -> list[dict[str, object]]:
    with database.transaction(EVERYWHERE) as connection:
        rows = connection.execute(select(schema.events).order_by(schema.events.c.created_at))
        return [dict(row._mapping) for row in rows]


def test_the_same_words_of_a_second_citizen_are_a_new_appeal_of_the_same_event(desk: Desk, database: Database) -> None:
    first = receive(desk, SYSTEM, NewAppeal(content=SMOKE, user="甲"))
    second = receive(desk, SYSTEM, NewAppeal(content=SMOKE, user="乙"))
    assert second.appeal_id != first.appeal_id
    assert second.event_id == first.event_id
    assert [(link.appeal_id, link.verdict) for link in second.links] == [(first.appeal_id, "same")]
    assert second.decision_record["event"]["size"] == 2
    with database.transaction(EVERYWHERE) as connection:
        (seen,) = appeals.similar(connection, first.appeal_id)
    assert seen.appeal.id == second.appeal_id


def test_the_same_few_words_about_no_place_are_linked_but_no_event(desk: Desk) -> None:
    first = receive(desk, SYSTEM, NewAppeal(content="路灯不亮"))
    second = receive(desk, SYSTEM, NewAppeal(content="路灯不亮"))
    assert second.event_id != first.event_id
    assert [(link.appeal_id, link.verdict) for link in second.links] == [(first.appeal_id, "unsure")]


def test_an_event_knows_size_times_risk_and_district(desk: Desk, database: Database) -> None:
    north, south = (Actor(name="key:1", role="intake", scope=Scope((name,))) for name in ("北屏区", "南汀区"))
    receive(desk, north, NewAppeal(content=SMOKE, title="烧烤店油烟扰民，联系13800138000", received_at=NOON))
    receive(desk, north, NewAppeal(content=SMOKE, received_at=NOON - timedelta(days=1)))
    (event,) = read_events(database)
    assert (event["size"], event["district"], event["risk_level"], event["state"]) == (2, "北屏区", 0, "open")
    assert (event["first_at"], event["last_at"]) == (NOON - timedelta(days=1), NOON)
    assert event["title"] == "枫桥花园烧烤店油烟扰民"
    assert "138" not in str(event["title"])
    assert len(str(event["title"])) <= 20
    receive(desk, south, NewAppeal(content=SMOKE))
    (event,) = read_events(database)
    assert (event["size"], event["district"]) == (3, "")


@pytest.mark.parametrize("state", ["closed", "merged"])
def test_an_event_that_is_not_open_is_not_joined(desk: Desk, database: Database, state: str) -> None:
    first = receive(desk, SYSTEM, NewAppeal(content=SMOKE))
    with database.transaction(EVERYWHERE) as connection:
        connection.execute(update(schema.events).values(state=state))
    second = receive(desk, SYSTEM, NewAppeal(content=SMOKE))
    assert second.event_id != first.event_id
    assert [link.verdict for link in second.links] == ["similar"]


def test_a_crowd_of_near_copies_does_not_hide_the_same_text(desk: Desk) -> None:
    receive_many(desk, SYSTEM, [NewAppeal(content=f"{SMOKE}{n}") for n in range(60)])
    again = receive(desk, SYSTEM, NewAppeal(content=f"{SMOKE}7"))
    assert again.decision_record["event"]["size"] == 2


def test_two_identical_appeals_at_the_same_instant_end_in_one_event(database: Database) -> None:
    desk = fake_desk(database)
    for number in range(20):
        gate = threading.Barrier(2)

        def post(user: str, gate: threading.Barrier = gate, number: int = number) -> Receipt:
            gate.wait()
            return receive(desk, SYSTEM, NewAppeal(content=f"{SMOKE}，第{number}处", user=user))

        with ThreadPoolExecutor(2) as pool:
            one, two = pool.map(post, ("甲", "乙"))
        assert one.event_id == two.event_id
        assert {one.decision_record["event"]["size"], two.decision_record["event"]["size"]} == {1, 2}


def test_chunks_and_single_appeals_that_cross_each_other_all_get_through(database: Database) -> None:
    desk = fake_desk(database)
    new = [NewAppeal(content=f"{SMOKE}，第{number}处") for number in range(12)]
    with ThreadPoolExecutor(4) as pool:
        many = [pool.submit(receive_many, desk, SYSTEM, order) for order in (new, new[::-1])]
        single = [pool.submit(receive, desk, SYSTEM, one) for one in new]
        assert all(isinstance(answer, Receipt) for task in many for answer in task.result(30))
        assert all(task.result(30).created for task in single)
    assert sorted(int(str(event["size"])) for event in read_events(database)) == [3] * 12


def test_copies_share_a_bucket_and_other_matters_share_none(desk: Desk) -> None:
    from triage.events import EventItem, make_signature

    def of(text: str) -> set[int]:
        return set(buckets(make_signature(EventItem(id="1", content=text), words=PairCutter())))

    assert of(SMOKE) & of(f"{SMOKE}，请尽快处理")
    assert not of(SMOKE) & of("松林大道路灯坏了半个月一直没有人来修，晚上出行很不安全")
    assert len(of(SMOKE)) <= 7
