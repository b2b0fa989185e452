"""The queue: its orders, its trays, its pages, and who sees what of it."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import update

from tests.store.filing import CLOCK, DISPATCHER, LONGHUA, PROPOSED, add_units, file_appeal
from triage.casework import inbox, review
from triage.casework.desk import Desk
from triage.store import schema
from triage.store.access import EVERYWHERE
from triage.store.database import Database
from triage.store.inbox import DUE, LATEST, RISK, InboxFilter
from triage.testing import fake_desk


@pytest.fixture
def desk(database: Database) -> Desk:
    add_units(database)
    return fake_desk(database, clock=CLOCK)


def set_facts(database: Database, appeal: UUID, **values: object) -> UUID:
    with database.transaction(EVERYWHERE) as connection:
        connection.execute(update(schema.appeals).where(schema.appeals.c.id == appeal).values(**values))
    return appeal


def many(database: Database) -> list[UUID]:
    """Six appeals: later ones arrived later; levels 1, 4, 1, 4, 0, 4; the later the sooner due, the last without a term."""
    found = []
    for number, level in enumerate((1, 4, 1, 4, 0, 4)):
        at = CLOCK() + timedelta(minutes=number)
        due = None if number == 5 else CLOCK() + timedelta(days=9 - number)
        found.append(set_facts(database, file_appeal(database), received_at=at, risk_level=level, finish_by=due))
    return found


def ids(desk: Desk, wanted: InboxFilter, **more: object) -> list[UUID]:
    return [item.appeal.id for item in inbox.queue(desk, DISPATCHER, wanted, **more).items]  # type: ignore[arg-type]


def test_the_gravest_come_first_and_of_them_the_latest(database: Database, desk: Desk) -> None:
    a = many(database)
    assert ids(desk, InboxFilter(order=RISK)) == [a[5], a[3], a[1], a[2], a[0], a[4]]


def test_the_latest_come_first_if_so_wanted(database: Database, desk: Desk) -> None:
    a = many(database)
    assert ids(desk, InboxFilter(order=LATEST)) == a[::-1]


def test_the_soonest_due_come_first_if_so_wanted_and_those_without_a_term_last(database: Database, desk: Desk) -> None:
    a = many(database)
    assert ids(desk, InboxFilter(order=DUE)) == [a[4], a[3], a[2], a[1], a[0], a[5]]


@pytest.mark.parametrize("order", [RISK, LATEST, DUE])
def test_pages_hold_every_appeal_once_also_when_one_is_dispatched_meanwhile(
    database: Database, desk: Desk, order: str
) -> None:
    whole = many(database) and ids(desk, InboxFilter(order=order))
    first = inbox.queue(desk, DISPATCHER, InboxFilter(order=order), limit=2)
    assert first.next is not None
    review.confirm(desk, DISPATCHER, first.next)
    second = inbox.queue(desk, DISPATCHER, InboxFilter(order=order), after=first.next, limit=2)
    third = inbox.queue(desk, DISPATCHER, InboxFilter(order=order), after=second.next, limit=2)
    seen = [item.appeal.id for page in (first, second, third) for item in page.items]
    assert seen == whole
    assert third.next is None


def test_an_appeal_moves_from_tray_to_tray(database: Database, desk: Desk) -> None:
    appeal = file_appeal(database)
    assert inbox.trays(desk, DISPATCHER) == {"waiting": 1, "returned": 0, "held": 0, "assigned": 0}
    review.confirm(desk, DISPATCHER, appeal)
    assert inbox.trays(desk, DISPATCHER) == {"waiting": 0, "returned": 0, "held": 0, "assigned": 1}
    review.send_back(desk, DISPATCHER, appeal, reason="不属本单位职责")
    assert inbox.trays(desk, DISPATCHER) == {"waiting": 0, "returned": 1, "held": 0, "assigned": 0}
    assert ids(desk, InboxFilter(tray="returned")) == [appeal]


def test_a_district_sees_its_own_queue_only(database: Database, desk: Desk) -> None:
    mine, other = file_appeal(database), file_appeal(database, district="秀英区")
    page = inbox.queue(desk, LONGHUA, InboxFilter())
    assert [item.appeal.id for item in page.items] == [mine]
    assert other in ids(desk, InboxFilter())
    assert inbox.trays(desk, LONGHUA)["waiting"] == 1


def test_an_item_names_the_first_proposal(database: Database, desk: Desk) -> None:
    file_appeal(database)
    (item,) = inbox.queue(desk, DISPATCHER, InboxFilter()).items
    assert item.unit == PROPOSED[0]
    assert 0 < item.probability <= 1


def test_filters_narrow_the_queue(database: Database, desk: Desk) -> None:
    a = many(database)
    assert set(ids(desk, InboxFilter(level_at_least=4))) == {a[1], a[3], a[5]}
    assert ids(desk, InboxFilter(district="没有这个区")) == []


def test_a_dossier_leaves_out_units_that_returned_it(database: Database, desk: Desk) -> None:
    appeal = file_appeal(database)
    review.confirm(desk, DISPATCHER, appeal)
    review.send_back(desk, DISPATCHER, appeal, reason="不属本单位职责")
    found = inbox.dossier(desk, DISPATCHER, appeal)
    assert PROPOSED[0] not in {candidate["name"] for candidate in found.candidates}
    assert found.returned == (PROPOSED[0],)
    assert found.stage == "returned"
