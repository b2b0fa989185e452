from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from tests.trend_rows import MONDAY, WEEK, appeal, outbreak, quiet_city
from triage.trends import Bursts, Span, TrendCell, TrendCounts, TrendRow, bursts

EARLIER = Span(start=MONDAY - timedelta(days=182), end=MONDAY - timedelta(days=1))


def told(rows: Iterable[TrendRow], **known: object) -> Bursts:
    listed = list(rows)
    history = TrendCounts.of(row for row in listed if row.day < WEEK.start)
    return bursts(listed, span=WEEK, history=history, **known)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def city() -> Sequence[TrendRow]:
    return quiet_city(weeks=27)


def test_nothing_emerges_where_nothing_happens(city: Sequence[TrendRow]) -> None:
    assert told(city).items == ()


def test_a_new_matter_is_found_with_its_street_its_words_and_its_beginning(city: Sequence[TrendRow]) -> None:
    (found,) = told([*city, *outbreak(9)]).items
    assert found.place.name == "南汀区柳溪街道"
    assert found.place.level == "街镇"
    assert found.keywords[0] in {"搅拌站", "粉尘"}
    assert found.name in {"搅拌站粉尘", "搅拌站、粉尘"}
    assert (found.l1, found.l2) == ("环境保护", "环境污染")
    assert (found.count, found.people, found.since, found.days) == (9, 9, MONDAY, 7)
    assert found.expected < 0.5
    assert found.q <= 0.05
    assert found.ids[:3] == ("a900000", "a900005", "a900001")


def test_what_rises_in_a_whole_district_is_reported_for_the_district(city: Sequence[TrendRow]) -> None:
    places = (("南汀区", "柳溪街道"), ("南汀区", "云渡街道"), ("南汀区", "望江街道"), ("南汀区", "东埠街道"))
    spread = [
        row for index, place in enumerate(places) for row in outbreak(4, place=place, start=910_000 + 100 * index)
    ]
    (found,) = told([*city, *spread]).items
    assert (found.place.name, found.place.level) == ("南汀区", "区县")
    assert found.count == 16


def test_what_rises_everywhere_is_reported_for_the_city(city: Sequence[TrendRow]) -> None:
    places = [(f"第{index}区", f"第{index}街道") for index in range(8)]
    spread = [
        row for index, place in enumerate(places) for row in outbreak(2, place=place, start=910_000 + 100 * index)
    ]
    (found,) = told([*city, *spread]).items
    assert (found.place.name, found.place.level) == ("全市", "市")


def test_two_matters_stay_two(city: Sequence[TrendRow]) -> None:
    other = outbreak(8, keywords=("共享单车", "堆放"), place=("北汀区", "石桥镇"), start=950_000)
    found = told([*city, *outbreak(9), *other]).items
    assert {one.place.name for one in found} == {"南汀区柳溪街道", "北汀区石桥镇"}


def test_a_whole_category_can_rise_without_a_word(city: Sequence[TrendRow]) -> None:
    more = [
        appeal(960_000 + index, MONDAY, l1="劳动保障", l2="劳动关系", keywords=(), district="北汀区", street="石桥镇")
        for index in range(40)
    ]
    (found,) = told([*city, *more]).items
    assert (found.name, found.l2, found.keywords) == ("劳动关系", "劳动关系", ())


def test_one_person_repeating_is_no_trend(city: Sequence[TrendRow]) -> None:
    assert told([*city, *outbreak(12, appellant="p1")]).items == ()


def test_three_strangers_who_tell_of_different_events_are_too_few(city: Sequence[TrendRow]) -> None:
    assert told([*city, *outbreak(3)]).items == ()
    (found,) = told([*city, *outbreak(3, event="E-1")]).items
    assert (found.people, found.events) == (3, 1)


def test_a_word_in_unlike_appeals_is_no_trend(city: Sequence[TrendRow]) -> None:
    same = outbreak(6, keywords=("安装",))
    unlike = [replace(row, l2=f"类别{index}") for index, row in enumerate(same)]
    assert told([*city, *same]).items != ()
    assert told([*city, *unlike]).items == ()


def test_a_burst_that_goes_on_is_found_again_and_its_beginning_told(city: Sequence[TrendRow]) -> None:
    before = [
        row
        for week in range(1, 4)
        for row in outbreak(8, first=MONDAY - timedelta(days=7 * week), start=920_000 + 100 * week)
    ]
    (found,) = told([*city, *before, *outbreak(9)]).items
    assert found.since == MONDAY - timedelta(days=21)
    assert found.days == 28


def test_what_is_always_frequent_is_no_burst(city: Sequence[TrendRow]) -> None:
    always = [
        row
        for week in range(27)
        for row in outbreak(9, first=MONDAY - timedelta(days=7 * week), start=10_000 * (week + 200))
    ]
    assert told([*city, *always]).items == ()


def test_a_busier_city_alone_makes_no_burst() -> None:
    quiet = [row for row in quiet_city(weeks=27, per_day=8, seed=1) if row.day < MONDAY]
    busy = [row for row in quiet_city(weeks=1, per_day=24, seed=2) if row.day >= MONDAY]
    assert told([*quiet, *(replace(row, id=f"b{row.id}") for row in busy)]).items == ()


def test_false_alarms_are_rare_in_a_city_of_chance() -> None:
    found = [told(quiet_city(weeks=14, seed=seed), fdr=0.01).items for seed in range(12)]
    assert sum(map(len, found)) <= 1


def test_the_order_of_rows_changes_nothing(city: Sequence[TrendRow]) -> None:
    rows = [*city, *outbreak(9)]
    order = np.random.default_rng(3).permutation(len(rows))
    assert told(rows) == told([rows[index] for index in order])


def test_counts_from_a_database_say_the_same_as_rows(city: Sequence[TrendRow]) -> None:
    rows = [*city, *outbreak(9)]
    counted = TrendCounts.of(row for row in rows if row.day < MONDAY)
    split = [
        part
        for cell in counted.cells
        for part in ([cell] if cell.count == 1 else [replace(cell, count=1), replace(cell, count=cell.count - 1)])
    ]
    assert bursts(rows, span=WEEK, history=TrendCounts(cells=split[::-1])) == told(rows)


def test_keywords_may_be_counted_on_a_sample(city: Sequence[TrendRow]) -> None:
    rows = [*city, *outbreak(9)]
    sample = TrendCounts.of(row for index, row in enumerate(rows) if row.day < MONDAY and index % 3 == 0)
    (found,) = told(rows, words=sample).items
    assert found.place.street == "柳溪街道"


def test_words_that_the_period_does_not_have_count_as_looked_at(city: Sequence[TrendRow]) -> None:
    rows = [*city, *outbreak(9)]
    assert told(rows, unlisted_words=3000).items[0].q == pytest.approx(told(rows).items[0].q * (1 + 3000 / 15), rel=0.3)


def test_categories_alone_are_told_where_no_keyword_is_known() -> None:
    rows = [replace(row, keywords=()) for row in [*quiet_city(weeks=27), *outbreak(30)]]
    (found,) = told(rows).items
    assert (found.name, found.place.name) == ("环境污染", "南汀区柳溪街道")


def test_a_burst_that_is_one_event_is_named_after_it(city: Sequence[TrendRow]) -> None:
    rows = [*city, *outbreak(9, event="E-1")]
    (found,) = told(rows, titles={"E-1": "柳溪街道搅拌站粉尘"}).items
    assert found.name == "柳溪街道搅拌站粉尘"


def test_without_history_nothing_is_claimed_and_the_report_says_so() -> None:
    found = bursts(outbreak(9), span=WEEK, history=TrendCounts(cells=[]))
    assert found.items == ()
    assert found.history_days == 0
    assert "没有本期之前的数据" in found.notes[0]


def test_a_short_history_is_said_and_judged_with_caution() -> None:
    rows = [*quiet_city(weeks=3), *outbreak(5)]
    found = told(rows)
    assert found.items == ()
    assert "不足四个周期" in found.notes[0]
    assert told([*quiet_city(weeks=3), *outbreak(25)]).items != ()


def test_an_empty_week_and_a_single_appeal_are_no_trend(city: Sequence[TrendRow]) -> None:
    history = [row for row in city if row.day < MONDAY]
    assert told(history).items == ()
    assert told([*history, *outbreak(1)]).items == ()


def test_a_year_of_history_tells_the_season() -> None:
    rows = quiet_city(weeks=61, per_day=6, seed=5)
    last_year = outbreak(60, first=MONDAY - timedelta(days=370), start=800_000, days=14)
    (found,) = told([*rows, *last_year, *outbreak(12)]).items
    assert found.season is not None
    assert found.season.seasonal
    assert found.season.count > 1.3 * found.season.expected


def test_a_history_of_half_a_year_says_nothing_about_seasons(city: Sequence[TrendRow]) -> None:
    (found,) = told([*city, *outbreak(9)]).items
    assert found.season is None


@pytest.mark.parametrize("fdr", [0.0, 1.0, -0.1])
def test_a_false_discovery_rate_lies_between_nothing_and_one(fdr: float) -> None:
    with pytest.raises(ValueError, match="false discovery rate"):
        bursts([], span=WEEK, history=TrendCounts(cells=[]), fdr=fdr)


def test_the_method_names_the_rate_that_was_asked_for(city: Sequence[TrendRow]) -> None:
    assert "10%" in told(city, fdr=0.1).method


def test_one_persons_appeals_of_a_day_count_once() -> None:
    rows = [appeal(number, MONDAY, l2="环境污染", keywords=("油烟", "油烟"), appellant="p1") for number in range(3)]
    counts = {(cell.l2, cell.keyword): cell.count for cell in TrendCounts.of(rows).cells}
    assert counts == {("环境污染", ""): 1, ("", "油烟"): 1}


def test_a_street_without_its_district_counts_for_the_city_only(city: Sequence[TrendRow]) -> None:
    (found,) = told([*city, *outbreak(9, place=("", "柳溪街道"))]).items
    assert found.place.level == "市"


def test_a_time_without_a_zone_is_refused() -> None:
    row = appeal(1, MONDAY)
    with pytest.raises(ValueError, match="no time zone"):
        replace(row, received_at=row.received_at.replace(tzinfo=None))


def test_a_day_is_the_day_in_china() -> None:
    late = appeal(1, MONDAY).received_at.replace(hour=23, minute=30)
    assert replace(appeal(1, MONDAY), received_at=late.astimezone(tz=None)).day == MONDAY


def test_cells_are_kept_by_their_day() -> None:
    cells = [TrendCell(MONDAY + timedelta(days=index), "", "", "环境污染", "", 1) for index in range(10)]
    assert [cell.day for cell in TrendCounts(cells=cells).between(WEEK).cells] == [cell.day for cell in cells[:7]]
