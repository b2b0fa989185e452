"""What a report says: its figures fit together, each is traceable, and small and empty periods are sensible."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from datetime import date, timedelta
from typing import Any

import pytest

from triage.reports import codec, matters
from triage.reports.build import build
from triage.reports.comparing import Comparer, Entry, ranks
from triage.reports.content import Count, Quote, Report, Share
from triage.reports.duties import WEIGHTS
from triage.reports.material import Counts, Material, QuoteSource, Request, Work
from triage.reports.period import Kind, of
from triage.reports.testing import DAY, sample_material, sample_report

KINDS = tuple(kind.value for kind in Kind)
SIZES = (0, 1, 2, 120)


def request_of(kind: str = "week") -> Request:
    period = of(Kind(kind), DAY)
    return Request(period=period, made_at=period.until + timedelta(hours=8))


def counts_in(value: Any) -> list[Count | Share]:
    """Every compared figure and rate anywhere in a report."""
    if isinstance(value, Count | Share):
        return [value]
    if isinstance(value, tuple):
        return [found for item in value for found in counts_in(item)]
    if is_dataclass(value):
        return [found for field in fields(value) for found in counts_in(getattr(value, field.name))]
    return []


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tickets", SIZES)
def test_every_figure_leads_to_as_many_tickets_as_it_says(kind: str, tickets: int) -> None:
    report = sample_report(kind, tickets=tickets)
    traced = {number.key: number for number in report.trace.numbers}
    for figure in counts_in(report):
        if isinstance(figure, Count) and figure.count:
            assert len(traced[figure.key].tickets) == figure.count == traced[figure.key].value, figure.name
        if isinstance(figure, Share) and figure.part:
            assert len(traced[figure.key].tickets) == figure.part, figure.key
            assert len(traced[f"{figure.key}.whole"].tickets) == figure.whole, figure.key
    assert report.trace.complete


def test_the_traced_tickets_are_those_that_the_figure_is_about() -> None:
    report = sample_report()
    for row in report.units.rows[:3]:
        number = next(one for one in report.trace.numbers if one.key == row.total.key)
        assert {report.trace.tickets[place].unit for place in number.tickets} == {row.total.name}


def test_the_parts_add_up_to_the_whole() -> None:
    report = sample_report(tickets=300)
    total = report.overview.total.count
    assert sum(day.count for day in report.overview.daily) == total
    assert sum(row.total.count for row in report.categories.rows) == total
    assert sum(row.total.count for row in report.districts.rows) == total
    assert sum(one.count for one in report.overview.channels) == total
    assert sum(one.count for one in report.overview.risks) == total
    for row in report.categories.rows:
        assert sum(child.count for child in row.children) == row.total.count
    for place, counts in zip(report.districts.heat.rows, report.districts.heat.counts, strict=True):
        district = next(row for row in report.districts.rows if row.total.name == place)
        assert sum(counts) == district.total.count


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_material_gives_the_same_report(kind: str) -> None:
    assert codec.dumps(sample_report(kind, tickets=80)) == codec.dumps(sample_report(kind, tickets=80))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tickets", SIZES)
def test_a_report_comes_back_from_json_as_it_was(kind: str, tickets: int) -> None:
    report = sample_report(kind, tickets=tickets)
    assert codec.loads(codec.dumps(report)) == report


def test_a_report_of_another_version_is_refused() -> None:
    data = {**codec.to_json(sample_report(tickets=1)), "version": 99}
    with pytest.raises(codec.ReportFormatError, match="请重新生成该期报告"):
        codec.from_json(data)


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_period_says_so_and_claims_nothing(kind: str) -> None:
    report = sample_report(kind, tickets=0)
    assert report.overview.total.count == 0
    assert len(report.summary) == 1
    assert "未收到诉求" in report.summary[0]
    assert report.events.rows == ()
    assert report.categories.rows == ()


def test_a_single_ticket_is_called_too_few_for_rates() -> None:
    report = sample_report(tickets=1)
    assert {"small"} <= {note.code for note in report.quality}
    assert report.events.rows == ()


def test_only_month_and_quarter_have_an_assessment() -> None:
    assert [sample_report(kind).assessment is not None for kind in KINDS] == [False, False, True, True]


def test_a_history_that_is_too_short_is_compared_with_nothing() -> None:
    request = request_of()
    material = sample_material(request, tickets=60)
    report = build(replace(material, first_day=request.period.start), request)
    assert report.overview.total.previous is None
    assert report.overview.total.change is None
    assert {"no_previous", "no_year"} <= {note.code for note in report.quality}
    assert "环比" not in "".join(report.overview.text)


def test_a_week_without_any_ticket_is_a_gap_in_the_records_and_no_comparison() -> None:
    request = request_of()
    material = sample_material(request, tickets=60)
    tables = {
        name: {group: Counts(counts.now, counts.before, 0) for group, counts in table.items()}
        for name, table in material.tables.items()
    }
    report = build(replace(material, tables=tables), request)
    assert report.overview.total.last_year is None
    assert report.overview.total.previous is not None


def test_a_period_that_goes_on_is_said_to_be_unfinished() -> None:
    request = request_of()
    early = replace(request, made_at=request.period.since + timedelta(days=2))
    assert "unfinished" in {note.code for note in build(sample_material(early, tickets=9), early).quality}


def test_a_report_on_one_district_shows_its_streets() -> None:
    report = sample_report(area="北屏区")
    assert report.title.startswith("北屏区")
    assert report.districts.heat.of == "街镇"
    assert [row.total.name for row in report.districts.rows] == ["北屏区"]
    assert "街镇" in report.districts.text[0]


COMPARER = Comparer(before=True, year=True, weight=0.5)


@pytest.mark.parametrize(
    ("now", "before", "notable"),
    [(10, 10, False), (12, 10, False), (40, 10, True), (2, 30, True), (3, 0, False), (0, 0, False)],
)
def test_only_a_change_beyond_chance_is_notable(now: int, before: int, notable: bool) -> None:
    found = COMPARER.count("甲", "k", Counts(now, before, 0))
    assert found.notable is notable


def test_among_many_rows_chance_alone_marks_hardly_any() -> None:
    rows = [Entry(str(n), str(n), Counts(10 + n % 9, 10 + (n * 7) % 9, 0)) for n in range(200)]
    assert sum(bool(one.notable) for one in COMPARER.counts(rows, total=1)) == 0


def test_a_february_is_no_fall_from_january_by_its_length() -> None:
    leap = Comparer(before=True, year=False, weight=28 / 59)
    assert leap.count("甲", "k", Counts(2800, 3100, 0)).notable is False


def test_equal_values_share_the_better_rank() -> None:
    assert ranks([9, 7, 7, 7, 3]) == [1, 2, 2, 2, 5]


def assessed(*works: Work) -> Report:
    request = request_of("month")
    material = sample_material(request, tickets=10)
    assert material.handling is not None
    handling = replace(material.handling, units=works, districts=(), items=())
    return build(replace(material, handling=handling), request)


def test_units_are_ranked_by_their_rates_and_ties_share_a_rank() -> None:
    good = {"dispatched": 10, "due": 10, "on_time": 10, "received": 10, "closed": 10}
    poor = {"dispatched": 10, "due": 10, "on_time": 1, "received": 10, "closed": 2, "returned": 5}
    report = assessed(
        Work(name="甲局", **good),
        Work(name="乙局", **poor),
        Work(name="丙局", **good),
        Work(name="丁局", dispatched=2, due=2),
    )
    assert report.assessment is not None
    table = report.assessment.tables[0]
    assert [(row.name, row.rank) for row in table.rows] == [("丙局", 1), ("甲局", 1), ("乙局", 3), ("丁局", 0)]
    assert table.rows[0].score == 100.0
    assert table.rows[-1].score is None
    assert "不参加排名" in table.rows[-1].note
    for name, weight in WEIGHTS.values():
        assert f"{name}{weight:.0f}" in table.formula


def test_a_rate_that_nobody_was_asked_for_does_not_count_against_a_unit() -> None:
    report = assessed(Work(name="甲局", dispatched=10, due=10, on_time=5))
    assert report.assessment is not None
    # 30 for on time at one half, 10 for returns at one.
    assert report.assessment.tables[0].rows[0].score == pytest.approx(100 * (30 * 0.5 + 10) / 40, abs=0.05)


def test_quotes_are_the_passages_with_most_keywords_and_never_twice_the_same() -> None:
    sources = [
        QuoteSource(appeal="1", number="1", text="您好。谢谢。"),
        QuoteSource(appeal="2", number="2", text="您好。搅拌站夜间扬尘很大，\n村民受不了。"),
        QuoteSource(appeal="3", number="3", text="您好。搅拌站夜间扬尘很大，\n村民受不了。"),
        QuoteSource(appeal="4", number="4", text="搅拌站的车把路压坏了。" + "请处理" * 100),
    ]
    found = matters.quotes(sources, ("搅拌站", "扬尘"))
    assert found[0] == Quote(appeal="2", number="2", text="搅拌站夜间扬尘很大， 村民受不了。")
    assert [one.appeal for one in found] == ["2", "4"]
    assert all(len(one.text) <= matters.QUOTE_CHARS for one in found)


def test_a_quote_holds_no_control_characters_and_reads_on_one_line() -> None:
    (found,) = matters.quotes([QuoteSource(appeal="1", number="1", text="井盖\u202e松\x00动\r\n\t三天")], ("井盖",))
    assert found.text == "井盖 松 动 三天"


def test_hostile_lengths_stay_linear() -> None:
    text = "（" * 50_000 + "。" * 50_000
    assert len(matters.quotes([QuoteSource(appeal="1", number="1", text=text)], ("路灯",))) == 1


def test_more_tickets_than_are_listed_leave_the_figures_and_say_so() -> None:
    request = request_of()
    material: Material = sample_material(request, tickets=50)
    report = build(replace(material, tickets=material.tickets[:20]), request)
    assert report.overview.total.count == 50
    assert not report.trace.complete
    assert report.trace.note
    assert "trace" in {note.code for note in report.quality}


def test_the_heat_of_an_event_is_the_sum_of_its_parts() -> None:
    report = sample_report(tickets=400)
    assert report.events.rows
    for row in report.events.rows:
        assert row.heat.value == pytest.approx(sum(part.points for part in row.heat.parts), abs=0.01)
    values = [row.heat.value for row in report.events.rows]
    assert values == sorted(values, reverse=True)


def test_the_fortnight_of_a_daily_report_ends_with_its_day() -> None:
    report = sample_report("day", tickets=30)
    assert report.overview.daily[-1].day == DAY == date(2026, 9, 9)
    assert report.overview.daily[-1].count == 30
    assert len(report.overview.daily) == 14
