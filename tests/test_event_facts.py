"""What is told of an event from its appeals."""

from __future__ import annotations

import random
from datetime import date, datetime, timedelta
from typing import Any

import pytest

from triage.events.facts import LOCAL, EventMember, event_facts, frequent_days, growth_until
from triage.testing import PairCutter

BEGIN = datetime(2026, 3, 2, 9, 0, tzinfo=LOCAL)
MONDAY = BEGIN.date()


def member(number: int, *, day: int = 0, **more: Any) -> EventMember:
    fields: dict[str, Any] = {"title": "枫桥花园烧烤店油烟扰民", "district": "临澜区", "unit": "临澜区城管局", **more}
    return EventMember(id=f"A-{number}", received_at=BEGIN + timedelta(days=day, minutes=number), **fields)


def facts(*members: EventMember, **more: Any) -> Any:
    return event_facts(members, cutter=PairCutter(), **more)


def days(*numbers: int) -> dict[date, int]:
    return {MONDAY + timedelta(days=day): count for day, count in enumerate(numbers) if count}


def test_times_size_and_the_highest_risk_are_told() -> None:
    told = facts(member(2, day=3, risk_level=1), member(1, risk_level=3), member(3, day=1))
    assert (told.size, told.risk_level) == (3, 3)
    assert (told.first_at, told.last_at) == (member(1).received_at, member(2, day=3).received_at)
    assert list(told.daily.items()) == [(MONDAY, 1), (MONDAY + timedelta(1), 1), (MONDAY + timedelta(3), 1)]


def test_a_person_who_comes_twice_counts_once_and_each_unknown_one_counts() -> None:
    told = facts(member(1, appellant="甲"), member(2, appellant="甲"), member(3), member(4))
    assert told.appellants == 3


def test_unit_district_and_category_are_those_of_most_appeals() -> None:
    told = facts(
        member(1, unit="", l1="城乡建设", l2="城市建设和市政管理"),
        member(2, unit="临澜区生态环境局", l1="生态环境", l2="大气污染"),
        member(3, unit="临澜区生态环境局", l1="生态环境", l2="噪声污染"),
        member(4, unit="临澜区城管局", l1="生态环境", l2="噪声污染", district=""),
    )
    assert (told.unit, told.district) == ("临澜区生态环境局", "临澜区")
    assert (told.l1, told.l2) == ("生态环境", "噪声污染")


def test_the_street_is_that_of_most_appeals_of_the_district() -> None:
    told = facts(
        member(1, street="桃溪街道"), member(2, street="桃溪街道"), member(3, district="北屏区", street="云溪街道")
    )
    assert told.street == "桃溪街道"


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ((2,), []),
        ((3,), [0, 1, 2]),
        ((1, 1, 1), [2]),
        ((1, 0, 2), [2]),
        ((1, 1, 0, 1), []),  # four days
        ((2, 0, 0, 1, 2), [4, 5]),
        ((1, 1, 1, 0, 0, 0, 5), [2, 6, 7, 8]),
    ],
)
def test_three_tickets_within_three_natural_days_are_of_high_frequency(
    counts: tuple[int, ...], expected: list[int]
) -> None:
    assert frequent_days(days(*counts)) == tuple(MONDAY + timedelta(days=day) for day in expected)


def test_the_mark_begins_with_the_day_that_made_it() -> None:
    told = facts(member(1), member(2, day=1), member(3, day=2), member(4, day=9))
    assert told.frequent_since == MONDAY + timedelta(days=2)
    assert facts(member(1)).frequent_since is None


def test_natural_days_are_the_citys_not_those_of_greenwich() -> None:
    late = datetime(2026, 3, 2, 15, 59, tzinfo=LOCAL).astimezone(tz=None)
    midnight = datetime(2026, 3, 3, 0, 1, tzinfo=LOCAL)
    told = facts(
        EventMember(id="1", received_at=late, title="路灯不亮"),
        EventMember(id="2", received_at=midnight, title="路灯不亮"),
    )
    assert list(told.daily) == [date(2026, 3, 2), date(2026, 3, 3)]


def test_what_only_adds_to_a_ticket_makes_no_high_frequency() -> None:
    told = facts(member(1), member(2), member(3, ticket=False))
    assert told.size == 3
    assert told.high_frequency == ()


def test_growth_compares_the_last_days_with_as_many_before() -> None:
    grown = growth_until(days(1, 0, 0, 0, 2, 1, 0, 1, 1, 4), MONDAY + timedelta(days=9))
    assert (grown.last_3, grown.before_3, grown.rate_3) == (6, 3, 1.0)
    assert (grown.last_7, grown.before_7, grown.rate_7) == (9, 1, 8.0)
    assert growth_until(days(1), MONDAY).rate_7 is None


def test_growth_is_told_for_a_given_day_and_else_for_the_last_one() -> None:
    members = (member(1), member(2, day=4))
    assert facts(*members).growth.until == MONDAY + timedelta(days=4)
    assert facts(*members, until=MONDAY + timedelta(days=30)).growth.last_7 == 0


def test_neither_order_nor_repetition_changes_what_is_told() -> None:
    members = [member(n, day=n % 5, appellant=str(n % 3), title=f"枫桥花园烧烤店油烟扰民{n}次") for n in range(12)]
    shuffled = [*members, *members[:4]]
    random.Random(7).shuffle(shuffled)
    assert facts(*shuffled) == facts(*members)


def test_an_event_without_appeals_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one appeal"):
        facts()
    with pytest.raises(ValueError, match="event member 1: received_at has no time zone"):
        EventMember(id="1", received_at=datetime(2026, 3, 2))  # noqa: DTZ001 - the point
