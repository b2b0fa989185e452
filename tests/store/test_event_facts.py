"""What the store tells of events, in which orders it lists them, and that people's decisions are respected."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import count as counting
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import NullPool, create_engine, insert, select, text, update

from tests.store.filing import LONGHUA, file_appeal, file_event, rows
from tests.store_fixtures import TestServer, both_ways
from triage.casework import event_undo, events, privacy
from triage.casework.desk import Desk
from triage.casework.intake import NewAppeal
from triage.casework.receive import Receipt, receive
from triage.events.facts import EventMember, event_facts
from triage.store import event_counts, event_steps, schema, unsure
from triage.store import events as event_rows
from triage.store.access import EVERYWHERE, SYSTEM
from triage.store.database import Database
from triage.store.errors import NotFound, StateConflict
from triage.store.events import EventFilter, EventView
from triage.store.ids import new_id
from triage.store.migrations.running import upgrade
from triage.store.roles import OWNER
from triage.testing import PairCutter, fake_desk

NOON = datetime(2026, 11, 20, 4, tzinfo=UTC)
SMOKE = "柳溪路枫桥花园小区楼下烧烤店油烟直排，每天营业到凌晨两点，附近居民无法入睡，多次投诉没有结果"
OTHER = "云溪路御江湾小区地下车库积水没过脚踝，物业一周没有抽水，业主的车辆被泡坏了好几台"


@pytest.fixture
def desk(database: Database) -> Desk:
    minutes = counting()
    return fake_desk(database, clock=lambda: NOON + timedelta(minutes=next(minutes)))


def post(desk: Desk, text: str = SMOKE, *, day: int = 0, user: str = "", district: str = "龙华区") -> Receipt:
    at = NOON + timedelta(days=day, seconds=next(_SECONDS))
    return receive(desk, SYSTEM, NewAppeal(content=text, received_at=at, user=user, district=district))


_SECONDS = counting()


def several(desk: Desk, number: int, text: str = SMOKE, *, day: int = 0) -> UUID:
    """Copies of one appeal; their event."""
    (event,) = {post(desk, text, day=day).event_id for _ in range(number)}
    return event


def view_of(desk: Desk, event: UUID, scope: Any = EVERYWHERE, *, until: date | None = None) -> EventView:
    with desk.database.transaction(scope) as connection:
        return event_rows.get(connection, event, scope=scope, until=until, cutter=PairCutter())


def listed(desk: Desk, *, order: str = "last", scope: Any = EVERYWHERE, **wanted: Any) -> list[UUID]:
    with desk.database.transaction(scope) as connection:
        page = event_rows.page(connection, EventFilter(**wanted), scope=scope, order=order, cutter=PairCutter())
    return [view.id for view in page.items]


def events_of(desk: Desk) -> dict[UUID, UUID]:
    with desk.database.transaction(EVERYWHERE) as connection:
        table = schema.appeals.c
        return {row.id: row.event_id for row in connection.execute(select(table.id, table.event_id))}


@both_ways()
def test_an_event_tells_people_growth_and_since_when_it_is_frequent(database: Database) -> None:
    desk = fake_desk(database, clock=lambda: NOON)
    first = post(desk, user="甲")
    for day, user in ((1, "甲"), (2, "乙"), (2, ""), (9, "丙")):
        post(desk, day=day, user=user)
    told = view_of(desk, first.event_id, until=date(2026, 11, 29))
    assert (told.size, told.appellants) == (5, 4)
    assert (told.frequent_since, told.frequent_last) == (date(2026, 11, 22), date(2026, 11, 22))
    assert (told.growth.last_7, told.growth.before_7) == (1, 4)
    assert told.title == "柳溪路枫桥花园小区楼下烧烤店油烟直排"
    with desk.database.transaction(EVERYWHERE) as connection:
        days = event_rows.daily(connection, first.event_id)
    assert [(day.day, number) for day, number in days.items()] == [(20, 1), (21, 1), (22, 2), (29, 1)]


def test_the_store_and_a_file_tell_the_same(desk: Desk) -> None:
    first = post(desk, user="甲")
    for day in (1, 1, 2, 6):
        post(desk, day=day, user=str(day))
    told = view_of(desk, first.event_id)
    with desk.database.transaction(EVERYWHERE) as connection:
        read = [member for _, member in event_rows.members(connection, [first.event_id])]
    facts = event_facts(read, cutter=PairCutter())
    for name in ("title", "keywords", "district", "l1", "l2", "first_at", "last_at", "size", "appellants", "growth"):
        assert getattr(told, name) == getattr(facts, name), name
    assert told.frequent_since == facts.frequent_since
    assert told.risk_level == facts.risk_level


def test_the_first_appeals_proposed_unit_leads_until_most_have_another(desk: Desk) -> None:
    first, second = post(desk), post(desk)
    proposed = first.decision_record["unit"]["candidates"][0]["name"]
    assert view_of(desk, first.event_id).unit == proposed
    with desk.database.transaction(EVERYWHERE) as connection:
        connection.execute(
            update(schema.appeals).where(schema.appeals.c.id == second.appeal_id).values(unit="市生态环境局")
        )
    assert view_of(desk, first.event_id).unit == "市生态环境局"


def test_a_supplement_counts_as_no_ticket_of_its_own(desk: Desk) -> None:
    first = post(desk)
    post(desk)
    more = NewAppeal(
        content="补充：昨晚又到三点", supplements=str(first.appeal_id), district="龙华区", received_at=NOON
    )
    assert receive(desk, SYSTEM, more).event_id == first.event_id
    told = view_of(desk, first.event_id)
    assert (told.size, told.frequent_since) == (3, None)


def test_the_hottest_has_the_most_recent_appeals_and_the_largest_the_most(desk: Desk) -> None:
    old = several(desk, 5)
    new = several(desk, 2, OTHER, day=30)
    assert listed(desk, order="hot") == [new, old]
    assert listed(desk, order="size") == [old, new]
    assert listed(desk, order="last") == [new, old]
    quiet = post(desk, day=31).event_id
    assert quiet == old
    assert listed(desk, order="last") == [old, new]
    assert listed(desk, order="hot") == [new, old]  # two of a day ago against one and five long past


def test_the_order_of_heat_is_kept_beyond_the_reach_of_a_double(desk: Desk) -> None:
    ancient = post(desk, day=-36_000).event_id
    post(desk, day=-2)
    assert listed(desk, order="hot") == [ancient]
    (row,) = rows(desk.database, "events", id=ancient)
    assert row["hot"] == pytest.approx(event_counts.warmth(NOON - timedelta(days=2), 0), abs=1e-3)


@pytest.mark.parametrize("order", ["last", "hot", "size"])
def test_pages_hold_every_event_once(desk: Desk, order: str) -> None:
    texts = (SMOKE, SMOKE, OTHER, "书院巷井盖松动", "云溪路路灯整条不亮", "桃溪小学门口摆摊占道", SMOKE)
    known = {post(desk, text, day=k % 3).event_id for k, text in enumerate(texts)}
    seen: list[UUID] = []
    after: UUID | None = None
    with desk.database.transaction(EVERYWHERE) as connection:
        while True:
            page = event_rows.page(
                connection, EventFilter(), scope=EVERYWHERE, order=order, after=after, limit=2, cutter=PairCutter()
            )
            seen += [view.id for view in page.items]
            after = page.next
            if after is None:
                break
    assert len(seen) == len(set(seen)) == len(known)


def test_events_are_found_by_district_mark_and_watch(desk: Desk) -> None:
    often = several(desk, 3)
    once = post(desk, OTHER, district="秀英区").event_id
    assert listed(desk, frequent=True) == [often]
    assert listed(desk, frequent=False) == [once]
    assert listed(desk, district="秀英区") == [once]
    assert listed(desk, watched=True) == []
    assert events.watch(desk, SYSTEM, once, watched=True).watched
    events.watch(desk, SYSTEM, once, watched=True)
    assert listed(desk, watched=True) == [once]
    assert [step.kind for step in steps_of(desk, once)] == ["watch"]
    assert not events.watch(desk, SYSTEM, once, watched=False).watched


def test_a_district_is_told_of_its_own_appeals_only(desk: Desk) -> None:
    first = post(desk, user="甲")
    for day in (1, 2):
        post(desk, day=day, district="秀英区", user="乙")
    told = view_of(desk, first.event_id, LONGHUA.scope)
    assert (told.size, told.appellants, told.frequent_since) == (3, 1, None)
    assert told.growth.last_7 == 1
    assert listed(desk, frequent=True, scope=LONGHUA.scope) == []
    assert listed(desk, frequent=True) == [first.event_id]


def test_what_an_erased_appeal_said_leaves_title_and_keywords(desk: Desk) -> None:
    first = post(desk, user="甲")
    post(desk, day=1, user="乙")
    privacy.erase(desk, SYSTEM, "甲")
    privacy.erase(desk, SYSTEM, "乙")
    (row,) = rows(desk.database, "events", id=first.event_id)
    assert "枫桥" not in str(row["title"])
    assert row["keywords"] == []
    with desk.database.transaction(EVERYWHERE) as connection:
        ids = {"event_id": first.event_id, "district": "龙华区", "content": "书院巷井盖松动", "id": new_id(NOON)}
        connection.execute(insert(schema.appeals).values(**ids, received_at=NOON))
        event_counts.retitle(connection, [first.event_id], cutter=PairCutter())
    (row,) = rows(desk.database, "events", id=first.event_id)
    assert row["title"] == "书院巷井盖松动"  # and nothing of what stands where the erased texts stood


def steps_of(desk: Desk, event: UUID) -> Sequence[event_steps.EventStep]:
    with desk.database.transaction(EVERYWHERE) as connection:
        return event_steps.of_event(connection, event)


def parted_copy(desk: Desk) -> tuple[UUID, UUID, UUID]:
    """Two events of two copies and one copy that a person parted: event, the new one, the appeal in it."""
    first, _, third = post(desk), post(desk), post(desk)
    fresh = events.split(desk, SYSTEM, first.event_id, appeal_ids=[third.appeal_id], reason="不同楼栋")
    return first.event_id, fresh.id, third.appeal_id


def test_undoing_a_split_brings_everything_back_with_its_history(desk: Desk) -> None:
    event, fresh, appeal = parted_copy(desk)
    before = {row["verdict"] for row in rows(desk.database, "links")}
    assert "apart" in before
    view = event_undo.undo(desk, SYSTEM, fresh)
    assert (view.id, view.size) == (event, 3)
    assert events_of(desk)[appeal] == event
    assert {row["verdict"] for row in rows(desk.database, "links")} == {"same"}
    (gone,) = rows(desk.database, "events", id=fresh)
    assert (gone["state"], gone["merged_into"], gone["size"]) == ("merged", event, 0)
    assert [(step.kind, step.undone_at is not None) for step in steps_of(desk, event)] == [
        ("undo", False),
        ("split", True),
    ]
    with pytest.raises(StateConflict, match="没有可撤销的并单、拆分或判定"):
        event_undo.undo(desk, SYSTEM, event)


@both_ways()
def test_undoing_a_merge_restores_the_events_and_keeps_later_arrivals(database: Database) -> None:
    desk = fake_desk(database, clock=Ticking())
    one, two = post(desk), post(desk, OTHER)
    events.merge(desk, SYSTEM, into=one.event_id, others=[two.event_id])
    later = post(desk)
    assert later.event_id == one.event_id
    view = event_undo.undo(desk, SYSTEM, one.event_id)
    assert view.size == 2
    assert events_of(desk) == {
        one.appeal_id: one.event_id,
        later.appeal_id: one.event_id,
        two.appeal_id: two.event_id,
    }
    (back,) = rows(database, "events", id=two.event_id)
    assert (back["state"], back["merged_into"], back["size"]) == ("open", None, 1)
    assert "御江湾" in str(back["title"])


class Ticking:
    """Tells a later minute each time."""

    def __init__(self) -> None:
        self._minutes = counting()

    def __call__(self) -> datetime:
        return NOON + timedelta(minutes=next(self._minutes))


def test_a_later_appeal_like_one_part_of_a_merged_event_joins_it(desk: Desk) -> None:
    one, two = post(desk), post(desk, OTHER)
    for _ in range(3):
        post(desk)
    events.merge(desk, SYSTEM, into=one.event_id, others=[two.event_id])
    assert post(desk, OTHER).event_id == one.event_id  # though on average it is unlike the event
    event_undo.undo(desk, SYSTEM, one.event_id)
    assert post(desk, OTHER).event_id == two.event_id


def test_a_later_copy_of_what_a_person_parted_does_not_go_back(desk: Desk) -> None:
    first, second = post(desk), post(desk, OTHER)
    events.merge(desk, SYSTEM, into=first.event_id, others=[second.event_id])
    fresh = events.split(desk, SYSTEM, first.event_id, appeal_ids=[second.appeal_id])
    with desk.database.transaction(EVERYWHERE) as connection:
        connection.execute(update(schema.events).where(schema.events.c.id == fresh.id).values(state="closed"))
    later = post(desk, OTHER)
    assert later.event_id not in (first.event_id, fresh.id)


def test_steps_are_taken_back_in_the_order_they_were_made(desk: Desk) -> None:
    one, two, three = (post(desk, text) for text in (SMOKE, OTHER, "书院巷井盖松动"))
    events.merge(desk, SYSTEM, into=two.event_id, others=[three.event_id])
    events.merge(desk, SYSTEM, into=one.event_id, others=[two.event_id])
    with pytest.raises(StateConflict, match=f"事件 {one.event_id} 之后又有操作，请先撤销后一次操作"):
        event_undo.undo(desk, SYSTEM, three.event_id)
    event_undo.undo(desk, SYSTEM, one.event_id)
    event_undo.undo(desk, SYSTEM, two.event_id)
    assert events_of(desk) == {receipt.appeal_id: receipt.event_id for receipt in (one, two, three)}


def test_a_district_takes_back_what_is_all_its_own(desk: Desk) -> None:
    one, two = post(desk), post(desk, OTHER)
    events.merge(desk, LONGHUA, into=one.event_id, others=[two.event_id])
    (gone,) = rows(desk.database, "events", id=two.event_id)
    assert (gone["state"], gone["size"]) == ("merged", 0)
    assert event_undo.undo(desk, LONGHUA, one.event_id).size == 1
    assert events_of(desk)[two.appeal_id] == two.event_id


def test_a_closed_event_is_reopened_and_joined_again(desk: Desk) -> None:
    first = post(desk)
    with desk.database.transaction(EVERYWHERE) as connection:
        connection.execute(update(schema.events).values(state="closed"))
    assert events.reopen(desk, SYSTEM, first.event_id, reason="问题反弹").state == "open"
    assert post(desk).event_id == first.event_id
    with pytest.raises(StateConflict, match=f"事件 {first.event_id} 没有办结，无需重新打开"):
        events.reopen(desk, SYSTEM, first.event_id)
    (step,) = steps_of(desk, first.event_id)
    assert (step.kind, step.reason) == ("reopen", "问题反弹")


def unsure_pair(desk: Desk, *, district: str = "龙华区") -> tuple[UUID, UUID]:
    """Two appeals of two events with an unsure link; the newer one first."""
    older, newer = file_appeal(desk.database, days_ago=2), file_appeal(desk.database, district=district)
    with desk.database.transaction(EVERYWHERE) as connection:
        link = {"appeal_id": newer, "other_id": older, "probability": 0.6, "verdict": "unsure"}
        connection.execute(insert(schema.links).values(**link, at=desk.clock()))
        event_counts.recount(connection, set(events_of(desk).values()))
    return newer, older


def pairs(desk: Desk, scope: Any = EVERYWHERE, **more: Any) -> unsure.UnsurePage:
    with desk.database.transaction(scope) as connection:
        return unsure.page(connection, **more)


def test_unsure_pairs_are_listed_until_somebody_judges(desk: Desk) -> None:
    newer, older = unsure_pair(desk)
    (pair,) = pairs(desk).items
    assert (pair.appeal.appeal_id, pair.other.appeal_id, pair.probability) == (newer, older, 0.6)
    assert pairs(desk, least=0.7).items == ()
    view = event_undo.judge(desk, SYSTEM, appeal_id=newer, other_id=older, same=True)
    assert view.size == 2
    assert pairs(desk).items == ()
    with pytest.raises(NotFound, match="没有待判定的这一对诉求"):
        event_undo.judge(desk, SYSTEM, appeal_id=newer, other_id=older, same=False)
    event_undo.undo(desk, SYSTEM, view.id)
    assert len(set(events_of(desk).values())) == 2
    assert len(pairs(desk).items) == 1


def test_a_pair_judged_to_be_apart_stays_apart_until_taken_back(desk: Desk) -> None:
    newer, older = unsure_pair(desk)
    view = event_undo.judge(desk, SYSTEM, appeal_id=newer, other_id=older, same=False, reason="两个小区")
    assert len(set(events_of(desk).values())) == 2
    (link,) = rows(desk.database, "links")
    assert (link["verdict"], link["reason"]) == ("apart", "人工判定")
    assert pairs(desk).items == ()
    event_undo.undo(desk, SYSTEM, view.id)
    (link,) = rows(desk.database, "links")
    assert (link["verdict"], link["reason"]) == ("unsure", "")


def test_of_several_unsure_links_into_one_event_the_most_probable_is_listed(desk: Desk) -> None:
    event = file_event(desk.database, size=2)
    likely, less = (file_appeal(desk.database, event_id=event, days_ago=day) for day in (2, 3))
    newer = file_appeal(desk.database)
    with desk.database.transaction(EVERYWHERE) as connection:
        for other, probability in ((likely, 0.6), (less, 0.4)):
            link = {"appeal_id": newer, "other_id": other, "probability": probability, "verdict": "unsure"}
            connection.execute(insert(schema.links).values(**link, at=desk.clock()))
    assert [pair.other.appeal_id for pair in pairs(desk).items] == [likely]


def test_a_district_sees_no_pair_with_an_appeal_of_another(desk: Desk) -> None:
    unsure_pair(desk, district="秀英区")
    mine, _ = unsure_pair(desk)
    assert [pair.appeal.appeal_id for pair in pairs(desk, LONGHUA.scope).items] == [mine]
    page = pairs(desk, limit=1)
    assert page.next is not None
    rest = pairs(desk, after=page.next)
    assert len(rest.items) == 1
    assert rest.items != page.items


def test_the_same_stream_makes_the_same_events(desk: Desk) -> None:
    stream = [(SMOKE, 0), (OTHER, 0), (SMOKE, 1), ("书院巷井盖松动", 1), (OTHER, 2), (SMOKE, 2), (SMOKE, 5)]
    again = [_partition(desk, stream, offset) for offset in (0, 100)]
    assert again[0] == again[1]
    assert again[0] == [{0, 2, 5, 6}, {1, 4}, {3}]


def _partition(desk: Desk, stream: Sequence[tuple[str, int]], offset: int) -> list[set[int]]:
    mark = f"（第{offset}批）"
    found: dict[UUID, set[int]] = {}
    for number, (said, day) in enumerate(stream):
        found.setdefault(post(desk, said + mark, day=day + offset).event_id, set()).add(number)
    return list(found.values())


def test_an_upgrade_counts_what_is_stored(server: TestServer) -> None:
    event = uuid4()
    with server.empty() as name:
        url = server.url(name, role=OWNER)
        upgrade(url, target="0009")
        with create_engine(url, poolclass=NullPool).begin() as connection:
            connection.execute(text("INSERT INTO events (id, title, size) VALUES (:id, '路灯', 3)"), {"id": event})
            for day in (2, 3, 4):
                values = {"id": uuid4(), "event": event, "at": datetime(2026, 3, day, tzinfo=UTC)}
                row = "VALUES (:id, '路灯不亮', :event, :at, '生态环境', 1)"
                connection.execute(
                    text(f"INSERT INTO appeals (id, content, event_id, received_at, l1, risk_level) {row}"), values
                )
        upgrade(url)
        with create_engine(url, poolclass=NullPool).connect() as connection:
            (told,) = connection.execute(text("SELECT * FROM events")).all()
    assert (told.title, told.appellants, told.l1, told.titled) == ("路灯", 3, "生态环境", 0)
    assert (told.frequent_since, told.frequent_last) == (date(2026, 3, 4), date(2026, 3, 4))
    assert told.hot > event_counts.warmth(told.last_at, 1)


def test_a_member_of_the_store_is_a_member_of_an_event(desk: Desk) -> None:
    first = post(desk, user="甲")
    with desk.database.transaction(EVERYWHERE) as connection:
        ((event, member),) = event_rows.members(connection, [first.event_id])
    assert event == first.event_id
    assert isinstance(member, EventMember)
    assert member.content_masked.startswith("柳溪路枫桥花园")
