"""What crosses districts, and what joins a ticket: hand-over, supplements, readable history, rates, erasure."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, select, text

from tests.store.filing import (
    CLOCK,
    DISPATCHER,
    LONGHUA,
    PROPOSED,
    StandingClock,
    add_units,
    count,
    file_appeal,
    person,
    rows,
)
from tests.store_fixtures import both_ways
from triage.casework import access, privacy, review
from triage.casework.desk import Desk
from triage.casework.intake import NewAppeal
from triage.casework.lifecycle import answering, assisting, extensions, handling, objections, satisfaction, supervising
from triage.casework.lifecycle.timeline import timeline
from triage.casework.receive import Receipt, receive, receive_many
from triage.directory import Directory, Unit
from triage.errors import InputError
from triage.store import schema
from triage.store.access import EVERYWHERE, SYSTEM, Actor, Scope
from triage.store.database import Database
from triage.store.errors import NotFound, Refused, StateConflict, StoreError
from triage.testing import FakeDecider, fake_active, fake_desk

CITY = PROPOSED[0]
XIUYING_UNIT = "秀英区城管局"
XIUYING = person("dispatcher", "秀英区")
WHY = "经核实属该区职责"
DISTRICTS = [
    Unit(name="龙华区城管局", level="区县", jurisdiction="龙华区", function="城管局"),
    Unit(name="秀英区城管局", level="区县", jurisdiction="秀英区", function="城管局"),
    Unit(name="市交警支队", level="市", function="交警"),
]
BROKEN = "秀英区长怡路的路灯坏了三天，晚上漆黑一片，请尽快派人修理，电话13900001234"


@pytest.fixture
def desk(database: Database) -> Desk:
    add_units(database)
    made = fake_desk(database, active=fake_active(), clock=CLOCK)
    triage = made.current().triage
    assert isinstance(triage, FakeDecider)
    triage.directory = Directory(DISTRICTS)
    return made


def seen_by(desk: Desk, actor: Actor, table: str) -> int:
    found = schema.metadata.tables[table]
    with desk.database.transaction(actor.scope) as connection:
        return len(connection.execute(select(found.c.appeal_id)).all())


def hang(desk: Desk, appeal: UUID, event: UUID) -> None:
    """Give an appeal a row in the tables that repeat its district."""
    vector = [1.0] + [0.0] * (schema.DIMENSIONS - 1)
    keys: dict[str, Any] = {"terms": [1], "places": [2], "packed": b"", "text_hash": 1, "district": "龙华区"}
    alert = {"id": uuid4(), "event_id": event, "appeal_id": appeal, "district": "龙华区", "level": 3, "reason": "r"}
    with desk.database.transaction(EVERYWHERE) as connection:
        row = {"appeal_id": appeal, "encoder": "e", "district": "龙华区", "vector": vector}
        connection.execute(insert(schema.vectors).values(row))
        connection.execute(insert(schema.signatures).values(appeal_id=appeal, **keys))
        connection.execute(insert(schema.alerts).values(**alert))


@both_ways()
def test_a_unit_of_another_district_takes_the_appeal_with_everything_that_hangs_on_it(database: Database) -> None:
    add_units(database)
    desk = fake_desk(database, clock=CLOCK)
    triage = desk.current().triage
    assert isinstance(triage, FakeDecider)
    triage.directory = Directory(DISTRICTS)
    appeal = file_appeal(database)
    (stored,) = rows(database, "appeals")
    hang(desk, appeal, UUID(str(stored["event_id"])))
    view = review.reassign(desk, LONGHUA, appeal, unit=XIUYING_UNIT, reason=WHY)
    assert (view.unit, view.district, view.decision_version) == (XIUYING_UNIT, "秀英区", 2)
    tables = ("vectors", "signatures", "alerts", "decisions", "history", "feedback", "terms")
    for table in tables:
        assert seen_by(desk, LONGHUA, table) == 0, table
        assert seen_by(desk, XIUYING, table) == count(database, table) > 0, table
    assert {row["district"] for row in rows(database, "events")} == {"秀英区"}
    with pytest.raises(NotFound, match="不在可见区划内"):
        handling.accept(desk, LONGHUA, appeal)
    assert handling.accept(desk, XIUYING, appeal).stage == "accepted"
    handed = rows(database, "history", action="appeal.handed_over")[0]["detail"]
    assert (handed["district_from"], handed["district"]) == ("龙华区", "秀英区")  # type: ignore[index]


def test_readers_of_the_new_district_see_no_similar_appeals_of_the_former(desk: Desk) -> None:
    first = receive(desk, LONGHUA, NewAppeal(content=BROKEN))
    second = receive(desk, LONGHUA, NewAppeal(content=BROKEN))
    assert second.decision_record["event"]["similar"] == [[str(first.appeal_id), 1.0]] or second.links
    review.reassign(desk, LONGHUA, second.appeal_id, unit=XIUYING_UNIT, reason=WHY)
    with desk.database.transaction(XIUYING.scope) as connection:
        row = connection.execute(select(schema.appeals.c.decision_version)).one()
        newest = select(schema.decisions.c.record).where(schema.decisions.c.version == row.decision_version)
        assert connection.execute(newest).scalar_one()["event"]["similar"] == []
    (event,) = rows(desk.database, "events")
    assert event["district"] == ""  # it spans both districts now


def test_a_unit_of_the_whole_city_leaves_the_appeal_where_it_is(desk: Desk) -> None:
    appeal = file_appeal(desk.database)
    view = review.reassign(desk, LONGHUA, appeal, unit="市交警支队", reason=WHY)
    assert (view.district, view.decision_version) == ("龙华区", 1)


def test_an_appeal_cannot_be_handed_over_by_somebody_who_does_not_see_it(desk: Desk) -> None:
    appeal = file_appeal(desk.database)
    with pytest.raises(Exception, match="SQLSTATE 42501"), desk.database.transaction(XIUYING.scope) as connection:
        connection.execute(text("SELECT appeal_hand_over(:id, '秀英区')"), {"id": appeal})
    assert rows(desk.database, "appeals")[0]["district"] == "龙华区"


def test_a_second_call_joins_the_open_ticket(desk: Desk) -> None:
    first = receive(desk, SYSTEM, NewAppeal(content=BROKEN, channel="热线", reference="R-1", district="龙华区"))
    review.confirm(desk, DISPATCHER, first.appeal_id, unit=CITY)
    again = NewAppeal(content="路灯的事，昨晚有人讨薪堵路，电话13900001234", channel="热线", supplements="R-1")
    second = receive(desk, LONGHUA, again, idempotency_key="k")
    assert (second.supplements, second.event_id) == (first.appeal_id, first.event_id)
    (stored,) = rows(desk.database, "appeals", id=second.appeal_id)
    assert (stored["case_state"], stored["unit"], stored["district"]) == ("joined", "", "龙华区")
    assert "13900001234" in str(stored["content_raw"])
    assert "13900001234" not in str(stored["content"])
    (ticket,) = rows(desk.database, "appeals", id=first.appeal_id)
    assert ticket["risk_level"] == 4  # what the second call tells of counts for the ticket
    (told,) = rows(desk.database, "outbox", topic="appeal.supplemented")
    assert told["payload"]["supplement_id"] == str(second.appeal_id)  # type: ignore[index]
    assert receive(desk, LONGHUA, again, idempotency_key="k").supplements == first.appeal_id
    shown = timeline(desk, LONGHUA, first.appeal_id)
    assert [one.id for one in shown.supplements] == [second.appeal_id]
    assert timeline(desk, LONGHUA, second.appeal_id).ticket == first.appeal_id


def test_a_supplement_is_no_case_of_its_own_and_goes_where_the_ticket_goes(desk: Desk) -> None:
    first = receive(desk, SYSTEM, NewAppeal(content=BROKEN, district="龙华区"))
    second = receive(desk, LONGHUA, NewAppeal(content="还是没有修好", supplements=str(first.appeal_id)))
    third = receive(desk, LONGHUA, NewAppeal(content="仍然没有修好", supplements=str(second.appeal_id)))
    assert third.supplements == first.appeal_id
    with pytest.raises(StateConflict, match="该件是补充件，随主单办理，不能单独确认"):
        review.confirm(desk, DISPATCHER, second.appeal_id)
    assert all(row["state"] != "open" for row in rows(desk.database, "terms", appeal_id=second.appeal_id))
    review.reassign(desk, LONGHUA, first.appeal_id, unit=XIUYING_UNIT, reason=WHY)
    assert {row["district"] for row in rows(desk.database, "appeals")} == {"秀英区"}


def test_a_ticket_that_is_closed_unknown_or_of_another_district_takes_no_supplement(desk: Desk) -> None:
    first = receive(desk, SYSTEM, NewAppeal(content=BROKEN, channel="热线", reference="R-1", district="龙华区"))
    more = NewAppeal(content="再次来电", channel="网站", supplements="R-1")
    for named, actor in (("R-2", LONGHUA), (str(uuid4()), LONGHUA), ("R-1", XIUYING)):
        with pytest.raises(NotFound, match="没有要补充的工单，或不在可见区划内"):
            receive(desk, actor, NewAppeal(content="再次来电", supplements=named))
    review.confirm(desk, DISPATCHER, first.appeal_id, unit=CITY)
    handling.finish(desk, DISPATCHER, first.appeal_id)
    with pytest.raises(StateConflict, match="该诉求已办结，不能再补充；确需继续请先重新办理"):
        receive(desk, LONGHUA, more)
    assert count(desk.database, "appeals") == 1


def test_one_bad_supplement_of_a_batch_spoils_no_other(desk: Desk) -> None:
    first = receive(desk, SYSTEM, NewAppeal(content=BROKEN, district="龙华区"))
    new = [
        NewAppeal(content="再次来电", supplements=str(first.appeal_id)),
        NewAppeal(content="再次来电", supplements="没有这个编号"),
        NewAppeal(content="另一件事", district="龙华区"),
    ]
    found = receive_many(desk, LONGHUA, new)
    assert [isinstance(one, Receipt) for one in found] == [True, False, True]


def test_the_timeline_names_people_keys_and_the_service(desk: Desk) -> None:
    user = access.add_user(
        desk.database, SYSTEM, name="zhaofei", password="eight geese over the river", role="officer", districts=["*"]
    )
    key = access.create_key(desk.database, SYSTEM, label="热线系统", role="dispatcher", districts=["*"])
    by_key = Actor(name=f"key:{key.key.id}", role="dispatcher", scope=Scope(("*",)))
    found = receive(desk, SYSTEM, NewAppeal(content=BROKEN, district="龙华区"))
    review.confirm(desk, by_key, found.appeal_id, unit=CITY)
    supervising.supervise(desk, user.actor, found.appeal_id, reason="重复反映")
    shown = timeline(desk, LONGHUA, found.appeal_id)
    assert [(entry.actor_name, entry.action_name) for entry in shown.entries] == [
        ("系统", "受理登记"),
        ("热线系统", "确认"),
        ("zhaofei", "督办"),
    ]
    assert (shown.stage, shown.stage_name, shown.unit) == ("dispatched", "派单", CITY)
    assert shown.names[shown.supervisions[0].issued_by] == "zhaofei"
    assert {term.step for term in shown.terms if term.state == "open"} >= {"sign", "supervise"}


def test_erasing_an_appeal_empties_the_reasons_of_all_its_steps(desk: Desk) -> None:
    secret, officer = "诉求人周大河多次来访", person("officer")
    found = receive(desk, SYSTEM, NewAppeal(content=BROKEN, district="龙华区", user="周大河"))
    appeal = found.appeal_id
    review.confirm(desk, DISPATCHER, appeal, unit=CITY)
    supervising.supervise(desk, officer, appeal, reason=secret)
    assisting.call_in(desk, DISPATCHER, appeal, units=["市供水公司"], reason=secret)
    objections.raise_objection(desk, DISPATCHER, appeal, reason=secret)
    objections.rule(desk, officer, appeal, uphold=False, reason=secret)
    with desk.database.transaction(EVERYWHERE) as connection:
        row = {"id": uuid4(), "appeal_id": appeal, "unit": CITY, "days": 1, "asked_by": "a"}
        connection.execute(insert(schema.lifecycle.extensions).values(**row, reason=secret, ruling=secret))
    privacy.erase(desk, person("admin"), "周大河")
    for table in ("objections", "extensions", "assistance", "supervisions", "feedback", "history", "outbox"):
        assert secret not in repr(rows(desk.database, table)), table
    assert count(desk.database, "objections") == count(desk.database, "assistance") == 1


def test_rates_count_each_case_once_and_the_appellants_own_word_first(desk: Desk) -> None:
    clock = StandingClock()
    moving = fake_desk(desk.database, clock=clock)
    said: list[dict[str, Any]] = [
        {"reached": True, "responded": True, "solved": True, "satisfaction": "satisfied"},
        {"reached": True, "responded": False, "solved": False, "satisfaction": "dissatisfied"},
        {"reached": True, "responded": True, "satisfaction": "fairly"},
        {"reached": False},
    ]
    appeals = []
    for answer in said:
        appeal = file_appeal(desk.database, unit=CITY)
        handling.finish(moving, DISPATCHER, appeal)
        answering.call_back(moving, DISPATCHER, appeal, **answer)
        appeals.append(appeal)
    clock.pass_(hours=1)
    answering.evaluate(moving, DISPATCHER, appeals[1], satisfaction="fairly", solved=True)
    since = clock() - timedelta(days=1)
    officer = person("officer")
    total, city = satisfaction.rates(moving, officer, since=since, until=clock() + timedelta(days=1))
    assert (total.asked, total.reached, city.unit) == (4, 3, CITY)
    assert total.response_rate == pytest.approx(2 / 3)
    assert total.solution_rate == pytest.approx(2 / 2)
    assert total.satisfaction_rate == pytest.approx(3 / 3)
    assert (total.satisfied, total.fairly) == (1, 2)
    (nobody,) = satisfaction.rates(moving, person("officer", "秀英区"), since=since, until=clock())
    assert (nobody.asked, nobody.response_rate, nobody.solution_rate, nobody.satisfaction_rate) == (0, None, None, None)
    with pytest.raises(InputError, match="统计时段应大于 0，且不超过 400 天"):
        satisfaction.rates(moving, officer, since=clock(), until=clock())
    with pytest.raises(Refused, match="无权查看报表"):
        satisfaction.rates(moving, person("intake"), since=since, until=clock())


def test_lists_show_only_the_own_districts(desk: Desk) -> None:
    appeal = file_appeal(desk.database, unit=CITY)
    objections.raise_objection(desk, LONGHUA, appeal, reason=WHY)
    assert [found.appeal_id for found in objections.waiting(desk, LONGHUA)] == [appeal]
    assert objections.waiting(desk, XIUYING) == []
    assert extensions.waiting(desk, XIUYING) == []


def test_answers_are_never_changed_by_the_service(desk: Desk) -> None:
    appeal = file_appeal(desk.database, unit=CITY)
    handling.finish(desk, DISPATCHER, appeal)
    answering.call_back(desk, DISPATCHER, appeal, reached=True, solved=False)
    for statement in ("UPDATE answers SET solved = true", "DELETE FROM answers"):
        with pytest.raises((StoreError, Exception), match="42501"), desk.database.transaction(EVERYWHERE) as connection:
            connection.execute(text(statement))
