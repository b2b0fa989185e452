"""Terms of appeals: begun, met, extended, suspended, reminded once at half, at 80 % and when they are over."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import NullPool, create_engine, insert, update

from tests.store.filing import (
    DISPATCHER,
    LONGHUA,
    StandingClock,
    add_units,
    count,
    file_appeal,
    file_event,
    person,
    rows,
)
from tests.store_fixtures import TestServer
from triage.casework import term_lists, term_steps, terms, warnings
from triage.casework.desk import Desk
from triage.casework.term_lists import TermFilter
from triage.errors import InputError
from triage.rules import CityRules
from triage.rules.deadlines import CHINA
from triage.store import schema
from triage.store.access import EVERYWHERE
from triage.store.database import Database
from triage.store.errors import NotFound, Refused, StateConflict
from triage.store.feedback import Feedback
from triage.store.feedback import add as add_feedback
from triage.store.migrations.running import upgrade
from triage.store.roles import OWNER
from triage.store.terms import Term
from triage.testing import fake_desk

MONDAY = datetime(2026, 3, 2, 9, 30, tzinfo=CHINA)


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock(MONDAY)


@pytest.fixture
def desk(database: Database, clock: StandingClock) -> Desk:
    add_units(database)
    return fake_desk(database, clock=clock)


def at(moment: str) -> datetime:
    return datetime.fromisoformat(moment).replace(tzinfo=CHINA)


def begin(desk: Desk, appeal: UUID, step: str, **more: Any) -> Term:
    with desk.database.transaction(EVERYWHERE) as connection:
        found = terms.start(connection, desk, appeal, step, at=desk.clock(), **more)
    assert found is not None
    return found


def of(desk: Desk, appeal: UUID) -> dict[str, Term]:
    with desk.database.transaction(EVERYWHERE) as connection:
        return {term.step: term for term in terms.of(connection, appeal)}


def filed(database: Database, *, type_: str = "投诉", **more: Any) -> UUID:
    appeal = file_appeal(database, **more)
    with database.transaction(EVERYWHERE) as connection:
        connection.execute(update(schema.appeals).where(schema.appeals.c.id == appeal).values(type=type_))
    return appeal


def sweep(desk: Desk, moment: str) -> tuple[int, int, int]:
    found = terms.remind(desk, at(moment))
    assert found.failed == 0
    return found.half, found.most, found.overdue


def messages(database: Database, topic: str) -> list[Any]:
    return [row["payload"] for row in rows(database, "outbox", topic=topic)]


def test_a_complaint_is_finished_within_fifteen_working_days_and_reminded_on_the_way(
    desk: Desk, database: Database
) -> None:
    term = begin(desk, filed(database), terms.FINISH, unit="龙华区城管局")

    # March 2026 has no holiday: 3rd … 23rd are the 15 working days; half of them is the 8th at half past one.
    assert term.due_at == at("2026-03-23 23:59:59")
    assert (term.half_at, term.most_at) == (at("2026-03-12 13:30"), at("2026-03-19 09:00"))
    assert (term.rule, term.unit, term.state, term.reminded) == (
        "默认规则：15个工作日内办结",
        "龙华区城管局",
        "open",
        0,
    )
    assert rows(database, "appeals")[0]["finish_by"] == term.due_at


def test_each_mark_is_told_once_in_its_time(desk: Desk, database: Database) -> None:
    appeal = filed(database)
    term = begin(desk, appeal, terms.FINISH, unit="龙华区城管局")

    told = [sweep(desk, moment) for moment in ("2026-03-12 13:29", "2026-03-12 13:30", "2026-03-12 13:31")]
    assert told == [(0, 0, 0), (1, 0, 0), (0, 0, 0)]
    assert [sweep(desk, moment) for moment in ("2026-03-19 09:00", "2026-03-19 09:01")] == [(0, 1, 0), (0, 0, 0)]
    late = ("2026-03-23 23:59:59", "2026-03-24 00:00", "2026-03-24 00:01", "2026-06-01 00:00")
    assert [sweep(desk, moment) for moment in late] == [(0, 0, 0), (0, 0, 1), (0, 0, 0), (0, 0, 0)]
    assert [message["mark"] for message in messages(database, "term.reminded")] == [50, 80]
    (overdue,) = messages(database, "term.overdue")
    assert overdue == {
        "appeal_id": str(appeal),
        "term_id": term.id,
        "step": "finish",
        "name": "办结",
        "unit": "龙华区城管局",
        "district": "龙华区",
        "due_at": "2026-03-23T23:59:59+08:00",
        "mark": 100,
    }
    assert [row["actor"] for row in rows(database, "history", action="term.overdue")] == ["system"]


def test_a_sweep_that_comes_late_tells_the_latest_mark_only(desk: Desk, database: Database) -> None:
    begin(desk, filed(database), terms.FINISH)

    assert sweep(desk, "2026-04-20 10:00") == (0, 0, 1)
    assert messages(database, "term.reminded") == []


def test_a_clock_that_jumps_back_tells_nothing_twice(desk: Desk, database: Database) -> None:
    begin(desk, filed(database), terms.FINISH)

    assert sweep(desk, "2026-03-24 10:00") == (0, 0, 1)
    assert sweep(desk, "2026-03-13 10:00") == (0, 0, 0)
    assert sweep(desk, "2026-03-24 10:00") == (0, 0, 0)
    assert count(database, "outbox", topic="term.overdue") == 1


def test_two_sweeps_at_the_same_time_tell_each_term_once(desk: Desk, database: Database) -> None:
    for _ in range(12):
        begin(desk, filed(database), terms.FINISH)
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: terms.remind(desk, at("2026-03-24 10:00")), range(4)))

    # One that found an appeal held by another sweep left it alone.
    assert sum(one.overdue for one in found) == 12
    assert count(database, "outbox", topic="term.overdue") == 12


def test_one_appeal_that_fails_does_not_silence_the_others(
    desk: Desk, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken, sound = filed(database), filed(database)
    for appeal in (broken, sound):
        begin(desk, appeal, terms.FINISH)

    def fail(_connection: object, _desk: object, appeal_id: UUID) -> None:
        if appeal_id == broken:
            raise ValueError("broken")

    monkeypatch.setattr(warnings, "on_overdue", fail)
    found = terms.remind(desk, at("2026-03-24 10:00"))
    assert (found.overdue, found.failed) == (1, 1)
    assert [message["appeal_id"] for message in messages(database, "term.overdue")] == [str(sound)]
    monkeypatch.undo()
    assert terms.remind(desk, at("2026-03-24 10:05")).overdue == 1


def test_a_window_asks_nobody_and_shuts(desk: Desk, database: Database) -> None:
    appeal = filed(database)
    term = begin(desk, appeal, terms.RETURN, unit="龙华区城管局")

    assert term.due_at == at("2026-03-04 23:59:59")
    assert sweep(desk, "2026-03-10 10:00") == (0, 0, 0)
    with database.transaction(EVERYWHERE) as connection:
        assert not terms.passed(connection, appeal, terms.RETURN, at=at("2026-03-04 23:59:59"))
        assert terms.passed(connection, appeal, terms.RETURN, at=at("2026-03-05 00:00"))


def test_a_met_term_is_not_told_of_and_keeps_when(desk: Desk, database: Database, clock: StandingClock) -> None:
    appeal = filed(database)
    begin(desk, appeal, terms.SIGN, unit="龙华区城管局")
    clock.pass_(days=2)
    with database.transaction(EVERYWHERE) as connection:
        assert terms.meet(connection, appeal, terms.SIGN, at=clock())
        assert not terms.meet(connection, appeal, terms.SIGN, at=clock())

    met = of(desk, appeal)["sign"]
    assert (met.state, met.ended_at, met.is_over(at("2027-01-01 00:00"))) == ("met", clock(), True)
    assert sweep(desk, "2026-03-24 10:00") == (0, 0, 0)


def test_a_new_term_of_the_same_step_and_unit_takes_the_place_of_the_old_one(
    desk: Desk, database: Database, clock: StandingClock
) -> None:
    appeal = filed(database)
    begin(desk, appeal, terms.ASSIST, unit="甲局")
    begin(desk, appeal, terms.ASSIST, unit="乙局")
    clock.pass_(days=1)
    begin(desk, appeal, terms.ASSIST, unit="甲局")

    states = [(row["unit"], row["state"]) for row in rows(database, "terms")]
    assert sorted(states) == [("乙局", "open"), ("甲局", "dropped"), ("甲局", "open")]


def test_a_reassignment_does_not_give_a_later_end(desk: Desk, database: Database) -> None:
    appeal = filed(database)
    term = begin(desk, appeal, terms.FINISH, unit="龙华区城管局")
    with database.transaction(EVERYWHERE) as connection:
        terms.hand_over(connection, appeal, unit="龙华区住建局")

    assert of(desk, appeal)["finish"] == replace(term, unit="龙华区住建局")


def test_an_end_set_by_a_person_goes_before_the_rules(desk: Desk, database: Database) -> None:
    term = begin(desk, filed(database), terms.SUPERVISE, unit="龙华区城管局", due_at=at("2026-03-04 12:00"))

    assert (term.due_at, term.rule) == (at("2026-03-04 12:00"), "督办时限由人工指定")


def test_an_extension_counts_from_the_end_once_and_not_longer_than_allowed(
    desk: Desk, database: Database, clock: StandingClock
) -> None:
    appeal = filed(database)
    begin(desk, appeal, terms.FINISH)
    sweep(desk, "2026-03-19 09:00")
    clock.now = at("2026-03-19 10:00")
    with database.transaction(EVERYWHERE) as connection:
        with pytest.raises(StateConflict, match="每次延期最长10个工作日"):
            terms.extend(connection, desk, appeal, by="11 wd", at=clock())
        with pytest.raises(InputError, match="延期时长应写成"):
            terms.extend(connection, desk, appeal, by="soon", at=clock())
        term = terms.extend(connection, desk, appeal, by="5 wd", at=clock())
        assert term.due_at == at("2026-03-30 23:59:59")
        assert term.rule == "默认规则：延期5个工作日"
        with pytest.raises(StateConflict, match="只能延期1次"):
            terms.extend(connection, desk, appeal, by="1 wd", at=clock())
    assert rows(database, "appeals")[0]["finish_by"] == at("2026-03-30 23:59:59")
    # 20 working days now: 80 % is the 16th of them at its end, the 25th at nine; half was told already.
    assert [sweep(desk, m) for m in ("2026-03-25 08:59", "2026-03-25 09:00", "2026-03-31 09:00")] == [
        (0, 0, 0), (0, 1, 0), (0, 0, 1),
    ]  # fmt: skip


def test_what_is_over_is_not_extended(desk: Desk, database: Database) -> None:
    appeal = filed(database)
    begin(desk, appeal, terms.FINISH)
    with database.transaction(EVERYWHERE) as connection, pytest.raises(StateConflict, match="时限已过"):
        terms.extend(connection, desk, appeal, at=at("2026-03-24 00:00"))


def test_petitions_count_natural_days_and_are_extended_by_thirty(database: Database, clock: StandingClock) -> None:
    desk = replace(fake_desk(database, clock=clock), rules=CityRules.load(preset="XF"))
    appeal = filed(database)
    term = begin(desk, appeal, terms.FINISH)

    # 2 March + 60 natural days; half of the time runs evenly.
    assert term.due_at == at("2026-05-01 23:59:59")
    assert term.half_at == MONDAY + (term.due_at - MONDAY) / 2
    assert term.rule == "信访工作条例：60日内办结（XF-FINISH 第34条）"
    assert begin(desk, appeal, terms.OBJECTION).rule == "信访工作条例：5个工作日内提出职责异议（XF-DISPUTE 第23条）"
    with database.transaction(EVERYWHERE) as connection:
        extended = terms.extend(connection, desk, appeal, at=clock())
    assert extended.due_at == at("2026-05-31 23:59:59")
    assert extended.rule == "信访工作条例：延期30日（XF-EXTEND 第34条）"


def test_a_hearing_stops_the_clock(database: Database, clock: StandingClock) -> None:
    desk = replace(fake_desk(database, clock=clock), rules=CityRules.load(preset="XF"))
    appeal = filed(database)
    opinion = begin(desk, appeal, terms.REVIEW_OPINION)
    assert opinion.due_at == at("2026-04-01 23:59:59")
    with database.transaction(EVERYWHERE) as connection:
        terms.suspend(connection, appeal, terms.REVIEW_OPINION, at=at("2026-03-10 09:00"))
    assert sweep(desk, "2026-04-02 09:00") == (0, 0, 0)
    with database.transaction(EVERYWHERE) as connection:
        later = terms.resume(connection, desk, appeal, terms.REVIEW_OPINION, at=at("2026-03-24 15:00"))
        with pytest.raises(StateConflict, match="没有中止的“复查意见”时限"):
            terms.resume(connection, desk, appeal, terms.REVIEW_OPINION, at=at("2026-03-24 15:00"))
    assert later.due_at == at("2026-04-15 23:59:59")
    assert sweep(desk, "2026-04-16 09:00") == (0, 0, 1)


def test_what_was_over_before_it_came_in_is_listed_and_alarms_nobody(
    desk: Desk, database: Database, clock: StandingClock
) -> None:
    appeal = filed(database)
    then = clock() - timedelta(days=400)
    deadline = (then + timedelta(days=1), then + timedelta(days=21), "默认规则：投诉1个工作日内受理，15个工作日内办结")
    with database.transaction(EVERYWHERE) as connection:
        terms.begin(connection, desk, appeal, deadline=deadline, started_at=then, at=clock())

    assert sweep(desk, "2026-03-24 10:00") == (0, 0, 0)
    assert count(database, "outbox") == 0
    listed = term_lists.standing(database, DISPATCHER, TermFilter(overdue=True), now=desk.clock()).items
    assert [view.term.step for view in listed] == ["accept", "finish"]


def test_an_emergency_has_minutes(desk: Desk, database: Database) -> None:
    appeal = filed(database)
    record = {"unit": {"candidates": []}, "risk": {"emergency": 0.9}}
    decision = {"appeal_id": appeal, "version": 2, "record": record, "bundle": "fake", "actor": "system"}
    with database.transaction(EVERYWHERE) as connection:
        connection.execute(schema.decisions.insert().values(**decision, at=MONDAY))
        connection.execute(update(schema.appeals).values(decision_version=2))

    assert begin(desk, appeal, terms.SIGN).due_at == MONDAY + timedelta(minutes=15)
    assert begin(desk, appeal, terms.FINISH).due_at == MONDAY + timedelta(hours=2)


def test_a_step_without_a_rule_has_no_term(desk: Desk, database: Database) -> None:
    appeal = filed(database)
    with database.transaction(EVERYWHERE) as connection:
        assert terms.start(connection, desk, appeal, terms.TRANSFER, at=MONDAY) is None
        with pytest.raises(NotFound):
            terms.start(connection, desk, uuid4(), terms.FINISH, at=MONDAY)


def test_a_list_shows_what_ends_first_in_pages_and_in_the_own_district_only(desk: Desk, database: Database) -> None:
    ours, theirs = filed(database), filed(database, district="秀英区")
    for appeal in (ours, theirs):
        for step in (terms.FINISH, terms.SIGN, terms.RETURN):
            begin(desk, appeal, step, unit="龙华区城管局")

    page = term_lists.standing(database, LONGHUA, TermFilter(), now=desk.clock(), limit=1)
    assert [(view.term.step, view.name) for view in page.items] == [("sign", "接单")]
    assert page.next is not None
    rest = term_lists.standing(database, LONGHUA, TermFilter(), now=desk.clock(), after=page.next)
    assert [(view.term.appeal_id, view.term.step) for view in rest.items] == [(ours, "finish")]
    assert rest.next is None
    assert len(term_lists.standing(database, DISPATCHER, TermFilter(step="return"), now=desk.clock()).items) == 2
    assert term_lists.standing(database, DISPATCHER, TermFilter(unit="别的局"), now=desk.clock()).items == ()


def test_the_overdue_the_repeated_and_the_returned_are_to_be_supervised(
    desk: Desk, database: Database, clock: StandingClock
) -> None:
    late = filed(database, unit="龙华区城管局")
    begin(desk, late, terms.SIGN)
    begin(desk, late, terms.FINISH)
    event = file_event(database, size=3)
    first, *_ = [filed(database, event_id=event, days_ago=days) for days in (2, 1, 0)]
    pair = file_event(database, size=2)
    again, _ = [filed(database, event_id=pair, days_ago=days, appellant=b"x" * 32) for days in (2, 1)]
    calm = filed(database)
    returned = filed(database)
    label = Feedback(appeal_id=returned, decision_version=1, kind="return", actor="user:a", at=MONDAY)
    with database.transaction(EVERYWHERE) as connection:
        add_feedback(connection, [label, label])
    clock.now = at("2026-03-06 10:00")

    found = term_lists.to_supervise(database, DISPATCHER, now=clock())
    assert {one.appeal_id: one.reasons for one in found} == {
        late: ("接单超期2天",),
        first: ("同一事件3件",),
        again: ("同一诉求人反映2次",),
        returned: ("退单2次",),
    }
    assert found[0].appeal_id == late
    assert found[0].due_at == at("2026-03-03 23:59:59")
    assert calm not in {one.appeal_id for one in found}
    assert term_lists.to_supervise(database, person("dispatcher", "秀英区"), now=clock()) == []


def test_contact_is_noted_by_hand_and_the_terms_of_the_case_are_not(desk: Desk, database: Database) -> None:
    appeal = filed(database)

    begun = term_steps.act(desk, DISPATCHER, appeal, step="contact", action="begin", unit="龙华区城管局")
    assert [(term.step, term.state) for term in begun] == [("contact", "open")]
    met = term_steps.act(desk, DISPATCHER, appeal, step="contact", action="meet")
    assert [(term.step, term.state) for term in met] == [("contact", "met")]
    with pytest.raises(StateConflict, match="没有正在计算的“联系诉求人”时限"):
        term_steps.act(desk, DISPATCHER, appeal, step="contact", action="meet")
    with pytest.raises(InputError, match="随办理过程变化"):
        term_steps.act(desk, DISPATCHER, appeal, step="finish", action="meet")
    with pytest.raises(InputError, match="没有“登记转送”的时限，请指定"):
        term_steps.act(desk, DISPATCHER, appeal, step="transfer", action="begin")
    with pytest.raises(InputError, match="时限应晚于现在"):
        term_steps.act(
            desk, DISPATCHER, appeal, step="transfer", action="begin", due_at=datetime(2020, 1, 1, tzinfo=UTC)
        )
    with pytest.raises(Refused):
        term_steps.act(desk, person("analyst"), appeal, step="contact", action="begin")
    with pytest.raises(NotFound):
        term_steps.of(desk, person("dispatcher", "秀英区"), appeal)
    assert [row["action"] for row in rows(database, "history")] == ["term.begin", "term.meet"]


def test_what_was_in_hand_before_an_upgrade_has_a_term_afterwards(server: TestServer) -> None:
    now = datetime.now(UTC)
    ends = {"assigned": now + timedelta(days=6), "waiting": now - timedelta(days=1), "closed": now + timedelta(days=6)}
    with server.empty() as name:
        url = server.url(name, role=OWNER)
        upgrade(url, target="0003")
        with create_engine(url, poolclass=NullPool).connect() as connection:
            event = uuid4()
            connection.execute(insert(schema.events).values(id=event))
            for state, end in ends.items():
                row = {"id": uuid4(), "content": "x", "event_id": event, "case_state": state, "finish_by": end}
                connection.execute(insert(schema.appeals).values(**row, received_at=now - timedelta(days=2)))
            connection.commit()
        assert upgrade(url).fits
        database = Database(server.url(name))
        found = {row["due_at"]: row for row in rows(database, "terms")}
        database.close()
    assert set(found) == {ends["assigned"], ends["waiting"]}
    assert (found[ends["waiting"]]["reminded"], found[ends["waiting"]]["next_at"]) == (100, None)
    assert found[ends["assigned"]]["next_at"] == now + timedelta(days=2)
