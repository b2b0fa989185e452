"""The state of the city on one screen: every figure is that of the list behind it, and a district sees its own."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

import pytest
from sqlalchemy import insert, update

from tests.store.filing import CLOCK, LONGHUA, file_appeal, person
from triage.casework import slices
from triage.casework.desk import Desk
from triage.casework.picture import DAYS, Figure, picture
from triage.casework.slices import DUE, LATE, RETURNED, UNKNOWN, Slice
from triage.errors import InputError
from triage.store import schema
from triage.store.access import EVERYWHERE, Actor
from triage.store.database import Database
from triage.store.errors import Refused
from triage.testing import fake_desk

ANALYST, OFFICER = person("analyst"), person("officer")
LIGHTS, ROADS = "城乡建设", "交通运输"


@pytest.fixture
def desk(database: Database) -> Desk:
    """Monday, 2 March, half past five in the afternoon in China."""
    return fake_desk(database, clock=CLOCK)


def file(
    database: Database, *, days_ago: int = 1, hours: int = 0, district: str = "龙华区", l1: str = LIGHTS, level: int = 0
) -> UUID:
    appeal_id = file_appeal(database, district=district, days_ago=days_ago)
    moment = CLOCK() - timedelta(days=days_ago, hours=hours)
    values = {"l1": l1, "risk_level": level, "received_at": moment}
    with database.transaction(EVERYWHERE) as connection:
        connection.execute(update(schema.appeals).where(schema.appeals.c.id == appeal_id).values(values))
    return appeal_id


def add_term(database: Database, appeal_id: UUID, *, due_hours: float, ended_hours: float | None = None) -> None:
    """Add a term to finish that ends so many hours from now, and was met so many hours from now."""
    ended = None if ended_hours is None else CLOCK() + timedelta(hours=ended_hours)
    values = {"appeal_id": appeal_id, "step": "finish", "state": "open" if ended is None else "met", "ended_at": ended}
    moments = {"started_at": CLOCK() - timedelta(days=9), "due_at": CLOCK() + timedelta(hours=due_hours)}
    with database.transaction(EVERYWHERE) as connection:
        connection.execute(insert(schema.terms).values(**values, **moments))


def add_return(database: Database, appeal_id: UUID, unit: str, *, hours_ago: float = 1) -> None:
    values = {"appeal_id": appeal_id, "decision_version": 1, "kind": "return", "actor": "user:x", "unit_from": unit}
    with database.transaction(EVERYWHERE) as connection:
        connection.execute(insert(schema.feedback).values(**values, at=CLOCK() - timedelta(hours=hours_ago)))


def behind(desk: Desk, wanted: Slice, actor: Actor = ANALYST) -> int:
    page, total = slices.listed(desk, actor, wanted, limit=200)
    assert len(page.items) == total
    return total


def agrees(desk: Desk, figure: Figure) -> bool:
    before = behind(desk, figure.slice_before) if figure.slice_before else figure.before
    return (behind(desk, figure.slice), before) == (figure.count, figure.before)


def test_today_is_compared_with_yesterday_until_the_same_time(database: Database, desk: Desk) -> None:
    for days_ago, hours in ((0, 1), (0, 2), (1, 3), (1, -2), (2, 0)):
        file(database, days_ago=days_ago, hours=hours)
    found = picture(desk, ANALYST)
    assert (found.today.count, found.today.before) == (2, 1)  # what came yesterday two hours later than now is left out
    assert found.today.change == 1.0
    assert agrees(desk, found.today)


def test_the_week_begins_on_monday_in_china(database: Database, desk: Desk) -> None:
    file(database, days_ago=0, hours=17)  # half past midnight on Monday in China, still Sunday in Greenwich
    file(database, days_ago=0, hours=18)  # Sunday evening
    file(database, days_ago=7, hours=1)
    file(database, days_ago=6, hours=0)  # last week, but later in the week than now
    found = picture(desk, ANALYST)
    assert (found.week.count, found.week.before) == (1, 1)
    assert agrees(desk, found.week)


def test_the_curve_has_every_day_and_its_list(database: Database, desk: Desk) -> None:
    for days_ago in (0, 0, 1, 13, 14):
        file(database, days_ago=days_ago)
    days = picture(desk, ANALYST).days
    assert [day.count for day in days] == [1, *[0] * (DAYS - 3), 1, 2]
    assert all(behind(desk, day.slice) == day.count for day in days)


def test_every_figure_of_the_screen_is_that_of_its_list(database: Database, desk: Desk) -> None:
    for place, (district, l1, level) in enumerate(
        [("龙华区", LIGHTS, 4), ("龙华区", ROADS, 3), ("秀英区", LIGHTS, 0), ("", "", 1), ("秀英区", LIGHTS, 0)]
    ):
        file(database, days_ago=7 * (place == 4), hours=1, district=district, l1=l1, level=level)
    found = picture(desk, ANALYST)
    named = [*found.categories, *found.districts, *found.levels]
    assert all(agrees(desk, one.figure) for one in named)
    assert all(agrees(desk, figure) for figure in found.heat.values())
    assert sum(figure.count for figure in found.heat.values()) == found.week.count == 4
    assert [(one.name, one.figure.count) for one in found.levels] == [("4", 1), ("3", 1), ("2", 0), ("1", 1), ("0", 1)]
    unknown = next(one.figure for one in found.districts if one.name == "")
    assert unknown.slice.district == UNKNOWN


def test_on_time_counts_cases_that_were_to_be_finished_this_week(database: Database, desk: Desk) -> None:
    early, late, running, next_week = (file(database, days_ago=9) for _ in range(4))
    add_term(database, early, due_hours=-1, ended_hours=-2)
    add_term(database, late, due_hours=-3, ended_hours=-1)
    add_term(database, running, due_hours=-2)
    add_term(database, next_week, due_hours=20)
    found = picture(desk, ANALYST).on_time
    assert (found.due.count, found.late.count) == (3, 2)
    assert found.share == pytest.approx(1 / 3)
    assert (behind(desk, found.due.slice), behind(desk, found.late.slice)) == (3, 2)
    assert (found.due.slice.kind, found.late.slice.kind) == (DUE, LATE)


def test_a_case_reopened_within_the_week_is_one_case(database: Database, desk: Desk) -> None:
    twice = file(database, days_ago=9)
    add_term(database, twice, due_hours=-5, ended_hours=-6)
    add_term(database, twice, due_hours=-1, ended_hours=-2)
    found = picture(desk, ANALYST).on_time
    assert found.due.count == behind(desk, found.due.slice) == 1


def test_returns_are_counted_for_the_unit_that_sent_back(database: Database, desk: Desk) -> None:
    first, second = file(database), file(database)
    for appeal_id, unit, hours_ago in (
        (first, "甲局", 1),
        (first, "甲局", 2),
        (second, "甲局", 3),
        (second, "乙局", 170),
    ):
        add_return(database, appeal_id, unit, hours_ago=hours_ago)
    (found,) = picture(desk, ANALYST).returns
    assert (found.name, found.figure.count, found.figure.before) == ("甲局", 2, 0)
    assert found.figure.slice.kind == RETURNED
    assert agrees(desk, found.figure)


def test_a_district_sees_its_own_figures(database: Database, desk: Desk) -> None:
    file(database, days_ago=0, district="龙华区")
    hidden = file(database, days_ago=0, district="秀英区")
    add_return(database, hidden, "秀英区城管局")
    found = picture(desk, Actor(name="user:x", role="analyst", scope=LONGHUA.scope))
    assert (found.week.count, [one.name for one in found.districts], found.returns) == (1, ["龙华区"], [])


def test_a_dispatcher_has_no_figures_and_may_see_lists(database: Database, desk: Desk) -> None:
    file(database, days_ago=0)
    with pytest.raises(Refused, match="无权查看报表"):
        picture(desk, person("dispatcher"))
    assert behind(desk, Slice(since=CLOCK() - timedelta(days=1), until=CLOCK() + timedelta(1)), LONGHUA) == 1


def test_a_list_goes_on_where_the_page_before_ended(database: Database, desk: Desk) -> None:
    filed = [file(database, days_ago=0, hours=number) for number in range(5)]
    wanted = Slice(since=CLOCK() - timedelta(days=1), until=CLOCK() + timedelta(hours=1))
    page, total = slices.listed(desk, OFFICER, wanted, limit=3)
    rest, _ = slices.listed(desk, OFFICER, wanted, after=page.next, limit=3)
    assert total == 5
    assert [view.id for view in (*page.items, *rest.items)] == filed
    assert rest.next is None


def test_a_list_of_no_known_kind_is_refused() -> None:
    with pytest.raises(InputError, match="清单种类应为 received、returned、due、late 之一"):
        Slice(kind="lost", since=CLOCK(), until=CLOCK())
