"""Reading stored appeals: masked, page by page, in one's own districts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from triage.casework.intake import NewAppeal
from triage.casework.receive import Receipt, receive, receive_many
from triage.store import appeals
from triage.store.access import EVERYWHERE, SYSTEM, Scope
from triage.store.appeals import AppealFilter, AppealView, Cursor
from triage.store.database import Database
from triage.store.errors import NotFound, StoreError
from triage.testing import dispatch_at_once, fake_desk

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SMOKE = "柳溪路枫桥花园小区楼下烧烤店油烟直排，每天营业到凌晨两点，附近居民无法入睡，多次投诉没有结果"
NORTH = Scope(("北屏区",))


def fill(database: Database, number: int) -> list[Receipt]:
    new = [
        NewAppeal(
            content=f"第{n}件{'讨薪' if n % 3 == 0 else '垃圾'}，电话13800138000",
            channel="热线" if n % 2 else "网站",
            district="北屏区" if n % 2 else "南汀区",
            received_at=NOON + timedelta(minutes=n // 2),
        )
        for n in range(number)
    ]
    desk = fake_desk(database, clock=lambda: NOON + timedelta(hours=1), dispatch=dispatch_at_once())
    return [answer for answer in receive_many(desk, SYSTEM, new) if isinstance(answer, Receipt)]


def test_pages_give_every_appeal_once_newest_first_though_more_arrive(database: Database) -> None:
    stored = fill(database, 25)
    seen: list[AppealView] = []
    after: Cursor | None = None
    while True:
        with database.transaction(EVERYWHERE) as connection:
            page = appeals.page(connection, after=after, limit=7)
        seen += page.items
        if page.next is None:
            break
        after = Cursor.parse(page.next.to_text())
        receive(fake_desk(database), SYSTEM, NewAppeal(content="迟到的垃圾", received_at=NOON + timedelta(days=1)))
    assert {view.id for view in seen} == {receipt.appeal_id for receipt in stored}
    assert len(seen) == 25
    assert [(view.received_at, view.id) for view in seen] == sorted(
        ((view.received_at, view.id) for view in seen), reverse=True
    )


@pytest.mark.parametrize(
    ("wanted", "number"),
    [
        (AppealFilter(), 24),
        (AppealFilter(channel="热线"), 12),
        (AppealFilter(district="南汀区"), 12),
        (AppealFilter(risk_at_least=3), 8),
        (AppealFilter(case_state="assigned", unit="城管局"), 16),
        (AppealFilter(delivery_state="proposed"), 8),
        (AppealFilter(since=NOON + timedelta(minutes=6)), 12),
        (AppealFilter(until=NOON + timedelta(minutes=6)), 12),
        (AppealFilter(words="讨薪 第3"), 1),
        (AppealFilter(words="%"), 0),
        (AppealFilter(event_id=uuid4()), 0),
    ],
)
def test_a_filter_keeps_what_it_names(database: Database, wanted: AppealFilter, number: int) -> None:
    fill(database, 24)
    with database.transaction(EVERYWHERE) as connection:
        assert len(appeals.page(connection, wanted, limit=200).items) == number


def test_only_ones_own_districts_are_read(database: Database) -> None:
    stored = fill(database, 6)
    with database.transaction(NORTH) as connection:
        page = appeals.page(connection)
        assert {view.district for view in page.items} == {"北屏区"}
        assert len(page.items) == 3
        hidden = stored[0].appeal_id
        for read in (appeals.get, appeals.record, appeals.similar):
            with pytest.raises(NotFound, match=str(hidden)):
                read(connection, hidden)
        assert appeals.get_many(connection, [receipt.appeal_id for receipt in stored]).keys() == {
            view.id for view in page.items
        }


def test_similar_appeals_of_other_districts_are_not_listed(database: Database) -> None:
    desk = fake_desk(database)
    mine, near, far = (
        receive(desk, SYSTEM, NewAppeal(content=SMOKE, district=name)) for name in ("北屏区", "北屏区", "南汀区")
    )
    with database.transaction(NORTH) as connection:
        assert [found.appeal.id for found in appeals.similar(connection, mine.appeal_id)] == [near.appeal_id]
    with database.transaction(EVERYWHERE) as connection:
        found = appeals.similar(connection, mine.appeal_id)
    assert {one.appeal.id for one in found} == {near.appeal_id, far.appeal_id}
    assert {one.verdict for one in found} == {"same"}


def test_no_reading_function_gives_raw_text(database: Database) -> None:
    (stored,) = fill(database, 1)
    with database.transaction(EVERYWHERE) as connection:
        told = repr((appeals.page(connection), appeals.get(connection, stored.appeal_id)))
    assert "13800138000" not in told
    assert "讨薪" in told


@pytest.mark.parametrize("text", ["", "abc", "不是", "MjAyNi0xMS0yMCAxMjM="])
def test_a_cursor_from_elsewhere_is_refused(text: str) -> None:
    with pytest.raises(StoreError, match="cursor"):
        Cursor.parse(text)


def test_a_version_that_does_not_exist_is_not_found(database: Database) -> None:
    (stored,) = fill(database, 1)
    with database.transaction(EVERYWHERE) as connection, pytest.raises(NotFound, match="第2版"):
        appeals.record(connection, stored.appeal_id, version=2)
