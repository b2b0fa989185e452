"""Conduct complaints, levels of handling, assisting units and colours."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from triage.directory import Directory, Unit
from triage.errors import InputError
from triage.rules import AdmissionList, assisting_units, color, complained_about, handling_level

URBAN = Unit(name="青河区城管局", level="区县", function="城管局", aliases=("区执法局",))
CITY = Directory.from_names(
    [
        *(
            "云山市人民政府",
            "市城管局",
            "市住建局",
            "市教育局",
            "青河区城管局",
            "青河区人民政府",
            "云山市自来水有限公司",
        ),
        *("青河区东门街道办事处", "青河区东门街道桥头社区居委会", "白塔区新华街道办事处"),
    ]
)


@pytest.fixture(scope="module")
def admission() -> AdmissionList:
    return AdmissionList.load()


def level(text: str, admission: AdmissionList, *, area: str, function: str = "城管局", risk: int = 0) -> str:
    found = handling_level(text, function=function, area=area, directory=CITY, risk_level=risk, admission=admission)
    assert found.reason
    return found.name


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("青河区城管局不作为，多次投诉无人管", "青河区城管局不作为"),
        ("投诉城管工作人员态度恶劣", "城管工作人员态度恶劣"),
        ("城管执法队员暴力执法，掀翻我的摊子", "城管执法队员暴力执法"),
        ("区执法局乱罚款", "区执法局乱罚款"),
        ("城管和街道互相推诿", "城管和街道互相推"),
        ("向城管反映，对方态度恶劣", "城管反映，对方态度恶劣"),
        ("给城管局投诉，一直被推诿", "城管局投诉，一直被推诿"),
    ],
)
def test_a_complaint_about_the_units_own_conduct_is_found(text: str, quote: str) -> None:
    span = complained_about(text, URBAN)

    assert span is not None
    assert text[span.start : span.end] == quote


@pytest.mark.parametrize(
    "text",
    [
        "向城管反映过多次，没有结果",
        "请城管处理物业不作为的问题",
        "希望城管局不要推诿",
        "城管处理得很快，物业态度恶劣",
        "城管没有乱罚款",
        "城管保证绝不推诿",
        "小贩辱骂城管",
        "路边烧烤油烟大，请青河区城管局核实处理",
        "派出所不作为",
    ],
)
def test_asking_or_having_told_the_unit_is_no_complaint_about_it(text: str) -> None:
    assert complained_about(text, URBAN) is None


BUREAU = Unit(name="云山市公安局", level="市", function="公安局")
STATION = Unit(name="东门派出所", level="街镇", function="公安局")


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        (URBAN, "城管中队不作为，求追责"),
        (URBAN, "区执法局窗口不受理我的申请"),
        (BUREAU, "东门派出所民警态度恶劣"),
        (BUREAU, "公安派出所不作为"),
    ],
)
def test_what_a_body_below_the_unit_did_is_for_the_unit_to_hear(unit: Unit, text: str) -> None:
    assert complained_about(text, unit) is None


def test_a_station_or_a_district_branch_does_not_hear_complaints_about_its_own_officers() -> None:
    branch = Unit(name="云山市公安局青河分局", level="区县", function="公安局")
    assert complained_about("东门派出所不作为", STATION) is not None
    assert complained_about("民警态度恶劣", branch) is not None


@pytest.mark.parametrize(
    "text",
    [
        "市民来电咨询：《关于投诉城管局不作为的问题》的处理结果",
        "市民来电反映路边占道。青河区城管局答复：关于投诉城管不作为一事，已派员查看",
    ],
)
def test_a_repeated_title_or_an_official_answer_is_no_complaint_of_this_call(text: str) -> None:
    assert complained_about(text, URBAN) is None


def test_what_the_caller_says_after_the_answer_counts() -> None:
    text = "青河区城管局答复：已派员查看。市民再次来电反映：没有人来过，故投诉城管局不作为"
    assert complained_about(text, URBAN) is not None


def test_bare_names_serve_instead_of_a_unit() -> None:
    assert complained_about("绿源公司欺骗业主", ["绿源公司"]) is not None
    assert complained_about("绿源公司欺骗业主", []) is None


@pytest.mark.parametrize("piece", ["城管", "城管不", "不作为", "向城管反映"])
def test_conduct_is_searched_in_linear_time(piece: str) -> None:
    began = time.perf_counter()
    complained_about(piece * (100_000 // len(piece)) + "敷衍", URBAN)

    assert time.perf_counter() - began < 2.0


@pytest.mark.parametrize(
    ("text", "area", "expected"),
    [
        ("楼道堆放杂物，楼道堆满纸箱", "桥头社区", "社区村"),
        ("楼道堆满纸箱", "东门街道", "街镇"),
        ("占道经营严重", "桥头社区", "街镇"),
        ("楼道堆满纸箱", "青河区", "区县"),
        ("渣土车遗撒", "桥头社区", "区县"),
        ("渣土车遗撒", "白塔区", "市"),
        ("咨询全市人才补贴的申请条件", "青河区", "市"),
    ],
)
def test_the_lowest_level_that_covers_the_matter_handles_it(
    admission: AdmissionList, text: str, area: str, expected: str
) -> None:
    assert level(text, admission, area=area) == expected


def test_a_serious_risk_never_goes_below_the_district(admission: AdmissionList) -> None:
    assert level("楼道堆满纸箱", admission, area="桥头社区", risk=3) == "区县"
    assert level("村干部的事", admission, area="桥头社区", function="社区村委", risk=2) == "社区村"
    assert level("村干部的事", admission, area="桥头社区", function="社区村委", risk=4) == "区县"


def test_an_excluded_word_keeps_a_matter_off_the_admission_list(admission: AdmissionList) -> None:
    assert level("楼上住户半夜施工打人", admission, area="桥头社区") == "区县"


def test_without_a_directory_the_place_decides(admission: AdmissionList) -> None:
    def decided(area: str) -> str:
        return handling_level(
            "渣土车遗撒", function="城管局", area=area, directory=None, risk_level=0, admission=admission
        ).name

    assert decided("青河区") == "区县"
    assert decided("") == "市"


def test_an_incomplete_admission_item_is_refused_by_number(tmp_path: Path) -> None:
    path = tmp_path / "admission.json"
    path.write_text('{"items": [{"item": "甲", "lowest": "市", "words": ["乙"]}]}', encoding="utf-8")

    with pytest.raises(InputError, match="第1项不完整"):
        AdmissionList.load(path)


def test_probable_functions_assist_as_units_of_the_area() -> None:
    names = assisting_units(
        "违规搭建，物业不管",
        lead_function="城管局",
        function_probabilities={"城管局": 0.6, "住建局": 0.08, "教育局": 0.06, "街道乡镇": 0.2, "其他": 0.3},
        directory=CITY,
        area="桥头社区",
    )

    assert names == ("青河区东门街道办事处", "市住建局")


def test_improbable_functions_do_not_assist() -> None:
    assert not assisting_units(
        "路灯不亮",
        lead_function="城管局",
        function_probabilities={"城管局": 0.9, "住建局": 0.1},
        directory=None,
        area="",
    )


def test_colours_follow_the_level() -> None:
    assert [color(number) for number in range(5)] == ["无", "蓝", "黄", "橙", "红"]
    with pytest.raises(ValueError, match="5"):
        color(5)
