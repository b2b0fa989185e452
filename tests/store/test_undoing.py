"""A dispatcher takes back the own dispatch before its unit is told: as if it had never been, and on record."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest

from tests.store.filing import (
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
from triage.casework import review, undoing
from triage.casework.cases import CaseView
from triage.casework.desk import Desk
from triage.casework.lifecycle import handling
from triage.store import appeals, history, outbox
from triage.store.access import EVERYWHERE
from triage.store.database import Database
from triage.store.errors import Refused, StateConflict
from triage.testing import fake_desk

CITY, HOUSING, _ = PROPOSED


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def desk(database: Database, clock: StandingClock) -> Desk:
    add_units(database)
    return fake_desk(database, clock=clock)


def dispatch(desk: Desk, appeal: UUID, unit: str | None = None) -> CaseView:
    return review.confirm(desk, DISPATCHER, appeal, unit=unit, hold=undoing.UNDO_FOR)


def test_an_undone_dispatch_waits_again_and_its_unit_is_never_told(database: Database, desk: Desk) -> None:
    appeal = file_appeal(database)
    dispatch(desk, appeal)
    view = undoing.undo(desk, DISPATCHER, appeal)
    assert (view.case_state, view.delivery_state, view.unit) == ("waiting", "proposed", "")
    with database.transaction(EVERYWHERE) as connection:
        topics = {message.topic for message in outbox.due(connection)}
    assert "appeal.dispatched" not in topics


def test_a_held_dispatch_does_not_leave_before_its_time(database: Database, desk: Desk) -> None:
    appeal = file_appeal(database)
    dispatch(desk, appeal)
    with database.transaction(EVERYWHERE) as connection:
        assert "appeal.dispatched" not in {message.topic for message in outbox.due(connection)}


def test_nothing_is_learned_from_an_undone_dispatch(database: Database, desk: Desk) -> None:
    appeal = file_appeal(database)
    dispatch(desk, appeal)
    undoing.undo(desk, DISPATCHER, appeal)
    assert count(database, "feedback") == 0


def test_the_history_keeps_the_dispatch_and_its_undoing(database: Database, desk: Desk) -> None:
    appeal = file_appeal(database)
    dispatch(desk, appeal)
    undoing.undo(desk, DISPATCHER, appeal)
    with database.transaction(EVERYWHERE) as connection:
        steps = history.of(connection, appeal)
    assert [step.action for step in steps][-2:] == ["appeal.confirmed", "appeal.undone"]
    assert steps[-1].detail["unit_from"] == CITY


def test_terms_of_the_unit_go_with_its_dispatch(database: Database, desk: Desk) -> None:
    appeal = file_appeal(database)
    before = {(row["step"], row["state"], row["unit"]) for row in rows(database, "terms")}
    dispatch(desk, appeal)
    undoing.undo(desk, DISPATCHER, appeal)
    after = {(row["step"], row["state"], row["unit"]) for row in rows(database, "terms") if row["state"] == "open"}
    assert after == {entry for entry in before if entry[1] == "open"}


def test_after_an_undoing_another_unit_can_be_chosen(database: Database, desk: Desk) -> None:
    appeal = file_appeal(database)
    dispatch(desk, appeal)
    undoing.undo(desk, DISPATCHER, appeal)
    assert dispatch(desk, appeal, HOUSING).unit == HOUSING
    assert [row["unit_to"] for row in rows(database, "feedback")] == [HOUSING]


def test_a_returned_appeal_is_a_returned_one_again(database: Database, desk: Desk) -> None:
    appeal = file_appeal(database)
    review.confirm(desk, DISPATCHER, appeal)
    review.send_back(desk, DISPATCHER, appeal, reason="不属本单位职责")
    dispatch(desk, appeal)
    view = undoing.undo(desk, DISPATCHER, appeal)
    assert (view.delivery_state, view.returned) == ("returned", (CITY,))


def test_when_the_time_is_over_it_is_too_late(database: Database, desk: Desk, clock: StandingClock) -> None:
    appeal = file_appeal(database)
    dispatch(desk, appeal)
    clock.now += undoing.UNDO_FOR + timedelta(seconds=1)
    with pytest.raises(StateConflict, match="撤销时限已过"):
        undoing.undo(desk, DISPATCHER, appeal)
    with database.transaction(EVERYWHERE) as connection:
        assert appeals.get(connection, appeal).unit == CITY


def test_a_dispatch_that_was_told_at_once_cannot_be_undone(database: Database, desk: Desk) -> None:
    appeal = file_appeal(database)
    review.confirm(desk, DISPATCHER, appeal)
    with database.transaction(EVERYWHERE) as connection:
        for message in outbox.due(connection):
            outbox.routed(connection, message.id, receivers=1)
    with pytest.raises(StateConflict, match="单位已收到"):
        undoing.undo(desk, DISPATCHER, appeal)


def test_nobody_undoes_what_somebody_else_did(database: Database, desk: Desk) -> None:
    appeal = file_appeal(database)
    dispatch(desk, appeal)
    with pytest.raises(StateConflict, match="不是您本人"):
        undoing.undo(desk, person("officer"), appeal)


def test_what_went_on_since_cannot_be_undone(database: Database, desk: Desk) -> None:
    appeal = file_appeal(database)
    dispatch(desk, appeal)
    handling.accept(desk, DISPATCHER, appeal)
    with pytest.raises(StateConflict):
        undoing.undo(desk, DISPATCHER, appeal)


def test_an_analyst_undoes_nothing(database: Database, desk: Desk) -> None:
    appeal = file_appeal(database)
    dispatch(desk, appeal)
    with pytest.raises(Refused):
        undoing.undo(desk, person("analyst"), appeal)


def test_a_dispatcher_of_the_district_undoes_too(database: Database, desk: Desk) -> None:
    appeal = file_appeal(database)
    review.confirm(desk, LONGHUA, appeal, hold=undoing.UNDO_FOR)
    assert undoing.undo(desk, LONGHUA, appeal).unit == ""


def test_it_is_offered_only_while_it_is_possible(database: Database, desk: Desk, clock: StandingClock) -> None:
    appeal = file_appeal(database)
    dispatch(desk, appeal)

    def offered() -> bool:
        with database.transaction(EVERYWHERE) as connection:
            return undoing.possible(connection, desk, DISPATCHER, appeals.get(connection, appeal))

    assert offered()
    clock.now += undoing.UNDO_FOR + timedelta(seconds=1)
    assert not offered()
