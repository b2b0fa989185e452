from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.trend_rows import MONDAY, WEEK, appeal, outbreak, quiet_city
from triage.events import WordCutter
from triage.trends import KeywordReader, Span, TrendCounts, TrendRow, heat, themes
from triage.trends.changes import compare
from triage.trends.heat import MOST
from triage.trends.naming import theme_name


@pytest.fixture(scope="module")
def fortnight() -> Sequence[TrendRow]:
    return quiet_city(weeks=2, seed=4)


def test_every_appeal_of_the_period_is_in_one_theme_or_in_none(fortnight: Sequence[TrendRow]) -> None:
    told = themes(fortnight, span=WEEK)
    listed = [*(id_ for item in told.items for id_ in item.ids), *told.without]
    assert sorted(listed) == sorted(row.id for row in fortnight if WEEK.contains(row.day))
    assert told.total == len(listed)
    assert sum(item.count for item in told.items) + len(told.without) == told.total


def test_a_theme_is_a_category_with_a_word(fortnight: Sequence[TrendRow]) -> None:
    told = themes(fortnight, span=WEEK)
    assert {(item.l2, item.head) for item in told.items} >= {("市政管理", "路灯"), ("环境污染", "噪音")}
    by_id = {row.id: row for row in fortnight}
    for item in told.items:
        assert all(item.head in by_id[id_].keywords and by_id[id_].l2 == item.l2 for id_ in item.ids)


def test_the_largest_theme_comes_first_and_only_so_many_are_listed(fortnight: Sequence[TrendRow]) -> None:
    told = themes(fortnight, span=WEEK, most=3)
    assert len(told.items) == 3
    counts = [item.count for item in themes(fortnight, span=WEEK).items]
    assert counts == sorted(counts, reverse=True)


def test_a_new_theme_is_beyond_chance_and_the_others_are_not(fortnight: Sequence[TrendRow]) -> None:
    told = themes([*fortnight, *outbreak(14)], span=WEEK)
    new = next(item for item in told.items if item.head in {"搅拌站", "粉尘"})
    assert new.week is not None
    assert (new.week.now, new.week.before, new.week.rate) == (14, 0, None)
    assert new.week.beyond_chance
    assert [item for item in told.items if item is not new and item.week and item.week.beyond_chance] == []


def test_the_street_that_a_theme_comes_from_is_told(fortnight: Sequence[TrendRow]) -> None:
    told = themes([*fortnight, *outbreak(9)], span=WEEK)
    new = next(item for item in told.items if item.head in {"搅拌站", "粉尘"})
    assert new.place is not None
    assert (new.place.place.name, new.place.count, new.place.share) == ("南汀区柳溪街道", 9, 1.0)
    assert new.place.expected < 4.0


def test_a_theme_spread_like_everything_else_has_no_place(fortnight: Sequence[TrendRow]) -> None:
    told = themes(fortnight, span=WEEK)
    assert sum(item.place is not None for item in told.items) <= 1


def test_the_year_before_is_compared_where_it_is_given(fortnight: Sequence[TrendRow]) -> None:
    year = [
        replace(row, id=f"y{row.id}", received_at=row.received_at - timedelta(days=364))
        for row in fortnight
        if WEEK.contains(row.day)
    ]
    told = themes([*fortnight, *year], span=WEEK)
    assert all(item.year is not None and item.year.before == item.count for item in told.items)
    assert told.notes == ()


def test_what_cannot_be_compared_is_said_and_not_made_up(fortnight: Sequence[TrendRow]) -> None:
    told = themes([row for row in fortnight if WEEK.contains(row.day)], span=WEEK)
    assert all(item.week is None and item.year is None for item in told.items)
    assert told.notes == ("没有上期数据，不作环比", "没有上年同期数据，不作同比")
    growth = [part for item in told.items for part in item.heat.parts if part.name == "增长"]
    assert all(part.points == 0.0 for part in growth)


def test_the_periods_compared_may_be_of_unequal_length(fortnight: Sequence[TrendRow]) -> None:
    three = Span(start=MONDAY - timedelta(days=3), end=MONDAY - timedelta(days=1))
    told = themes(fortnight, span=WEEK, previous=three)
    first = told.items[0]
    assert first.week is not None
    assert first.week.rate == pytest.approx((first.week.now / 7) / (first.week.before / 3) - 1)


def test_a_word_that_only_repeats_the_category_is_no_theme() -> None:
    rows = [appeal(index, MONDAY, l2="交通管理", keywords=("交通", "交警", "停车")) for index in range(6)]
    rows += [appeal(100 + index, MONDAY, l2="环境污染", keywords=("噪音",)) for index in range(20)]
    assert {item.head for item in themes(rows, span=WEEK).items if item.l2 == "交通管理"} == {"停车"}


def test_a_longer_word_counts_for_the_word_within_it() -> None:
    words = ("公交", "公交车", "公交线路", "公交", "公交站")
    rows = [appeal(index, MONDAY, l2="市政管理", keywords=(word,)) for index, word in enumerate(words)]
    rows += [appeal(100 + index, MONDAY, l2="环境污染", keywords=("噪音",)) for index in range(20)]
    first = next(item for item in themes(rows, span=WEEK).items if item.l2 == "市政管理")
    assert (first.head, first.count) == ("公交", 5)


def test_a_word_of_two_people_makes_no_theme() -> None:
    rows = [appeal(index, MONDAY, l2="市政管理", keywords=("路灯",), appellant=f"p{index % 2}") for index in range(9)]
    rows += [appeal(100 + index, MONDAY, l2="环境污染", keywords=("噪音",)) for index in range(20)]
    assert {item.l2 for item in themes(rows, span=WEEK).items} == {"环境污染"}


def test_an_empty_period_has_no_themes(fortnight: Sequence[TrendRow]) -> None:
    assert themes([], span=WEEK).items == ()
    assert themes([row for row in fortnight if row.day < MONDAY], span=WEEK).total == 0


def test_one_appeal_is_no_theme() -> None:
    told = themes([appeal(1, MONDAY, l2="环境污染", keywords=("噪音",))], span=WEEK)
    assert (told.items, told.without) == ((), ("a1",))


def test_the_order_of_rows_does_not_matter(fortnight: Sequence[TrendRow]) -> None:
    order = np.random.default_rng(1).permutation(len(fortnight))
    assert themes([fortnight[index] for index in order], span=WEEK) == themes(fortnight, span=WEEK)


def test_a_season_needs_a_year() -> None:
    rows = quiet_city(weeks=60, per_day=4, seed=8)
    counts = TrendCounts.of(row for row in rows if row.day < MONDAY)
    recent = [row for row in rows if row.day > MONDAY - timedelta(days=8)]
    assert all(item.season is not None for item in themes(recent, span=WEEK, earlier=counts).items)
    short = counts.between(Span(start=MONDAY - timedelta(days=300), end=MONDAY))
    assert all(item.season is None for item in themes(recent, span=WEEK, earlier=short).items)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 13), st.sampled_from(["", "环境污染", "市政管理"]), st.lists(st.text(max_size=6), max_size=5)
        ),
        max_size=40,
    )
)
def test_any_rows_are_survived(cells: list[tuple[int, str, list[str]]]) -> None:
    rows = [
        appeal(index, MONDAY - timedelta(days=day - 6), l2=l2, keywords=tuple(words))
        for index, (day, l2, words) in enumerate(cells)
    ]
    told = themes(rows, span=WEEK)
    assert sum(item.count for item in told.items) + len(told.without) == told.total
    assert all(0 < len(item.name) <= 20 for item in told.items)


def test_what_stays_the_same_is_not_beyond_chance() -> None:
    changes = compare([(10, 10), (20, 18), (5, 9), (7, 7), (60, 8)], days_now=7, days_before=7)
    assert [change.beyond_chance for change in changes] == [False, False, False, False, True]
    assert changes[1].rate == pytest.approx(2 / 18)


def test_a_week_without_appeals_of_a_theme_is_a_fall() -> None:
    (change, *_) = compare([(0, 30), *[(10, 10)] * 9], days_now=7, days_before=7)
    assert change.rate == -1.0
    assert change.beyond_chance


def test_nothing_compared_is_nothing_found() -> None:
    assert compare([], days_now=7, days_before=7) == ()


def test_heat_is_the_sum_of_its_parts() -> None:
    told = heat(count=23, before=2, people=20, risk_level=3, places=2, total=103)
    assert told.value == pytest.approx(sum(part.points for part in told.parts))
    assert [part.name for part in told.parts] == list(MOST)
    assert sum(MOST.values()) == 100.0


def test_heat_grows_with_each_of_its_parts() -> None:
    base = {"count": 10, "before": 8, "people": 8, "risk_level": 1, "places": 2, "total": 400}
    value = heat(**base).value
    for name, more in (("count", 20), ("people", 16), ("risk_level", 4), ("places", 5)):
        assert heat(**{**base, name: more}).value > value
    assert heat(**{**base, "before": 2}).value > value


def test_one_person_writing_often_is_less_hot_than_many_people() -> None:
    many = heat(count=20, before=0, people=20, risk_level=0, places=1, total=400)
    one = heat(count=20, before=0, people=1, risk_level=0, places=1, total=400)
    assert many.value - one.value > 8


def test_the_same_count_is_hotter_in_a_small_town() -> None:
    known = {"count": 10, "before": 0, "people": 10, "risk_level": 0, "places": 1}
    assert heat(total=60, **known).value > heat(total=20_000, **known).value


def test_nothing_is_cold() -> None:
    assert heat(count=0, before=5, people=0, risk_level=0, places=0, total=0).value == 0.0


@pytest.mark.parametrize("wrong", [{"count": -1}, {"risk_level": 5}, {"places": -2}])
def test_impossible_numbers_are_refused(wrong: dict[str, int]) -> None:
    known = {"count": 1, "before": 0, "people": 1, "risk_level": 0, "places": 1, "total": 1}
    with pytest.raises(ValueError, match="heat"):
        heat(**{**known, **wrong})


def test_words_stand_in_the_order_in_which_people_write_them() -> None:
    texts = [("门面", "噪音", "扰民"), ("噪音", "扰民")]
    assert theme_name(("扰民", "噪音"), texts, category="") == "噪音扰民"
    assert theme_name(("油烟", "门面"), [("油烟", "楼道", "门面")], category="") == "油烟、门面"


def test_a_name_is_short_and_never_empty() -> None:
    words = ("一二三四五六七八", "九十百千万亿兆京", "甲乙丙丁戊己庚辛")
    assert len(theme_name(words, [words], category="")) <= 20
    assert theme_name((), [], category="") == "未分类"
    assert theme_name((), [], category="某" * 30) == "某" * 20


def test_a_word_within_another_is_not_said_twice() -> None:
    assert theme_name(("公交车", "公交", "线路"), [("公交车", "线路")], category="") == "公交车线路"


@pytest.fixture(scope="module")
def reader() -> KeywordReader:
    return KeywordReader(WordCutter())


def test_keywords_are_what_a_letter_is_about(reader: KeywordReader) -> None:
    found = reader.keywords("小区门口油烟扰民", "尊敬的领导您好，请问什么时候能够解决烧烤店油烟问题？希望尽快处理")
    assert "油烟" in found
    assert "扰民" in found
    assert not {"尊敬", "领导", "请问", "解决", "问题", "希望", "处理", "小区"} & set(found)


def test_a_suffix_belongs_to_its_word(reader: KeywordReader) -> None:
    assert "搅拌站" in reader.keywords("", "楼下新开了混凝土搅拌站，粉尘很大")


def test_masked_data_and_numbers_are_no_keywords(reader: KeywordReader) -> None:
    found = reader.keywords("", "[姓名]的电话是[手机号]，2018年5月停电3次")
    assert found == ("停电",)


def test_keywords_come_in_the_order_of_the_text_and_once(reader: KeywordReader) -> None:
    found = reader.keywords("停车收费", "收费不合理，停车位被占用，停车难")
    assert found[:2] == ("停车", "收费")
    assert len(found) == len(set(found))


@given(st.text(max_size=200), st.text(max_size=400))
def test_any_text_has_few_and_short_keywords(title: str, content: str) -> None:
    found = KeywordReader(_SHARED).keywords(title, content)
    assert len(found) <= 24
    assert all(2 <= len(word) <= 7 for word in found)


_SHARED = WordCutter()


def test_a_text_of_a_hundred_thousand_characters_is_read_at_its_beginning(reader: KeywordReader) -> None:
    assert reader.keywords("", "停电" + "啊" * 100_000) == reader.keywords("", "停电" + "啊" * 400)
