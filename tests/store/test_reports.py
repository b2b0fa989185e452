"""Reports from the store: counted by the database as they would be by hand, kept, within districts, and forgotten in part."""

from __future__ import annotations

import itertools
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, insert, text, update

from tests.store.filing import StandingClock, person, rows
from triage.casework import facets, reports
from triage.casework.desk import Desk
from triage.casework.reports import ReportPlan, Wanted
from triage.errors import InputError
from triage.reports.content import Report
from triage.reports.gather_store import gather
from triage.reports.gathering import tables_of
from triage.reports.material import Request
from triage.reports.period import CHINA, Kind, of, parse
from triage.store import schema
from triage.store.access import EVERYWHERE, SYSTEM
from triage.store.database import Database
from triage.store.errors import NotFound, Refused, StateConflict
from triage.store.ids import new_id
from triage.testing import PairCutter, fake_desk

WEEK = parse("2026-W10")
"""2 to 8 March."""
MADE = datetime(2026, 3, 9, 8, tzinfo=CHINA)
ANALYST = person("analyst")
NORTH = person("analyst", "北区")
_numbers = itertools.count(1)


def monday(**later: float) -> datetime:
    return WEEK.since + timedelta(**later)


def add_event(connection: Connection, *, district: str = "北区") -> UUID:
    event = new_id(MADE)
    connection.execute(insert(schema.events).values(id=event, title="路灯不亮", size=0, district=district))
    return event


def add_ticket(connection: Connection, at: datetime, *, event: UUID | None = None, **values: Any) -> UUID:
    """Put a ticket with its decision into the tables."""
    appeal, number = new_id(at), next(_numbers)
    given: dict[str, Any] = {
        "reference": f"T{number}",
        "channel": "热线",
        "district": "北区",
        "l1": "城乡建设",
        "l2": "市政管理",
        "type": "投诉",
        "content": f"柳河街道的路灯不亮，晚上看不见路，已经三天，第{number}次反映。",
        "case_state": "assigned",
        "delivery_state": "dispatched",
        "unit": "北区城管局",
        **values,
    }
    home = event or add_event(connection, district=given["district"])
    connection.execute(insert(schema.appeals).values(id=appeal, received_at=at, event_id=home, **given))
    connection.execute(update(schema.events).where(schema.events.c.id == home).values(size=schema.events.c.size + 1))
    record = {
        "unit": {"candidates": [{"name": "北区城管局", "probability": 0.9}], "decision": "auto"},
        "risk": {"factors": [{"name": "群体性", "probability": 0.9}]},
        "area": {"name": given["district"]},
    }
    decision = {"appeal_id": appeal, "version": 1, "record": record, "bundle": "b", "actor": "system", "at": at}
    connection.execute(insert(schema.decisions).values(**decision))
    return appeal


@pytest.fixture
def week(database: Database) -> Database:
    """Two weeks of tickets in two districts, with an event of three, an overdue one, a return and an answer."""
    with database.transaction(EVERYWHERE) as connection:
        event = add_event(connection)
        for day in (0, 1, 2):
            add_ticket(connection, monday(days=day, hours=9), event=event, appellant=bytes([day]) * 32)
        add_ticket(connection, monday(), district="南区", unit="", l1="政法", l2="社会治安", channel="网站")
        risky = add_ticket(connection, monday(days=6, hours=23.9), risk_level=4, case_state="waiting", unit="")
        add_ticket(connection, monday(days=3), supplements=risky, case_state="joined", unit="")
        closed = add_ticket(connection, monday(days=4), case_state="closed")
        add_ticket(connection, monday(days=7))
        add_ticket(connection, monday(days=-7))
        add_ticket(connection, monday(days=-30))
        values = {"step": "finish", "unit": "北区城管局", "started_at": monday(), "rule": ""}
        due = {"due_at": monday(days=5), "state": "open"}
        connection.execute(insert(schema.terms).values(appeal_id=risky, **values, **due))
        met = {"due_at": monday(days=5), "state": "met", "ended_at": monday(days=4, hours=5)}
        connection.execute(insert(schema.terms).values(appeal_id=closed, **values, **met))
        sent = {"decision_version": 1, "actor": "user:1", "at": monday(days=4, hours=1)}
        connection.execute(
            insert(schema.feedback).values(appeal_id=closed, kind="confirm", unit_to="北区城管局", **sent)
        )
        connection.execute(
            insert(schema.feedback).values(appeal_id=risky, kind="return", unit_from="北区城管局", **sent)
        )
        said = {"unit": "北区城管局", "kind": "evaluation", "reached": True, "satisfaction": "satisfied"}
        connection.execute(
            insert(schema.lifecycle.answers).values(
                id=new_id(MADE), appeal_id=closed, actor="user:1", at=monday(days=5), **said
            )
        )
    return database


def make(database: Database, *, area: str = "", actor: Any = ANALYST, kind: Kind = Kind.WEEK) -> Report:
    request = Request(period=of(kind, WEEK.start), made_at=MADE, area=area)
    return reports.make(database, actor, request, words=PairCutter())


def test_a_week_is_counted_by_natural_days_of_china_and_supplements_are_no_tickets(week: Database) -> None:
    report = make(week)
    assert report.overview.total.count == 6
    assert [day.count for day in report.overview.daily] == [2, 1, 1, 0, 1, 0, 1]
    assert report.overview.total.previous == 1
    assert {note.code: note.count for note in report.quality}["supplements"] == 1


def test_the_database_counts_as_it_would_be_done_by_hand(week: Database) -> None:
    request = Request(period=WEEK, made_at=MADE)
    with week.transaction(EVERYWHERE) as connection:
        material = gather(connection, request, words=PairCutter()).counted
    by_hand = tables_of((0, traced) for traced in material.tickets)
    for name, table in by_hand.items():
        counted = {group: counts.now for group, counts in material.table(name).items() if counts.now}
        assert counted == {group: counts.now for group, counts in table.items()}, name


def test_every_figure_of_the_store_leads_to_its_tickets(week: Database) -> None:
    for kind in Kind:
        report = make(week, kind=kind)
        assert report.trace.complete
        assert [one.key for one in report.trace.numbers if one.value != len(one.tickets)] == []


def test_work_is_counted_where_it_belongs(week: Database) -> None:
    report = make(week, kind=Kind.MONTH)
    row = next(row for row in report.units.rows if row.total.name == "北区城管局")
    assert row.on_time is not None
    assert row.returned is not None
    assert row.satisfied is not None
    assert (row.on_time.part, row.on_time.whole) == (1, 2)
    assert (row.returned.part, row.returned.whole) == (1, 1)
    assert (row.satisfied.part, row.satisfied.whole) == (1, 1)
    assert report.assessment is not None
    assert {table.of for table in report.assessment.tables} == {"承办单位", "区县"}


def test_what_is_overdue_stands_once_with_its_days(week: Database) -> None:
    report = make(week)
    assert report.overdue is not None
    (row,) = report.overdue.rows
    assert (row.step, row.unit, row.days) == ("办结", "北区城管局", 2)
    assert report.overdue.total == 1


def test_red_tickets_are_listed_and_their_reason_comes_from_the_decision(week: Database) -> None:
    report = make(week)
    (row,) = report.risk.new
    assert (row.color, row.reason, row.state) == ("红", "群体性", "待派单")
    assert report.risk.open_total == 1


def test_three_tickets_of_one_event_are_told_with_growth_and_quotes(week: Database) -> None:
    (event,) = make(week).events.rows
    assert (event.count.count, event.size, event.appellants) == (3, 3, 3)
    assert event.daily == (1, 1, 1, 0, 0, 0, 0)
    assert len(event.quotes) == 2
    assert all("路灯" in quote.text for quote in event.quotes)


def test_streets_are_read_out_of_the_texts_before_the_report(week: Database) -> None:
    with week.transaction(EVERYWHERE) as connection:
        connection.execute(update(schema.appeals).values(address="北区柳河街道柳荫路"))
    rows_ = {row.total.name: row for row in make(week).districts.rows}
    assert [(one.name, one.count) for one in rows_["北区"].streets] == [("柳河街道", 5)]


def test_words_are_read_once_and_by_whoever_is_first(week: Database) -> None:
    words, since, until = PairCutter(), monday(days=-40), monday(days=8)
    assert facets.fill(week, words, since=since, until=until, most=3) == 3
    assert facets.fill(week, words, since=since, until=until, most=100) == 7
    assert facets.fill(week, words, since=since, until=until, most=100) == 0


def test_a_report_on_a_district_holds_nothing_of_another(week: Database) -> None:
    city, north = make(week, area="北区"), make(week, actor=NORTH)
    for report in (city, north):
        assert report.overview.total.count == 5
        assert {ticket.district for ticket in report.trace.tickets} == {"北区"}
    with pytest.raises(Refused, match="无权查看“南区”；可见区划：北区"):
        make(week, area="南区", actor=NORTH)


def test_a_district_without_a_single_ticket_is_a_slip(week: Database) -> None:
    with pytest.raises(InputError, match="没有区划“北曲”的诉求"):
        make(week, area="北曲")


def test_the_intake_may_not_read_reports(week: Database) -> None:
    with pytest.raises(Refused, match="无权查看报表"):
        make(week, actor=person("intake"))


@pytest.mark.parametrize("kind", list(Kind))
def test_an_empty_store_gives_a_sensible_report(database: Database, kind: Kind) -> None:
    report = make(database, kind=kind)
    assert report.overview.total.count == 0
    assert "未收到诉求" in report.summary[0]


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock(MADE.astimezone(UTC))


@pytest.fixture
def desk(week: Database, clock: StandingClock) -> Desk:
    return fake_desk(week, clock=clock)


@pytest.fixture
def queue() -> list[UUID]:
    return []


WANTED = Wanted(kind=Kind.WEEK, code="2026-W10", office="市热线办")


def ask(desk: Desk, queue: list[UUID], wanted: Wanted = WANTED, actor: Any = ANALYST) -> UUID:
    return reports.create(desk, actor, wanted, announce=lambda _, report: queue.append(report)).id


def test_a_report_is_asked_for_made_kept_and_read_again(desk: Desk, queue: list[UUID]) -> None:
    asked = ask(desk, queue)
    assert queue == [asked]
    with pytest.raises(StateConflict, match="正在生成"):
        reports.read(desk.database, ANALYST, asked)
    done = reports.work(desk, asked)
    assert (done.state, done.total, done.issue) == ("done", 6, "2026年第10期")
    found = reports.read(desk.database, ANALYST, asked)
    assert found == reports.make(
        desk.database, ANALYST, Request(period=WEEK, made_at=MADE, office="市热线办"), words=desk.words
    )
    assert [one.id for one in reports.listed(desk.database, ANALYST).items] == [asked]


def test_a_kept_report_stays_as_it_was(desk: Desk, queue: list[UUID]) -> None:
    asked = ask(desk, queue)
    reports.work(desk, asked)
    with desk.database.transaction(EVERYWHERE) as connection:
        add_ticket(connection, monday(days=1))
    reports.work(desk, asked)
    assert reports.read(desk.database, ANALYST, asked).overview.total.count == 6


def test_what_was_quoted_of_an_erased_appellant_is_gone_from_kept_reports(desk: Desk, queue: list[UUID]) -> None:
    asked = ask(desk, queue)
    reports.work(desk, asked)
    before = reports.read(desk.database, ANALYST, asked).events.rows[0].quotes
    assert all(quote.text for quote in before)
    with desk.database.transaction(EVERYWHERE) as connection:
        (appeal,) = rows(desk.database, "appeals", id=UUID(before[0].appeal))
        erased = text("SELECT appellant_erase(:who, '已按申请删除')")
        assert connection.execute(erased, {"who": appeal["appellant"]}).scalar_one() == [appeal["id"]]
    after = reports.read(desk.database, ANALYST, asked).events.rows[0].quotes
    assert after[0].text == ""
    assert after[1].text == before[1].text
    (facet,) = rows(desk.database, "appeal_facets", appeal_id=UUID(before[0].appeal))
    assert facet["words"] == []


def test_no_text_of_an_appeal_is_kept_outside_the_reach_of_erasing(desk: Desk, queue: list[UUID]) -> None:
    asked = ask(desk, queue)
    reports.work(desk, asked)
    (kept,) = rows(desk.database, "reports", id=asked)
    packed = kept["content"]
    assert isinstance(packed, bytes)
    content = zlib.decompress(packed).decode("utf-8")
    assert "晚上看不见路" not in content


def test_a_city_report_is_not_for_a_district_and_its_own_is(desk: Desk, queue: list[UUID]) -> None:
    city = ask(desk, queue)
    own = ask(desk, queue, Wanted(kind=Kind.WEEK, code="2026-W10", area="北区"))
    for asked in (city, own):
        reports.work(desk, asked)
    assert [one.id for one in reports.listed(desk.database, NORTH).items] == [own]
    assert reports.read(desk.database, NORTH, own).overview.total.count == 5
    with pytest.raises(NotFound):
        reports.read(desk.database, NORTH, city)


def test_a_report_that_cannot_be_made_says_why_and_nothing_of_its_cause(
    desk: Desk, queue: list[UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = ask(desk, queue)

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("柳河街道的路灯")

    monkeypatch.setattr(reports, "build", fail)
    done = reports.work(desk, asked)
    assert (done.state, done.error) == ("failed", "生成失败（RuntimeError）；请告知维护人员")
    with pytest.raises(StateConflict, match="请重新生成"):
        reports.read(desk.database, ANALYST, asked)


PLAN = ReportPlan(kinds=frozenset(Kind), office="市热线办")


def test_the_schedule_asks_once_for_what_has_just_ended(desk: Desk, queue: list[UUID]) -> None:
    def announce(_: Connection, report: UUID) -> None:
        queue.append(report)

    asked = reports.schedule(desk, PLAN, announce=announce)
    assert {(one.kind, one.code) for one in asked} == {
        ("day", "2026-03-08"),
        ("week", "2026-W10"),
        ("month", "2026-02"),
    }
    assert [one.id for one in asked] == queue
    assert reports.schedule(desk, PLAN, announce=announce) == []
    assert reports.work(desk, asked[0].id).state == "done"


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2026, 3, 9, 7, 29, tzinfo=CHINA), {"2026-03-07", "2026-W09", "2026-02", "2025-Q4"}),
        (datetime(2026, 3, 9, 7, 30, tzinfo=CHINA), {"2026-03-08", "2026-W10", "2026-02", "2025-Q4"}),
        (datetime(2026, 4, 1, 7, 30, tzinfo=CHINA), {"2026-03-31", "2026-W13", "2026-03", "2026-Q1"}),
    ],
)
def test_reports_are_due_at_half_past_seven(moment: datetime, expected: set[str]) -> None:
    assert {period.code for period in reports.due(moment, kinds=frozenset(Kind))} == expected


def test_nothing_is_scheduled_for_an_empty_store(database: Database, queue: list[UUID]) -> None:
    desk = fake_desk(database, clock=StandingClock(MADE.astimezone(UTC)))
    assert reports.schedule(desk, PLAN, announce=lambda _, report: queue.append(report)) == []


def test_pages_of_reports_hold_each_once(desk: Desk, queue: list[UUID]) -> None:
    asked = [ask(desk, queue) for _ in range(5)]
    found: list[UUID] = []
    after = None
    while True:
        page = reports.listed(desk.database, SYSTEM, after=after, limit=2)
        found += [one.id for one in page.items]
        after = page.next
        if after is None:
            break
    assert sorted(found) == sorted(asked)
