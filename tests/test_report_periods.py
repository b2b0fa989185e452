"""Periods of reports: how they are written, where they begin and end, and what they are compared with."""

from __future__ import annotations

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.reports.period import CHINA, Kind, PeriodError, of, parse

days = st.dates(min_value=date(1990, 1, 1), max_value=date(2098, 12, 31))


@pytest.mark.parametrize(
    ("code", "start", "end", "name"),
    [
        ("2019-09-02", date(2019, 9, 2), date(2019, 9, 2), "2019年9月2日"),
        ("2019-W36", date(2019, 9, 2), date(2019, 9, 8), "2019年第36周（9月2日至9月8日）"),
        ("2019w1", date(2018, 12, 31), date(2019, 1, 6), "2019年第1周（12月31日至1月6日）"),
        ("2020-W53", date(2020, 12, 28), date(2021, 1, 3), "2020年第53周（12月28日至1月3日）"),
        ("2020-02", date(2020, 2, 1), date(2020, 2, 29), "2020年2月"),
        ("2019-12", date(2019, 12, 1), date(2019, 12, 31), "2019年12月"),
        ("2019-q4", date(2019, 10, 1), date(2019, 12, 31), "2019年第四季度"),
    ],
)
def test_a_period_is_read_as_people_write_it(code: str, start: date, end: date, name: str) -> None:
    found = parse(code)
    assert (found.start, found.end, found.name) == (start, end, name)


@pytest.mark.parametrize("code", ["", "2019", "2019-W54", "2019-W00", "2019-13", "2019-02-30", "2019-Q5", "0000-W01"])
def test_what_is_no_period_is_refused_with_examples(code: str) -> None:
    with pytest.raises(PeriodError, match="2019-W36"):
        parse(code)


def test_a_week_is_no_month() -> None:
    with pytest.raises(PeriodError, match=r"请写成 2019-09$"):
        parse("2019-W36", Kind.MONTH)


def test_the_week_before_new_year_is_compared_with_the_last_week_that_the_year_before_has() -> None:
    found = parse("2020-W53")
    assert found.before().code == "2020-W52"
    assert found.year_before().code == "2019-W52"


def test_the_leap_day_is_compared_with_the_last_of_february() -> None:
    assert parse("2020-02-29").year_before().code == "2019-02-28"


def test_a_period_ends_at_midnight_in_china() -> None:
    found = parse("2019-09-02")
    assert found.since == datetime(2019, 9, 2, tzinfo=CHINA)
    assert found.until == datetime(2019, 9, 3, tzinfo=CHINA)


@given(day=days, kind=st.sampled_from(Kind))
def test_every_day_is_in_exactly_one_period_of_a_kind(day: date, kind: Kind) -> None:
    found = of(kind, day)
    assert found.contains(day)
    assert parse(found.code, kind) == found
    assert of(kind, found.end + timedelta(days=1)).before() == found
    assert len(found.all_days()) == found.days
