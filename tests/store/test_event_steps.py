"""What people decide about events and alerts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert

from tests.store.filing import CLOCK, DISPATCHER, LONGHUA, count, file_appeal, file_event, person, rows
from tests.store_fixtures import both_ways
from triage.casework import alerts, event_moves, events
from triage.casework.desk import Desk
from triage.errors import InputError
from triage.store import schema
from triage.store.access import EVERYWHERE
from triage.store.database import Database
from triage.store.errors import NotFound, Refused, StateConflict
from triage.testing import fake_desk


@pytest.fixture
def desk(database: Database) -> Desk:
    return fake_desk(database, clock=CLOCK)


def event_of(desk: Desk, *districts: str, **appeal: Any) -> tuple[UUID, list[UUID]]:
    """An event of one appeal per district."""
    event = file_event(desk.database, size=len(districts), district=districts[0] if len(set(districts)) == 1 else "")
    return event, [file_appeal(desk.database, district=district, event_id=event, **appeal) for district in districts]


def put(desk: Desk, table: str, **values: Any) -> None:
    with desk.database.transaction(EVERYWHERE) as connection:
        connection.execute(insert(schema.metadata.tables[table]).values(**values))


def raise_alert(desk: Desk, event: UUID, appeal: UUID, *, level: int = 4, district: str = "龙华区") -> UUID:
    alert = uuid4()
    values = {"id": alert, "event_id": event, "appeal_id": appeal, "level": level, "reason": "红色预警", "at": CLOCK()}
    put(desk, "alerts", **values, district=district)
    return alert


def event_row(desk: Desk, event: UUID) -> dict[str, Any]:
    (row,) = rows(desk.database, "events", id=event)
    return row


@both_ways()
def test_merging_counts_and_remembers(database: Database) -> None:
    desk = fake_desk(database, clock=CLOCK)
    one, _ = event_of(desk, "龙华区", "龙华区", days_ago=3)
    two, moved = event_of(desk, "秀英区")
    view = events.merge(desk, DISPATCHER, into=one, others=[two, one, two], reason="同一路段")
    assert (view.id, view.state, view.size) == (one, "open", 3)
    assert view.last_at == CLOCK()
    assert event_row(desk, one)["district"] == ""  # of several districts now
    gone = event_row(desk, two)
    assert (gone["state"], gone["merged_into"], gone["size"]) == ("merged", one, 0)
    (label,) = rows(database, "feedback")
    assert (label["kind"], label["appeal_id"], label["event_from"], label["event_to"]) == ("merge", moved[0], two, one)
    (message,) = rows(database, "outbox")
    assert message["payload"]["merged"] == [str(two)]  # type: ignore[index]
    assert count(database, "history", appeal_id=moved[0]) == 1


def test_splitting_makes_an_event_of_its_own_and_remembers_every_pair(desk: Desk) -> None:
    event, (a, b, c) = event_of(desk, "龙华区", "龙华区", "龙华区")
    put(desk, "links", appeal_id=c, other_id=a, probability=0.9, verdict="same")
    view = events.split(desk, DISPATCHER, event, appeal_ids=[c], reason="不同小区")
    assert view.size == 1
    assert view.id != event
    assert event_row(desk, event)["size"] == 2
    assert rows(desk.database, "appeals", id=c)[0]["event_id"] == view.id
    pairs = {(row["appeal_id"], row["other_id"]): row["verdict"] for row in rows(desk.database, "links")}
    assert pairs == {(c, a): "apart", (max(b, c), min(b, c)): "apart"}
    (label,) = rows(desk.database, "feedback")
    assert (label["kind"], label["event_from"], label["event_to"]) == ("split", event, view.id)


def test_merging_again_what_was_split_takes_the_word_back(desk: Desk) -> None:
    event, (_, b) = event_of(desk, "龙华区", "龙华区")
    fresh = events.split(desk, DISPATCHER, event, appeal_ids=[b])
    events.merge(desk, DISPATCHER, into=event, others=[fresh.id])
    assert [row["verdict"] for row in rows(desk.database, "links")] == ["same"]


def test_a_split_must_leave_something_and_take_what_is_there(desk: Desk) -> None:
    event, ids = event_of(desk, "龙华区", "龙华区")
    with pytest.raises(InputError, match="事件中至少要留下一件诉求"):
        events.split(desk, DISPATCHER, event, appeal_ids=ids)
    for wrong in ([], [uuid4()], [ids[0], uuid4()]):
        with pytest.raises(InputError, match="要拆出的诉求不全在该事件中，请刷新后重新选择"):
            events.split(desk, DISPATCHER, event, appeal_ids=wrong)


def test_too_large_steps_are_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    event, ids = event_of(desk, "龙华区", "龙华区", "龙华区")
    monkeypatch.setattr(events, "MOST_PAIRS", 1)
    with pytest.raises(InputError, match="一次拆分涉及的诉求过多（1×2），请分几次拆分"):
        events.split(desk, DISPATCHER, event, appeal_ids=ids[:1])
    monkeypatch.setattr(event_moves, "MOST_APPEALS", 2)
    with pytest.raises(InputError, match="一次最多处理 2 件诉求，本次涉及 3 件"):
        events.close(desk, DISPATCHER, event)


def test_merging_needs_another_open_event(desk: Desk) -> None:
    one, _ = event_of(desk, "龙华区")
    two, _ = event_of(desk, "龙华区", unit="龙华区城管局")
    three, _ = event_of(desk, "龙华区")
    with pytest.raises(InputError, match="请至少给出一个要并入的其他事件"):
        events.merge(desk, DISPATCHER, into=one, others=[one])
    events.close(desk, DISPATCHER, two)
    with pytest.raises(StateConflict, match=f"事件 {two} 已办结"):
        events.merge(desk, DISPATCHER, into=one, others=[two])
    events.merge(desk, DISPATCHER, into=one, others=[three])
    with pytest.raises(StateConflict, match=f"事件 {three} 已并入 {one}"):
        events.merge(desk, DISPATCHER, into=one, others=[three])
    with pytest.raises(NotFound, match="没有事件"):
        events.merge(desk, DISPATCHER, into=one, others=[uuid4()])


def test_closing_an_event_closes_its_cases(desk: Desk) -> None:
    event, ids = event_of(desk, "龙华区", "龙华区", unit="龙华区城管局")
    assert events.close(desk, DISPATCHER, event).state == "closed"
    assert {row["case_state"] for row in rows(desk.database, "appeals")} == {"closed"}
    assert count(desk.database, "history", action="event.closed") == len(ids)
    with pytest.raises(StateConflict, match="已办结"):
        events.close(desk, DISPATCHER, event)


def test_an_event_with_waiting_cases_is_not_closed(desk: Desk) -> None:
    event, _ = event_of(desk, "龙华区", "龙华区")
    with pytest.raises(StateConflict, match="事件中还有 2 件诉求未派单，不能办结"):
        events.close(desk, DISPATCHER, event)


def test_an_event_of_several_districts_is_left_to_the_city(desk: Desk) -> None:
    shared, ids = event_of(desk, "龙华区", "秀英区", unit="龙华区城管局")
    own, _ = event_of(desk, "龙华区", unit="龙华区城管局")
    steps: list[Callable[[], object]] = [
        lambda: events.merge(desk, LONGHUA, into=own, others=[shared]),
        lambda: events.split(desk, LONGHUA, shared, appeal_ids=[ids[0]]),
        lambda: events.close(desk, LONGHUA, shared),
    ]
    for step in steps:
        with pytest.raises(Refused, match=f"事件 {shared} 含有其他区划的诉求，须由全市权限的人员处理"):
            step()
    assert events.close(desk, LONGHUA, own).state == "closed"


def test_an_event_of_another_district_does_not_exist_for_a_districts_dispatcher(desk: Desk) -> None:
    other, ids = event_of(desk, "秀英区", "秀英区")
    own, _ = event_of(desk, "龙华区")
    steps: list[Callable[[], object]] = [
        lambda: events.merge(desk, LONGHUA, into=own, others=[other]),
        lambda: events.split(desk, LONGHUA, other, appeal_ids=ids[:1]),
        lambda: events.close(desk, LONGHUA, other),
    ]
    for step in steps:
        with pytest.raises(NotFound, match=f"没有事件 {other}，或不在可见区划内"):
            step()


def test_a_district_splits_and_merges_its_own_events(desk: Desk) -> None:
    event, ids = event_of(desk, "龙华区", "龙华区")
    fresh = events.split(desk, LONGHUA, event, appeal_ids=ids[:1])
    assert events.merge(desk, LONGHUA, into=event, others=[fresh.id]).size == 2


def test_alerts_follow_their_appeals_and_never_double(desk: Desk) -> None:
    one, (a,) = event_of(desk, "龙华区")
    two, (b,) = event_of(desk, "龙华区")
    raise_alert(desk, one, a, level=4)
    kept, moved = raise_alert(desk, two, b, level=4), raise_alert(desk, two, b, level=3)
    events.merge(desk, DISPATCHER, into=one, others=[two])
    where = {row["id"]: row["event_id"] for row in rows(desk.database, "alerts")}
    assert where[moved] == one
    assert where[kept] == two  # the event has an alert of that level already


def test_who_may_not_change_events_is_refused(desk: Desk) -> None:
    for role in ("intake", "analyst"):
        with pytest.raises(Refused, match=f"角色 {role} 无权并单、拆分、办结事件"):
            events.close(desk, person(role), uuid4())
        with pytest.raises(Refused, match=f"角色 {role} 无权签收预警"):
            alerts.acknowledge(desk, person(role), uuid4())


@both_ways()
def test_an_alert_is_acknowledged_once(database: Database) -> None:
    desk = fake_desk(database, clock=CLOCK)
    event, (appeal,) = event_of(desk, "龙华区")
    alert = raise_alert(desk, event, appeal)
    view = alerts.acknowledge(desk, LONGHUA, alert)
    assert (view.state, view.acknowledged_by, view.acknowledged_at) == ("acknowledged", LONGHUA.name, CLOCK())
    with pytest.raises(StateConflict, match="该预警已签收，无需重复签收"):
        alerts.acknowledge(desk, LONGHUA, alert)
    (label,) = rows(database, "feedback")
    assert (label["kind"], label["appeal_id"]) == ("acknowledge", appeal)
    assert [row["topic"] for row in rows(database, "outbox")] == ["alert.acknowledged"]


def test_an_alert_of_another_district_does_not_exist(desk: Desk) -> None:
    event, (appeal,) = event_of(desk, "秀英区")
    alert = raise_alert(desk, event, appeal, district="秀英区")
    with pytest.raises(NotFound, match=f"没有预警 {alert}，或不在可见区划内"):
        alerts.acknowledge(desk, LONGHUA, alert)
