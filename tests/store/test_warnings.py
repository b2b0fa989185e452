"""Levels of events rise, each time with a stated reason; everybody concerned is told once."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, update

from tests.store.filing import StandingClock, count, file_appeal, file_event, person, rows
from tests.store_fixtures import both_ways
from training.early_figures import Run
from training.early_replay import Arrived
from triage.casework import events, privacy, warnings
from triage.casework.desk import Desk
from triage.casework.intake import NewAppeal
from triage.casework.receive import Receipt, receive
from triage.rules.warnings import FREQUENT, GROWTH, OVERDUE, REPEAT, RETURNED, Step, WarningRules
from triage.store import escalations, schema
from triage.store.access import EVERYWHERE, SYSTEM, Scope
from triage.store.database import Database
from triage.testing import fake_desk

WASTE = "青石大道农贸市场门口垃圾堆放无人清理，夏天气味很大，附近居民多次反映一直没有结果，请尽快安排清运"
WAGES = "云溪路工地的工人，讨薪三个月没有结果，包工头一直不露面，请帮助我们"
NORTH, SOUTH = "北屏区", "南汀区"

ANY = {code: Step(number, 0.0, 3) for code, number in ((REPEAT, 2), (FREQUENT, 3), (GROWTH, 4), (RETURNED, 2))}
RULES = WarningRules(
    alert_from=2,
    window_days=30,
    frequent_days=3,
    likely=(),
    steps={**ANY, OVERDUE: Step(1, 0.0, 4)},
    growth=(4,),
    heads={3: 20, 4: 50},
)
"""The fake models know level 0 and 4 only, so alerts begin at 2 here and any text will do."""


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock(datetime(2026, 3, 2, 1, tzinfo=UTC))


@pytest.fixture
def desk(database: Database, clock: StandingClock) -> Desk:
    return with_rules(fake_desk(database, clock=clock), RULES)


def with_rules(desk: Desk, rules: WarningRules) -> Desk:
    return replace(desk, rules=replace(desk.rules, warnings=rules))


def post(desk: Desk, text: str = WASTE, *, user: str = "", district: str = NORTH) -> Receipt:
    return receive(desk, SYSTEM, NewAppeal(content=text, user=user, district=district))


def post_all(desk: Desk, clock: StandingClock, people: Sequence[str], *, hours: float = 1) -> UUID:
    """Post one appeal per person about one matter, so many hours apart."""
    found = []
    for user in people:
        found.append(post(desk, user=user).event_id)
        clock.pass_(hours=hours)
    assert len(set(found)) == 1
    return found[0]


def rises(database: Database, **equal: object) -> list[tuple[object, ...]]:
    """Return (district, ground, level before, level after) of what was written, in order."""
    found = sorted(rows(database, "escalations", **equal), key=lambda row: int(str(row["id"])))
    return [(row["district"], row["ground"], row["level_from"], row["level_to"]) for row in found]


def alerts(database: Database) -> list[tuple[object, ...]]:
    return [(row["district"], row["level"], row["reason"]) for row in rows(database, "alerts")]


@both_ways()
def test_a_red_appeal_is_written_down_and_told_with_its_reason(database: Database) -> None:
    desk = fake_desk(database)
    found = post(desk, WAGES)
    assert rises(database) == [(NORTH, "risk", 0, 4)]
    assert alerts(database) == [(NORTH, 4, "风险等级4级（红）")]
    (message,) = rows(database, "outbox", topic="alert.raised")
    (alert,) = rows(database, "alerts")
    assert message["payload"] == {
        "alert_id": str(alert["id"]),
        "event_id": str(found.event_id),
        "appeal_id": str(found.appeal_id),
        "level": 4,
        "district": NORTH,
        "grounds": ["risk"],
    }


def test_an_ordinary_appeal_leaves_nothing(database: Database) -> None:
    post(fake_desk(database))
    assert count(database, "escalations") == count(database, "alerts") == 0


def test_the_same_appellant_coming_again_raises_the_level(desk: Desk, clock: StandingClock) -> None:
    post_all(desk, clock, ["甲", "甲"], hours=200)
    assert rises(desk.database) == [(NORTH, "repeat", 0, 1)]


def test_three_tickets_within_three_days_are_frequent(desk: Desk, clock: StandingClock) -> None:
    event = post_all(desk, clock, ["甲", "乙", "丙"], hours=24)
    assert rises(desk.database, event_id=event) == [(NORTH, "frequent", 0, 1)]
    (row,) = rows(desk.database, "escalations")
    assert row["reason"] == "多频：连续3个自然日内3件"


def test_three_tickets_over_four_days_are_not_frequent(desk: Desk, clock: StandingClock) -> None:
    post_all(desk, clock, ["甲", "乙", "丙"], hours=36)
    assert rises(desk.database) == []


def test_natural_days_are_those_of_china(desk: Desk, clock: StandingClock) -> None:
    clock.now = datetime(2026, 3, 1, 15, 30, tzinfo=UTC)  # 23:30 in Shanghai; the third follows on the fourth day there
    for hours in (24.0, 25.0, 0.0):
        post(desk)
        clock.pass_(hours=hours)
    assert rises(desk.database) == []


def test_a_supplement_is_no_ticket_of_its_own(desk: Desk, clock: StandingClock) -> None:
    first = post(desk, user="甲")
    second = post(desk, user="乙")
    with desk.database.transaction(EVERYWHERE) as connection:
        joined = update(schema.appeals).where(schema.appeals.c.id == second.appeal_id)
        connection.execute(joined.values(supplements=first.appeal_id))
    post(desk, user="丙")
    assert rises(desk.database) == []


def test_grounds_add_up_and_the_alert_names_those_that_reached_the_level(desk: Desk, clock: StandingClock) -> None:
    post_all(desk, clock, ["甲", "乙", "丙", "丁", "戊"])
    assert rises(desk.database) == [(NORTH, "frequent", 0, 1), (NORTH, "growth", 1, 2)]
    assert alerts(desk.database) == [(NORTH, 2, "30天内4人反映，达到4人")]


def test_a_ground_on_top_of_its_cap_is_still_written_but_tells_nobody_again(database: Database) -> None:
    desk = with_rules(fake_desk(database), RULES)
    post(desk, WAGES, user="甲")
    post(desk, WAGES, user="甲")
    assert rises(database) == [(NORTH, "risk", 0, 4), (NORTH, "repeat", 4, 4)]
    assert count(database, "alerts") == count(database, "outbox", topic="alert.raised") == 1


def test_people_without_a_name_count_one_each(desk: Desk, clock: StandingClock) -> None:
    post_all(desk, clock, ["", "", "甲", "甲", ""], hours=48)
    assert (NORTH, "growth", 1, 2) in rises(desk.database)


def test_nobody_is_counted_after_the_window(desk: Desk, clock: StandingClock) -> None:
    post_all(desk, clock, ["甲", "乙", "丙", "丁", "戊"], hours=24 * 15)
    assert rises(desk.database) == []


def test_every_district_of_an_event_is_told_and_reads_no_more_than_the_level(desk: Desk) -> None:
    post(desk, WAGES, district=NORTH)
    post(desk, WAGES, district=SOUTH)
    assert alerts(desk.database)[0] == (NORTH, 4, "风险等级4级（红）")
    assert [(row[0], row[1]) for row in alerts(desk.database)] == [(NORTH, 4), (SOUTH, 4)]
    assert count(desk.database, "outbox", topic="alert.raised") == 2


def test_a_district_is_warned_of_a_danger_that_another_one_reports(desk: Desk) -> None:
    event = file_event(desk.database, size=2, district="")
    calm = file_appeal(desk.database, district=SOUTH, event_id=event)
    hot = file_appeal(desk.database, district=NORTH, event_id=event)
    with desk.database.transaction(EVERYWHERE) as connection:
        connection.execute(update(schema.appeals).where(schema.appeals.c.id == hot).values(risk_level=3))
    warnings.sweep(desk, desk.clock())
    assert (SOUTH, "elsewhere", 0, 3) in rises(desk.database)
    found = [row for row in rows(desk.database, "alerts") if row["district"] == SOUTH]
    assert [(row["appeal_id"], row["level"], row["reason"]) for row in found] == [
        (calm, 3, "同一事件在其他区划的诉求为3级（橙）")
    ]
    with desk.database.transaction(Scope((SOUTH,))) as connection:
        page = escalations.page(connection)
    assert {one.district for one in page.items} == {SOUTH}


def test_below_the_alert_level_one_district_learns_nothing_of_another(desk: Desk, clock: StandingClock) -> None:
    event = file_event(desk.database, size=2, district="")
    file_appeal(desk.database, district=SOUTH, event_id=event)
    hot = file_appeal(desk.database, district=NORTH, event_id=event)
    with desk.database.transaction(EVERYWHERE) as connection:
        connection.execute(update(schema.appeals).where(schema.appeals.c.id == hot).values(risk_level=2))
    warnings.sweep(with_rules(desk, replace(RULES, alert_from=3)), clock.now)
    assert rises(desk.database) == []


def give_back(desk: Desk, appeal: UUID, *, times: int, scope: Scope = EVERYWHERE) -> None:
    for _ in range(times):
        with desk.database.transaction(scope) as connection:
            values = {"appeal_id": appeal, "decision_version": 1, "kind": "return", "actor": "user:1"}
            connection.execute(insert(schema.feedback).values(**values))
            warnings.on_return(connection, desk, appeal)


@both_ways()
def test_a_second_return_raises_the_level_also_from_a_transaction_of_one_district(database: Database) -> None:
    desk = with_rules(fake_desk(database), RULES)
    event = file_event(database, size=2, district="")
    mine = file_appeal(database, district=NORTH, event_id=event)
    file_appeal(database, district=SOUTH, event_id=event)
    give_back(desk, mine, times=1, scope=Scope((NORTH,)))
    assert rises(database) == []
    give_back(desk, mine, times=2, scope=Scope((NORTH,)))
    assert sorted(rises(database)) == [(NORTH, "returned", 0, 1), (SOUTH, "returned", 0, 1)]


def test_the_scope_of_a_persons_transaction_is_the_same_afterwards(desk: Desk) -> None:
    mine, other = file_appeal(desk.database, district=NORTH), file_appeal(desk.database, district=SOUTH)
    with desk.database.transaction(Scope((NORTH,))) as connection:
        warnings.on_return(connection, desk, mine)
        seen = set(connection.scalars(schema.appeals.select().with_only_columns(schema.appeals.c.id)))
    assert mine in seen
    assert other not in seen


def test_a_missed_deadline_raises_the_level_once(desk: Desk) -> None:
    appeal = file_appeal(desk.database, district=NORTH)
    for _ in range(2):
        with desk.database.transaction(EVERYWHERE) as connection:
            warnings.on_overdue(connection, desk, appeal)
    assert rises(desk.database) == [(NORTH, "overdue", 0, 1)]
    (row,) = rows(desk.database, "escalations")
    assert (row["appeal_id"], row["reason"]) == (appeal, "办理超期")


def test_an_appeal_that_was_purged_meanwhile_is_no_error(desk: Desk) -> None:
    with desk.database.transaction(EVERYWHERE) as connection:
        warnings.on_overdue(connection, desk, UUID(int=7))
        warnings.on_return(connection, desk, UUID(int=7))
        warnings.on_change(connection, desk, [UUID(int=7)])
    assert rises(desk.database) == []


def test_the_sweep_finds_what_thresholds_have_left_and_writes_nothing_twice(desk: Desk, clock: StandingClock) -> None:
    strict = replace(RULES, steps={**RULES.steps, FREQUENT: Step(9, 0.0, 3)})
    post_all(with_rules(desk, strict), clock, ["甲", "乙", "丙"])
    assert rises(desk.database) == []
    first = warnings.sweep(desk, clock.now)
    assert (first.looked_at, first.raised, first.failed) == (1, 1, 0)
    assert rises(desk.database) == [(NORTH, "frequent", 0, 1)]
    again = warnings.sweep(desk, clock.now + timedelta(hours=1))
    assert (again.looked_at, again.raised) == (1, 0)
    assert warnings.sweep(desk, clock.now + timedelta(days=31)).looked_at == 0
    assert warnings.sweep(desk, clock.now, go_on=lambda: False).looked_at == 0
    assert len(rises(desk.database)) == 1


def test_one_event_that_fails_does_not_silence_the_others(
    desk: Desk, clock: StandingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for text in (WASTE, WASTE.replace("青石大道", "红岩大道").replace("农贸", "建材")):
        for user in "甲乙丙":
            post(with_rules(desk, replace(RULES, steps={**RULES.steps, FREQUENT: Step(9, 0.0, 3)})), text, user=user)
    whole, calls = escalations.lock, []

    def lock(connection: Any, event_id: UUID) -> None:
        calls.append(event_id)
        if len(calls) == 1:
            raise RuntimeError("broken")
        whole(connection, event_id)

    monkeypatch.setattr(escalations, "lock", lock)
    done = warnings.sweep(desk, clock.now)
    assert (done.raised, done.failed) == (1, 1)
    assert len(rises(desk.database)) == 1


def test_a_merged_event_that_becomes_frequent_is_warned_of(desk: Desk, clock: StandingClock) -> None:
    one, two = post_all(desk, clock, ["甲", "乙"]), post(desk, WASTE[:30], user="丙").event_id
    assert rises(desk.database) == []
    events.merge(desk, person("dispatcher"), into=one, others=[two])
    assert rises(desk.database) == [(NORTH, "frequent", 0, 1)]


def test_merging_keeps_one_alert_per_level_and_district(desk: Desk) -> None:
    one = post(desk, WAGES, district=NORTH).event_id
    other = WAGES.replace("云溪路", "白石路")
    two = post(desk, other, district=NORTH).event_id
    post(desk, other, district=SOUTH)
    events.merge(desk, person("dispatcher"), into=one, others=[two])
    mine = [(row["district"], row["level"]) for row in rows(desk.database, "alerts", event_id=one)]
    assert sorted(map(str, mine)) == sorted(map(str, [(NORTH, 4), (SOUTH, 4)]))


def test_two_arrivals_at_one_instant_raise_once(desk: Desk) -> None:
    post(desk, user="甲"), post(desk, user="乙"), post(desk, user="丙")
    ready = threading.Barrier(4)

    def one(user: str) -> None:
        ready.wait()
        post(desk, user=user)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(one, "丁戊己庚"))
    assert rises(desk.database) == [(NORTH, "frequent", 0, 1), (NORTH, "growth", 1, 2)]
    assert count(desk.database, "alerts") == 1


def test_rises_are_listed_page_by_page(desk: Desk, clock: StandingClock) -> None:
    event = post_all(desk, clock, ["甲", "甲", "乙", "丙", "丁"])
    with desk.database.transaction(EVERYWHERE) as connection:
        first = escalations.page(connection, limit=2)
        rest = escalations.page(connection, after=first.next, limit=2)
        frequent = escalations.page(connection, ground="frequent", event_id=event)
        high = escalations.page(connection, level_at_least=3)
        late = escalations.page(connection, since=clock.now)
    assert [one.ground for one in (*first.items, *rest.items)] == ["growth", "frequent", "repeat"]
    assert first.next is not None
    assert rest.next is None
    assert [one.reason for one in frequent.items] == ["多频：连续3个自然日内3件"]
    assert [one.level_to for one in high.items] == [3]
    assert late.items == ()


def test_an_erased_persons_appeal_leaves_no_reason_behind(desk: Desk) -> None:
    post(desk, WAGES, user="甲")
    privacy.erase(desk, person("admin"), "甲")
    (row,) = rows(desk.database, "escalations")
    assert "风险" not in str(row["reason"])
    assert row["level_to"] == 4


def test_the_replay_of_training_foretells_the_alerts_of_the_service(desk: Desk, clock: StandingClock) -> None:
    random = Random(7)
    texts = [WAGES, *(WASTE.replace("青石大道", f"{name}大道") for name in ("红岩", "白沙", "碧水", "金山"))]
    arrivals: list[Arrived] = []
    numbers: dict[UUID, int] = {}
    for number in range(60):
        user = random.choice("甲乙丙丁戊己")
        receipt = post(desk, random.choice(texts), user=user)
        level = int(receipt.decision_record["risk"]["level"])
        arrivals.append(
            Arrived(
                id=str(number),
                at=clock.now,
                event=numbers.setdefault(receipt.event_id, len(numbers)),
                person=ord(user),
                level=level,
                score=float(level >= 3),
            )
        )
        clock.pass_(hours=random.uniform(1, 40))
    foretold = {(one.event, one.at) for one in Run(arrivals).warnings(RULES).values()}
    first: dict[UUID, datetime] = {}
    for row in sorted(rows(desk.database, "alerts"), key=lambda row: str(row["at"])):
        first.setdefault(row["event_id"], row["at"])  # type: ignore[arg-type]
    assert {(numbers[event], at) for event, at in first.items()} == foretold
    assert len(foretold) == 5
