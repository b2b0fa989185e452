"""What people decide about proposals: confirm, reassign, return; two states, one transaction, no unit twice."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert

from tests.store.filing import (
    CLOCK,
    DISPATCHER,
    LONGHUA,
    PROPOSED,
    UNITS,
    add_units,
    count,
    file_appeal,
    person,
    rows,
)
from tests.store_fixtures import both_ways
from triage.casework import review
from triage.casework.cases import CaseView
from triage.casework.desk import Desk
from triage.casework.lifecycle import handling
from triage.directory import Unit
from triage.errors import InputError
from triage.store import units
from triage.store.access import EVERYWHERE
from triage.store.database import Database
from triage.store.errors import NotFound, Refused, StateConflict
from triage.store.schema import decisions
from triage.testing import fake_desk

CITY, HOUSING, TRAFFIC = PROPOSED
Step = Callable[[Desk, UUID], CaseView]


@pytest.fixture
def desk(database: Database) -> Desk:
    add_units(database)
    return fake_desk(database, clock=CLOCK)


def confirm(desk: Desk, appeal: UUID) -> CaseView:
    return review.confirm(desk, DISPATCHER, appeal)


def send_back(desk: Desk, appeal: UUID) -> CaseView:
    return review.send_back(desk, DISPATCHER, appeal, reason="不属本单位职责")


def reassign(desk: Desk, appeal: UUID) -> CaseView:
    return review.reassign(desk, DISPATCHER, appeal, unit=TRAFFIC, reason="属于交警职责")


def accept(desk: Desk, appeal: UUID) -> CaseView:
    return handling.accept(desk, DISPATCHER, appeal)


def close(desk: Desk, appeal: UUID) -> CaseView:
    return handling.finish(desk, DISPATCHER, appeal)


@both_ways()
def test_confirming_dispatches_to_the_first_proposal(database: Database) -> None:
    add_units(database)
    appeal = file_appeal(database)
    view = confirm(fake_desk(database, clock=CLOCK), appeal)
    assert (view.case_state, view.delivery_state, view.unit, view.decision_version) == (
        "assigned",
        "dispatched",
        CITY,
        1,
    )
    (stored,) = rows(database, "appeals")
    assert (stored["case_state"], stored["delivery_state"], stored["unit"]) == ("assigned", "dispatched", CITY)


def test_a_confirmation_leaves_a_label_history_and_a_message(desk: Desk) -> None:
    appeal = file_appeal(desk.database)
    confirm(desk, appeal)
    (label,) = rows(desk.database, "feedback")
    assert (label["kind"], label["unit_from"], label["unit_to"], label["decision_version"]) == (
        "confirm",
        CITY,
        CITY,
        1,
    )
    assert label["actor"] == DISPATCHER.name
    (entry,) = rows(desk.database, "history")
    assert (entry["appeal_id"], entry["action"], entry["at"]) == (appeal, "appeal.confirmed", CLOCK())
    (message,) = rows(desk.database, "outbox")
    assert message["topic"] == "appeal.dispatched"
    assert message["payload"] == {
        "appeal_id": str(appeal),
        "unit": CITY,
        "unit_from": CITY,
        "decision_version": 1,
        "cause": "confirm",
        "district": "龙华区",
        "at": CLOCK().isoformat(),
    }


def test_confirming_another_proposal_is_a_label_with_both_units(desk: Desk) -> None:
    review.confirm(desk, DISPATCHER, file_appeal(desk.database), unit=HOUSING)
    (label,) = rows(desk.database, "feedback")
    assert (label["kind"], label["unit_from"], label["unit_to"]) == ("confirm", CITY, HOUSING)


def test_an_automatic_dispatch_can_be_confirmed_once(desk: Desk) -> None:
    appeal = file_appeal(desk.database, unit=CITY)
    assert confirm(desk, appeal).unit == CITY
    with pytest.raises(StateConflict, match=f"该诉求已派往{CITY}，如需更换请改派"):
        confirm(desk, appeal)


def test_a_unit_that_the_machine_told_is_not_told_again_when_a_person_agrees(desk: Desk) -> None:
    appeal = file_appeal(desk.database, unit=CITY)
    confirm(desk, appeal)
    assert [row["topic"] for row in rows(desk.database, "outbox")] == ["appeal.dispatch_kept"]
    (label,) = rows(desk.database, "feedback")
    assert (label["kind"], label["unit_from"], label["unit_to"]) == ("confirm", CITY, CITY)


def test_an_automatic_dispatch_is_not_changed_by_a_confirmation(desk: Desk) -> None:
    with pytest.raises(StateConflict, match="如需更换请改派"):
        review.confirm(desk, DISPATCHER, file_appeal(desk.database, unit=CITY), unit=HOUSING)


def test_of_two_confirmations_at_once_one_is_a_conflict(desk: Desk) -> None:
    appeal = file_appeal(desk.database)

    def attempt(unit: str) -> str:
        try:
            return review.confirm(desk, DISPATCHER, appeal, unit=unit).unit
        except StateConflict:
            return "conflict"

    with ThreadPoolExecutor(2) as threads:
        outcomes = sorted(threads.map(attempt, [CITY, HOUSING]))
    assert "conflict" in outcomes
    assert count(desk.database, "feedback") == 1


def test_reassigning_needs_a_reason_and_another_unit(desk: Desk) -> None:
    appeal = file_appeal(desk.database, unit=CITY)
    for reason in ("", " ", "无", "x" * 501, "a\x00b", "半个\ud800字"):
        with pytest.raises(InputError, match="请写明理由（2 至 500 字）"):
            review.reassign(desk, DISPATCHER, appeal, unit=HOUSING, reason=reason)
    with pytest.raises(StateConflict, match=f"该诉求已在{CITY}，无需改派"):
        review.reassign(desk, DISPATCHER, appeal, unit=CITY, reason="再派一次")
    view = review.reassign(desk, DISPATCHER, appeal, unit=HOUSING, reason="属于住建职责")
    assert view.unit == HOUSING
    (label,) = rows(desk.database, "feedback")
    assert (label["kind"], label["unit_from"], label["unit_to"], label["reason"]) == (
        "reassign",
        CITY,
        HOUSING,
        "属于住建职责",
    )
    assert "属于住建职责" not in repr(rows(desk.database, "history")) + repr(rows(desk.database, "outbox"))


def test_a_returned_unit_is_not_proposed_again(desk: Desk) -> None:
    appeal = file_appeal(desk.database)
    confirm(desk, appeal)
    view = send_back(desk, appeal)
    assert (view.case_state, view.delivery_state, view.unit) == ("waiting", "returned", "")
    assert view.decision_version == 2
    assert [name for name, _ in view.candidates] == [HOUSING, TRAFFIC]
    assert view.returned == (CITY,)
    assert confirm(desk, appeal).unit == HOUSING


def test_every_version_of_the_proposal_is_kept(desk: Desk) -> None:
    appeal = file_appeal(desk.database)
    confirm(desk, appeal)
    send_back(desk, appeal)
    first, second = sorted(rows(desk.database, "decisions"), key=lambda row: str(row["version"]))
    old: Any = first["record"]
    new: Any = second["record"]
    assert [c["name"] for c in old["unit"]["candidates"]] == list(PROPOSED)
    assert [c["name"] for c in new["unit"]["candidates"]] == [HOUSING, TRAFFIC]
    assert new["unit"]["decision"] == "review"
    assert new["unit"]["reason"] == f"{CITY}已退单，请在其余候选单位中确认"
    assert new["explanation"][-1] == {"kind": "rule", "text": f"{CITY}已退单，不再建议"}
    assert (second["bundle"], second["actor"]) == ("fake", DISPATCHER.name)


def test_a_unit_may_name_whose_duty_it_is(desk: Desk) -> None:
    appeal = file_appeal(desk.database, unit=CITY)
    view = review.send_back(desk, DISPATCHER, appeal, reason="属供水公司", proposed_unit="市供水公司")
    assert [name for name, _ in view.candidates] == ["市供水公司", HOUSING, TRAFFIC]
    assert confirm(desk, appeal).unit == "市供水公司"
    with pytest.raises(InputError, match=f"{CITY}已退回该诉求，不能作为建议单位"):
        review.send_back(desk, DISPATCHER, appeal, reason="不属职责", proposed_unit=CITY)


def test_sending_it_to_a_unit_that_returned_it_needs_an_express_word(desk: Desk) -> None:
    appeal = file_appeal(desk.database, unit=CITY)
    send_back(desk, appeal)
    with pytest.raises(StateConflict, match=f"{CITY}已退回该诉求；确需再派请改派，写明理由并选择“仍派该单位”"):
        review.confirm(desk, DISPATCHER, appeal, unit=CITY)
    with pytest.raises(StateConflict, match="确需再派请写明理由并选择“仍派该单位”"):
        review.reassign(desk, DISPATCHER, appeal, unit=CITY, reason="复核后仍属其职责")
    view = review.reassign(desk, DISPATCHER, appeal, unit=CITY, reason="复核后仍属其职责", override=True)
    assert view.unit == CITY


def test_when_every_proposal_was_returned_a_person_must_name_a_unit(desk: Desk) -> None:
    appeal = file_appeal(desk.database, proposed=[CITY], unit=CITY)
    assert send_back(desk, appeal).candidates == ()
    with pytest.raises(InputError, match="该诉求没有可确认的建议单位，请指定承办单位"):
        confirm(desk, appeal)
    assert review.confirm(desk, DISPATCHER, appeal, unit=TRAFFIC).unit == TRAFFIC


def test_whoever_saw_an_older_proposal_is_told(desk: Desk) -> None:
    appeal = file_appeal(desk.database, unit=CITY)
    send_back(desk, appeal)
    with pytest.raises(StateConflict, match="该诉求已有新的研判（第2版，所见为第1版），请刷新后再操作"):
        review.confirm(desk, DISPATCHER, appeal, seen=1)
    assert review.confirm(desk, DISPATCHER, appeal, seen=2).unit == HOUSING


@pytest.mark.parametrize(
    ("before", "step", "problem"),
    [
        ([], send_back, "该诉求尚未派单，不能退单；请先确认或改派承办单位"),
        ([], accept, "该诉求尚未派单，不能签收"),
        ([], close, "该诉求尚未派单，不能办结"),
        ([confirm, accept], accept, f"{CITY}已签收该诉求，不能再签收；如需更换单位请改派"),
        ([confirm, accept], confirm, f"{CITY}已签收该诉求，不能再确认；如需更换单位请改派"),
        ([confirm, close], confirm, "该诉求已办结，不能再确认"),
        ([confirm, close], reassign, "该诉求已办结，不能再改派"),
        ([confirm, close], send_back, "该诉求已办结，不能再退单"),
        ([confirm, close], close, "该诉求已办结，不能再办结"),
        ([confirm, send_back], send_back, "该诉求尚未派单，不能退单"),
    ],
)
def test_a_step_that_is_not_possible_is_refused_with_a_word(
    desk: Desk, before: list[Step], step: Step, problem: str
) -> None:
    appeal = file_appeal(desk.database)
    for earlier in before:
        earlier(desk, appeal)
    left = [count(desk.database, table) for table in ("feedback", "history", "outbox", "decisions")]
    with pytest.raises(StateConflict, match=problem):
        step(desk, appeal)
    assert [count(desk.database, table) for table in ("feedback", "history", "outbox", "decisions")] == left


@pytest.mark.parametrize(
    ("path", "case_state", "delivery_state"),
    [
        ([confirm], "assigned", "dispatched"),
        ([confirm, accept], "assigned", "accepted"),
        ([confirm, accept, send_back], "waiting", "returned"),
        ([confirm, accept, reassign], "assigned", "dispatched"),
        ([confirm, send_back, confirm, close], "closed", "dispatched"),
        ([confirm, accept, close], "closed", "accepted"),
        ([reassign], "assigned", "dispatched"),
    ],
)
def test_a_case_goes_through_its_two_states(desk: Desk, path: list[Step], case_state: str, delivery_state: str) -> None:
    appeal = file_appeal(desk.database)
    for step in path:
        view = step(desk, appeal)
    assert (view.case_state, view.delivery_state) == (case_state, delivery_state)
    assert count(desk.database, "history") == len(path)
    assert count(desk.database, "outbox") == len(path)


def test_a_unit_that_does_not_exist_is_refused_with_the_nearest_names(desk: Desk) -> None:
    with pytest.raises(InputError, match="单位“龙华区城管”不在单位名录中或已停用；相近的有：龙华区城管局、") as caught:
        review.confirm(desk, DISPATCHER, file_appeal(desk.database), unit="龙华区城管")
    assert str(caught.value).count("、") == 2


@pytest.mark.parametrize("name", ["", "\x00", "\ud800", "局" * 10_000, "%s'; --"])
def test_no_name_however_odd_breaks_anything(desk: Desk, name: str) -> None:
    with pytest.raises(InputError, match="不在单位名录中或已停用"):
        review.reassign(desk, DISPATCHER, file_appeal(desk.database), unit=name, reason="改派")


def test_an_alias_that_belongs_to_one_unit_is_understood(desk: Desk) -> None:
    listed = [Unit(name=name, level="市", aliases=(f"{name[-4:]}别名",)) for name in UNITS]
    with desk.database.transaction(EVERYWHERE) as connection:
        units.replace_all(connection, listed, actor="system", at=CLOCK())
    assert review.confirm(desk, DISPATCHER, file_appeal(desk.database), unit="供水公司别名").unit == "市供水公司"
    with pytest.raises(InputError, match="不在单位名录中"):  # 龙华区城管局 and 秀英区城管局 share it
        review.confirm(desk, DISPATCHER, file_appeal(desk.database), unit="区城管局别名")


def test_a_unit_that_exists_no_more_on_the_day_is_refused(desk: Desk) -> None:
    gone = Unit(name="市城管支队", level="市", valid_to=date(2026, 3, 1))
    coming = Unit(name="市城管总队", level="市", valid_from=date(2026, 3, 3))
    today = Unit(name="市城管大队", level="市", valid_from=date(2026, 3, 2), valid_to=date(2026, 3, 2))
    with desk.database.transaction(EVERYWHERE) as connection:
        units.replace_all(connection, [gone, coming, today], actor="system", at=CLOCK())
    for unit in (gone, coming):
        with pytest.raises(InputError, match="不在单位名录中或已停用；相近的有：市城管大队"):
            review.confirm(desk, DISPATCHER, file_appeal(desk.database), unit=unit.name)
    assert review.confirm(desk, DISPATCHER, file_appeal(desk.database), unit=today.name).unit == today.name


def test_without_a_list_of_units_only_proposals_are_known(database: Database) -> None:
    desk = fake_desk(database, clock=CLOCK)
    assert review.confirm(desk, DISPATCHER, file_appeal(database), unit=HOUSING).unit == HOUSING
    with pytest.raises(InputError, match="请先用 triage units import 导入单位名录"):
        review.confirm(desk, DISPATCHER, file_appeal(database), unit="xyz")


@pytest.mark.parametrize(
    "step",
    [
        lambda desk, appeal: review.confirm(desk, LONGHUA, appeal),
        lambda desk, appeal: review.reassign(desk, LONGHUA, appeal, unit=TRAFFIC, reason="改派"),
        lambda desk, appeal: review.send_back(desk, LONGHUA, appeal, reason="退回"),
        lambda desk, appeal: handling.accept(desk, LONGHUA, appeal),
        lambda desk, appeal: handling.finish(desk, LONGHUA, appeal),
    ],
    ids=["confirm", "reassign", "send_back", "accept", "close"],
)
def test_a_districts_dispatcher_cannot_touch_another_districts_case(desk: Desk, step: Step) -> None:
    appeal = file_appeal(desk.database, district="秀英区", unit=CITY)
    with pytest.raises(NotFound, match=f"没有诉求 {appeal}，或不在可见区划内"):
        step(desk, appeal)
    assert count(desk.database, "feedback") == 0


def test_a_districts_dispatcher_works_in_the_own_district(desk: Desk) -> None:
    appeal = file_appeal(desk.database)
    assert review.confirm(desk, LONGHUA, appeal).unit == CITY
    assert review.send_back(desk, LONGHUA, appeal, reason="不属职责").returned == (CITY,)


def test_an_unknown_appeal_and_a_missing_right_are_refused(desk: Desk) -> None:
    with pytest.raises(NotFound, match="没有诉求"):
        confirm(desk, uuid4())
    for role in ("intake", "analyst"):
        with pytest.raises(Refused, match=f"角色 {role} 无权确认、改派、退单；需要的角色：admin、dispatcher、officer"):
            review.confirm(desk, person(role), uuid4())


def test_a_case_without_a_record_needs_a_named_unit(desk: Desk) -> None:
    appeal = file_appeal(desk.database, proposed=[])
    with pytest.raises(InputError, match="没有可确认的建议单位"):
        confirm(desk, appeal)
    assert review.confirm(desk, DISPATCHER, appeal, unit=TRAFFIC).unit == TRAFFIC


def test_a_failure_in_the_middle_leaves_nothing(desk: Desk) -> None:
    appeal = file_appeal(desk.database, unit=CITY)
    with desk.database.transaction(EVERYWHERE) as connection:  # version 2 is there already: writing it will fail
        row = {"appeal_id": appeal, "version": 2, "record": {}, "bundle": "fake", "actor": "x"}
        connection.execute(insert(decisions).values(**row))
    with pytest.raises(Exception, match="SQLSTATE 23505"):
        send_back(desk, appeal)
    assert count(desk.database, "feedback") + count(desk.database, "history") + count(desk.database, "outbox") == 0
    assert rows(desk.database, "appeals")[0]["unit"] == CITY
