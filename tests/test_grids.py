"""Grids (网格): the lowest level of the directory, reached by the admission list alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from models.bundle import load_bundle
from triage.appeal import Appeal
from triage.base_model import base_bundle_path, base_model_from
from triage.directory import Directory
from triage.directory.loading import read_units
from triage.errors import DirectoryError, InputError
from triage.routing.router import UnitRouter
from triage.rules import AdmissionList, handling_level
from triage.service import Triage

CITY = """单位名称,层级,上级单位,管辖区域,联系方式
云山市城管局,市,,,0000-12345678
青河区城管局,区县,,,
青河区东门街道办事处,街镇,,,
青河区东门街道桥头社区居委会,社区村,,,
桥头社区第一网格,网格,青河区东门街道桥头社区居委会,,0000-87654321
桥头社区第二网格,,青河区东门街道桥头社区居委会,,
"""


@pytest.fixture
def units(tmp_path: Path) -> Path:
    path = tmp_path / "units.csv"
    path.write_text(CITY, encoding="utf-8")
    return path


@pytest.fixture
def city(units: Path) -> Directory:
    return Directory.load(units)


def test_a_grid_is_read_with_its_level_function_place_and_contact(city: Directory) -> None:
    first, second = city.units[4:]
    assert (first.level, first.function, first.contact) == ("网格", "网格", "0000-87654321")
    assert (second.level, second.function) == ("网格", "网格")
    area = city.area("桥头社区第一网格")
    assert area is not None
    assert (area.level, area.parent) == ("网格", "桥头社区")
    assert city.contains("东门街道", "桥头社区第一网格")
    assert not city.contains("桥头社区第二网格", "桥头社区第一网格")
    assert city.superior_of(first) == city.units[3]


@pytest.mark.parametrize(
    ("text", "area", "level"),
    [
        ("楼道堆满纸箱", "桥头社区第一网格", "网格"),
        ("楼道堆满纸箱", "桥头社区", "社区村"),
        ("占道经营严重", "桥头社区第一网格", "街镇"),
        ("渣土车遗撒", "桥头社区第一网格", "区县"),
    ],
)
def test_only_what_the_admission_list_lets_down_is_handled_by_a_grid(
    city: Directory, text: str, area: str, level: str
) -> None:
    found = handling_level(
        text, function="城管局", area=area, directory=city, risk_level=0, admission=AdmissionList.load()
    )
    assert found.name == level


def test_a_serious_risk_does_not_go_down_to_a_grid(city: Directory) -> None:
    found = handling_level(
        "楼道堆满纸箱",
        function="城管局",
        area="桥头社区第一网格",
        directory=city,
        risk_level=3,
        admission=AdmissionList.load(),
    )
    assert found.name == "区县"


def test_no_model_ranks_a_grid(units: Path) -> None:
    triage = Triage.load(units=units)
    decided = triage.decide(
        Appeal(id="1", content="桥头社区第一网格楼道堆满纸箱，桥头社区第二网格也是", title="楼道堆物")
    )

    assert decided.unit.candidates
    assert not [one.name for one in decided.unit.candidates if one.name.endswith("网格")]
    assert decided.to_record()["level"]["name"] == "网格"


def test_a_directory_of_grids_alone_can_still_be_ranked() -> None:
    base = base_model_from(load_bundle(base_bundle_path()))
    grids = Directory.from_names(["桥头社区第一网格"])
    assert UnitRouter(grids, base.ranker).units == grids.units


@pytest.mark.parametrize(
    ("text", "level", "admitted"),
    [
        ("楼道堆满纸箱", "网格", True),
        ("占道经营严重", "社区村", False),
        ("占道经营严重", "街镇", True),
        ("拖欠工资", "网格", False),
        ("拖欠工资", "社区村", False),
        ("拖欠工资", "区县", True),
        ("拖欠工资", "企业", True),
        ("拖欠工资", "", True),
    ],
)
def test_the_list_says_what_may_be_handled_at_which_level(text: str, level: str, admitted: bool) -> None:
    assert AdmissionList.load().admits(text, level) is admitted


def test_a_double_item_of_the_list_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "admission.json"
    item = '{"item": "甲", "lowest": "网格", "words": ["乙"]}'
    path.write_text(f'{{"items": [{item}, {item}]}}', encoding="utf-8")
    with pytest.raises(InputError, match="“甲”出现两次"):
        AdmissionList.load(path)


def test_a_private_number_is_no_contact_of_a_unit(tmp_path: Path) -> None:
    path = tmp_path / "units.csv"
    path.write_text("单位名称,联系电话\n市城管局,值班 13800138000\n", encoding="utf-8")
    with pytest.raises(DirectoryError, match=r"第2行“联系方式”列：.*不要填个人手机号") as caught:
        read_units(path)
    assert "13800138000" not in str(caught.value)
