"""Names found in appeals, and how misspelt ones are compared."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage.events.names import AREA, BUILDING, ESTATE, FIRM, LINE, ROAD, SCHOOL, find_names, name_similarity


def found(text: str) -> set[tuple[int, str]]:
    return {(name.kind, name.text) for name in find_names(text, primary=True).names}


def test_an_estate_is_read_leftward_from_its_suffix() -> None:
    assert (ESTATE, "云栖") in found("投诉云栖小区噪音扰民")


def test_a_name_does_not_swallow_the_street_before_it() -> None:
    assert {(AREA, "柳溪"), (ESTATE, "枫桥")} <= found("反映柳溪街道枫桥家园油烟")


def test_roads_schools_lines_and_buildings_are_told_apart() -> None:
    names = found("在青石路旁的松林小学附近,地铁6号线施工,3栋住户无法休息")
    assert {(ROAD, "青石"), (SCHOOL, "松林"), (LINE, "6"), (BUILDING, "3")} <= names


def test_common_words_with_a_suffix_are_no_names() -> None:
    assert not {name for kind, name in found("这条道路和公路的马路牙子,农贸市场,开发公司") if kind == ROAD}


def test_what_is_built_or_made_is_no_name_of_a_plant() -> None:
    for text in ("小区附近违建搅拌站", "旁边建搅拌站", "无资质混凝土搅拌站", "强烈要求撤走搅拌站"):
        assert not {name for kind, name in found(text) if kind == FIRM}
    assert (FIRM, "澄江") in found("澄江混凝土有限公司旁的澄江搅拌站")


def test_spans_cover_name_and_suffix() -> None:
    text = "云栖小区门口"
    assert [text[a:b] for a, b in find_names(text, primary=True).spans] == ["云栖小区"]


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("云栖", "云栖", 1.0),
        ("住在云栖", "云栖", 1.0),
        ("岭东", "东岭", 0.9),
        ("青澜湖", "青蓝湖", 0.8),
        ("华茂", "华贸", 0.8),
        ("金贸", "金茂", 0.8),
        ("万润", "润万", 0.9),
        ("万闰", "润万", 0.8),
        ("华茂", "华强", 0.4),
        ("晴川", "晴川新城", 0.4),
        ("云栖", "枫桥", 0.0),
        ("", "枫桥", 0.0),
    ],
)
def test_misspelt_names_are_similar_and_others_are_not(left: str, right: str, expected: float) -> None:
    assert name_similarity(left, right) == pytest.approx(expected)


@given(st.text(max_size=12), st.text(max_size=12))
def test_similarity_is_symmetric_and_bounded(left: str, right: str) -> None:
    assert name_similarity(left, right) == name_similarity(right, left)
    assert 0.0 <= name_similarity(left, right) <= 1.0


@given(st.text(max_size=300))
def test_any_text_is_searched_for_names(text: str) -> None:
    for start, end in find_names(text, primary=False).spans:
        assert 0 <= start < end <= len(text)
