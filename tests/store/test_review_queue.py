"""The queue of what teaches most: unsure, like many others, of a unit that is little known; checks go first."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert

from tests.store.filing import CLOCK, DISPATCHER, LONGHUA, add_units, file_appeal, file_event, person
from tests.store_fixtures import both_ways
from triage.casework import review
from triage.casework.learning.queue import KNOWN, ranked, review_queue
from triage.store import schema
from triage.store.access import EVERYWHERE
from triage.store.database import Database
from triage.store.errors import Refused
from triage.store.learning import Waiting
from triage.testing import fake_desk

NOW = datetime(2026, 3, 2, tzinfo=UTC)


def waiting(
    first: float,
    second: float = 0.1,
    *,
    neighbours: int = 0,
    sampled: bool = False,
    unit: str = "甲局",
    event_id: UUID | None = None,
) -> Waiting:
    return Waiting(
        id=uuid4(),
        event_id=event_id or uuid4(),
        received_at=NOW,
        sampled=sampled,
        neighbours=neighbours,
        unit=unit,
        first=first,
        second=second,
    )


def order(*open_: Waiting, **taught: int) -> list[Waiting]:
    return [one for one, _ in ranked(open_, taught)]


def test_the_least_sure_comes_first() -> None:
    sure, unsure = waiting(0.9, 0.05), waiting(0.4, 0.35)
    assert order(sure, unsure) == [unsure, sure]


def test_one_that_many_others_resemble_teaches_more() -> None:
    alone, among_many = waiting(0.4), waiting(0.45, neighbours=8)
    assert order(alone, among_many) == [among_many, alone]


def test_a_unit_that_is_little_known_needs_it_more() -> None:
    known, unknown = waiting(0.45, unit="甲局"), waiting(0.5, unit="乙局")
    assert order(known, unknown, 甲局=50 * KNOWN) == [unknown, known]


def test_a_check_of_the_automatic_dispatch_goes_before_all_however_sure_the_models_are() -> None:
    check, unsure = waiting(0.99, 0.0, sampled=True), waiting(0.3, 0.29)
    assert order(unsure, check) == [check, unsure]


def test_the_second_appeal_of_an_event_waits_for_other_matters() -> None:
    event = uuid4()
    first, second = waiting(0.4, event_id=event), waiting(0.41, event_id=event)
    other = waiting(0.5, unit="乙局")
    assert order(first, second, other) == [first, other, second]


@both_ways()
def test_the_queue_shows_why_and_ends_with_the_decision(database: Database) -> None:
    add_units(database)
    desk = fake_desk(database, clock=CLOCK)
    sure = file_appeal(database, proposed=("龙华区城管局",))
    unsure = file_appeal(database)
    event = file_event(database, size=2)
    near = file_appeal(database, event_id=event)
    with database.transaction(EVERYWHERE) as connection:
        connection.execute(
            insert(schema.links).values(appeal_id=near, other_id=unsure, probability=0.5, verdict="similar")
        )
    found = review_queue(desk, DISPATCHER)
    assert [item.appeal.id for item in found][-1] == sure
    assert {item.appeal.id for item in found} == {sure, unsure, near}
    (shown,) = [item for item in found if item.appeal.id == unsure]
    assert "另有1件相似诉求待派" in shown.reasons
    assert any(reason.startswith("龙华区城管局近半年经人工处理的仅0件") for reason in shown.reasons)
    review.confirm(desk, DISPATCHER, unsure)
    assert {item.appeal.id for item in review_queue(desk, DISPATCHER)} == {sure, near}


def test_a_drawn_check_leads_the_queue(database: Database) -> None:
    add_units(database)
    file_appeal(database)
    drawn = file_appeal(database, proposed=("龙华区城管局",))
    values = {"unit": "龙华区城管局", "bundle": "fake", "probability": 0.99, "outcome": "sampled"}
    with database.transaction(EVERYWHERE) as connection:
        connection.execute(insert(schema.dispatching.dispatches).values(appeal_id=drawn, **values))
    first, *_ = review_queue(fake_desk(database, clock=CLOCK), DISPATCHER)
    assert (first.appeal.id, first.sampled, first.reasons[0]) == (drawn, True, "随机抽查自动派单")


def test_the_queue_holds_the_own_district_and_needs_the_right_to_decide(database: Database) -> None:
    add_units(database)
    desk = fake_desk(database, clock=CLOCK)
    mine = file_appeal(database)
    file_appeal(database, district="秀英区")
    assert [item.appeal.id for item in review_queue(desk, LONGHUA)] == [mine]
    assert len(review_queue(desk, DISPATCHER, limit=1)) == 1
    with pytest.raises(Refused):
        review_queue(desk, person("analyst"))
