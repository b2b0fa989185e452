"""A unit's name tells its place, function and level, in any Chinese city."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from triage._functions import GOVERNMENT, KEYWORDS
from triage.naming import FUNCTIONS, LEVELS, parse_places, parse_unit_name


@pytest.mark.parametrize(
    ("name", "area", "function", "level"),
    [
        ("龙华区城管局", "龙华区", "城管局", "区县"),
        ("市公安局交通警察支队", "", "交警", "市"),
        ("海口市秀英区劳动保障监察大队", "秀英区", "人社局", "区县"),
        ("龙华区城西镇政府", "城西镇", "街道乡镇", "街镇"),
        ("海口威立雅水务有限公司", "", "供水公司", "企业"),
        ("市水务局", "", "水利局", "市"),
        ("海口供电局", "", "供电公司", "企业"),
        ("供电政府服务中心", "", "供电公司", "企业"),
        ("市数字城管专席", "", "城管局", "市"),
        ("中国移动海南分公司", "", "通信运营商", "企业"),
        ("东门片区指挥部", "", "住建局", "市"),
        ("海口工商局", "", "市场监管局", "市"),
        ("市卫生局", "", "卫健委", "市"),
        ("区环境卫生管理局", "", "城管局", "区县"),
        ("市国土资源局", "", "自然资源局", "市"),
        ("市住房和城乡建设局", "", "住建局", "市"),
        ("市场监督管理局", "", "市场监管局", "市"),
        ("市市场监督管理局", "", "市场监管局", "市"),
        ("城市管理局", "", "城管局", "市"),
        ("上海市城市管理行政执法局", "", "城管局", "市"),
        ("北京市朝阳区城市管理委员会", "朝阳区", "城管局", "区县"),
        ("市政务服务中心", "", "市政府", "市"),
        ("云山区政务服务中心", "云山区", "区县政府", "区县"),
        ("云山区人民政府", "云山区", "区县政府", "区县"),
        ("高新技术产业开发区管理委员会", "高新技术产业开发区", "园区管委会", "区县"),
        ("海淀区中关村街道办事处", "中关村街道", "街道乡镇", "街镇"),
        ("云山区青溪街道司法所", "青溪街道", "司法局", "街镇"),
        ("望城区白箬铺镇古冲村村民委员会", "古冲村", "社区村委", "社区村"),
        ("岳麓区咸嘉湖街道咸嘉新村社区居委会", "咸嘉新村社区", "社区村委", "社区村"),
        ("区社区卫生服务中心", "", "卫健委", "区县"),
        ("湖南省人力资源和社会保障厅", "", "人社局", "省"),
        ("国家税务总局长沙市开福区税务局", "开福区", "税务局", "区县"),
        ("延边朝鲜族自治州延吉市公安局", "延吉市", "公安局", "区县"),
        ("济南市市中区教育局", "市中区", "教育局", "区县"),
        ("晋城市城区城市管理局", "城区", "城管局", "区县"),
        ("东莞市长安镇人民政府", "长安镇", "街道乡镇", "街镇"),
        ("市公安局龙华分局", "龙华", "公安局", "区县"),
        ("市交警支队直属大队", "", "交警", "市"),
        ("龙华区市场监督管理局（原工商局）", "龙华区", "市场监管局", "区县"),
        ("市邮政管理局", "", "邮政快递", "市"),
        ("秀英区 城管局", "秀英区", "城管局", "区县"),
    ],
)
def test_a_name_says_where_what_and_at_which_level(name: str, area: str, function: str, level: str) -> None:
    read = parse_unit_name(name)

    assert (read.area, read.function, read.level) == (area, function, level)


def test_a_name_without_a_known_word_has_no_function() -> None:
    assert parse_unit_name("青云楼").function == ""


def test_every_place_of_the_ladder_is_read_widest_first() -> None:
    read = parse_unit_name("内蒙古自治区呼和浩特市赛罕区敕勒川路街道办事处")

    assert [(place.name, place.level) for place in read.places] == [
        ("内蒙古自治区", "省"),
        ("呼和浩特市", "市"),
        ("赛罕区", "区县"),
        ("敕勒川路街道", "街镇"),
    ]


def test_a_place_without_its_suffix_is_read_when_it_is_known() -> None:
    assert parse_unit_name("龙华城管").area == ""
    assert parse_unit_name("龙华城管", known_places=["秀英区", "龙华区"]).area == "龙华区"


def test_places_are_split_off_an_address() -> None:
    places, rest = parse_places("云山市青河区东门街道解放路8号")

    assert [place.name for place in places] == ["云山市", "青河区", "东门街道"]
    assert rest == "解放路8号"


def test_the_table_points_to_known_functions_only() -> None:
    assert {function for function, _ in KEYWORDS} <= {*FUNCTIONS, GOVERNMENT}
    assert len(set(FUNCTIONS)) == len(FUNCTIONS)


@given(st.text(max_size=80))
def test_any_text_is_read_without_an_error(name: str) -> None:
    read = parse_unit_name(name)

    assert read.level in LEVELS
    assert read.function in {"", *FUNCTIONS}


def test_a_hundred_thousand_characters_are_read_at_once() -> None:
    began = time.perf_counter()
    parse_unit_name("城市" * 50_000)
    parse_unit_name("东" * 100_000)

    assert time.perf_counter() - began < 0.5
