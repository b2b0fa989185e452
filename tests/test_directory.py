"""The directory of units: read with all its mistakes named, then asked who is responsible where."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from openpyxl import Workbook

from triage.directory import Directory, Unit
from triage.errors import DirectoryError

CITY = [
    "云山市人民政府",
    "市城管局",
    "市公安局",
    "市公安局交警支队",
    "市公安局青河分局",
    "云山市自来水有限公司",
    "青河区人民政府",
    "青河区城管局",
    "青河区环卫公司",
    "青河区东门街道办事处",
    "东门街道司法所",
    "青河区东门街道桥头社区居委会",
    "白塔区人民政府",
    "白塔区教育局",
    "白塔区新华街道办事处",
    "青河区新华街道办事处",
]


@pytest.fixture(scope="module")
def city() -> Directory:
    return Directory.from_names(CITY)


def write_csv(path: Path, rows: Sequence[Sequence[str]], encoding: str = "utf-8") -> Path:
    with path.open("w", encoding=encoding, newline="") as file:
        csv.writer(file).writerows(rows)
    return path


def name_of(unit: Unit | None) -> str | None:
    return unit.name if unit else None


def test_bare_names_give_a_tree_of_areas(city: Directory) -> None:
    areas = {area.name: (area.level, area.parent) for area in city.areas()}

    assert city.city == "云山市"
    assert areas["云山市"] == ("市", "")
    assert areas["青河区"] == ("区县", "云山市")
    assert areas["东门街道"] == ("街镇", "青河区")
    assert areas["桥头社区"] == ("社区村", "东门街道")


def test_two_streets_of_one_name_carry_their_district_in_front(city: Directory) -> None:
    names = {area.name for area in city.areas()}

    assert {"白塔区新华街道", "青河区新华街道"} <= names
    assert "新华街道" not in names
    assert name_of(city.unit_for("街道乡镇", "白塔区新华街道")) == "白塔区新华街道办事处"


@pytest.mark.parametrize(
    ("function", "area", "expected"),
    [
        ("城管局", "青河区", "青河区城管局"),
        ("城管局", "桥头社区", "青河区城管局"),
        ("城管局", "白塔区", "市城管局"),
        ("城管局", "", "市城管局"),
        ("公安局", "青河区", "市公安局青河分局"),
        ("公安局", "白塔区", "市公安局"),
        ("交警", "东门街道", "市公安局交警支队"),
        ("供水公司", "白塔区", "云山市自来水有限公司"),
        ("街道乡镇", "桥头社区", "青河区东门街道办事处"),
        ("街道乡镇", "青河区", None),
        ("教育局", "青河区", None),
        ("城管局", "外省某市", None),
    ],
)
def test_the_nearest_unit_that_covers_the_area_is_responsible(
    city: Directory, function: str, area: str, expected: str | None
) -> None:
    assert name_of(city.unit_for(function, area)) == expected


def test_candidates_come_nearest_first_and_the_authority_before_its_company(city: Directory) -> None:
    names = [unit.name for unit in city.candidates("城管局", "东门街道")]

    assert names == ["青河区城管局", "青河区环卫公司", "市城管局"]


def test_an_area_contains_what_lies_inside_it_and_nothing_else(city: Directory) -> None:
    assert city.contains("云山市", "桥头社区")
    assert city.contains("青河区", "桥头社区")
    assert city.contains("青河区", "青河区")
    assert not city.contains("白塔区", "桥头社区")
    assert not city.contains("桥头社区", "青河区")
    assert not city.contains("云山市", "外地")


@pytest.mark.parametrize(
    ("name", "superior"),
    [
        ("青河区城管局", "市城管局"),
        ("市城管局", "云山市人民政府"),
        ("白塔区教育局", "白塔区人民政府"),
        ("青河区东门街道办事处", "青河区人民政府"),
        ("青河区东门街道桥头社区居委会", "青河区东门街道办事处"),
        ("青河区人民政府", "云山市人民政府"),
        ("云山市人民政府", None),
        ("市公安局青河分局", "市公安局"),
        ("云山市自来水有限公司", "云山市人民政府"),
    ],
)
def test_the_superior_is_the_same_function_one_level_up_or_the_government(
    city: Directory, name: str, superior: str | None
) -> None:
    unit = city.get(name)
    assert unit is not None

    assert name_of(city.superior_of(unit)) == superior


def test_a_stated_superior_wins_even_in_a_circle_of_two() -> None:
    one, other = Unit(name="甲处", level="市", parent="乙处"), Unit(name="乙处", level="市", parent="甲处")

    assert Directory([one, other]).superior_of(one) == other


def test_chinese_headers_bom_and_missing_columns_are_read(tmp_path: Path) -> None:
    rows = [
        ["单位名称", "层级", "管辖区域", "职责", "别名"],
        ["青河区综合行政执法局", "区县级", "", "市容；占道经营", "青河城管、执法局"],
        ["城南市政所", "街道", "城南街道、城北街道", "", ""],
    ]
    directory = Directory.load(write_csv(tmp_path / "units.csv", rows, "utf-8-sig"))

    unit = directory.get("青河城管")
    assert unit is not None
    assert (unit.level, unit.function) == ("区县", "城管局")
    assert unit.duties == ("市容", "占道经营")
    assert directory.areas_of(directory.units[1]) == ("城南街道", "城北街道")
    assert name_of(directory.unit_for("城管局", "城北街道")) == "城南市政所"


def test_gb18030_is_detected(tmp_path: Path) -> None:
    path = write_csv(tmp_path / "units.csv", [["单位名称"], ["青河区城管局"]], "gb18030")

    assert [unit.name for unit in Directory.load(path)] == ["青河区城管局"]


def test_a_workbook_with_date_cells_is_read(tmp_path: Path) -> None:
    book = Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append(["name", "level", "valid_from", "valid_to"])
    sheet.append(["市城管局", "市", date(2020, 1, 1), "2024年12月31日"])
    path = tmp_path / "units.xlsx"
    book.save(path)

    unit = Directory.load(path).units[0]
    assert (unit.valid_from, unit.valid_to) == (date(2020, 1, 1), date(2024, 12, 31))


def test_a_superior_places_a_unit_whose_name_lacks_the_district() -> None:
    directory = Directory(
        [
            Unit(name="青河区城管局", level="区县", function="城管局"),
            Unit(name="东门镇综合执法队", level="街镇", function="城管局", parent="青河区城管局"),
        ]
    )

    assert directory.contains("青河区", "东门镇")


def test_a_unit_serves_only_while_it_exists() -> None:
    old = Unit(name="市工商局", level="市", function="市场监管局", valid_to=date(2018, 12, 31))
    new = Unit(name="市市场监管局", level="市", function="市场监管局", valid_from=date(2019, 1, 1))
    directory = Directory([old, new])

    assert name_of(directory.at(date(2018, 12, 31)).unit_for("市场监管局", "")) == "市工商局"
    assert name_of(directory.at(date(2019, 1, 1)).unit_for("市场监管局", "")) == "市市场监管局"


def test_an_alias_of_several_units_names_nobody() -> None:
    units = [Unit(name=f"{district}区城管局", level="区县", aliases=("城管局",)) for district in ("东", "西")]

    assert Directory(units).get("城管局") is None


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (
            [["市城管局", "", "", "", ""], ["市城管局", "", "", "", ""]],
            "第3行“单位名称”列：“市城管局”与第2行重复",
        ),
        ([["市城管局", "厅级", "", "", ""]], "第2行“层级”列：“厅级”不是已知层级，请填写：省、市"),
        ([["市城管局", "", "市政府", "", ""]], "第2行“上级单位”列：“市政府”不在名录中，请补充该单位"),
        (
            [["甲局", "", "乙局", "", ""], ["乙局", "", "甲局", "", ""]],
            "第2行“上级单位”列：“甲局”的上级关系成环",
        ),
        ([["市城管局", "", "", "去年", ""]], "第2行“生效日期”列：“去年”无法识别为日期，请写成 2024-01-31"),
        (
            [["市城管局", "", "", "2024-02-01", "2024-01-01"]],
            "第2行“失效日期”列：2024-01-01 早于生效日期 2024-02-01",
        ),
        ([["", "市", "", "", ""]], "第2行“单位名称”列：为空"),
    ],
)
def test_a_mistake_is_named_with_row_column_and_remedy(tmp_path: Path, rows: list[list[str]], expected: str) -> None:
    header = ["单位名称", "层级", "上级单位", "生效日期", "失效日期"]

    with pytest.raises(DirectoryError) as raised:
        Directory.load(write_csv(tmp_path / "units.csv", [header, *rows]))
    assert expected in str(raised.value)


def test_at_most_twenty_problems_are_listed_and_the_rest_counted(tmp_path: Path) -> None:
    rows = [["单位名称", "层级"], *([f"第{n}局", "未知"] for n in range(25))]

    with pytest.raises(DirectoryError) as raised:
        Directory.load(write_csv(tmp_path / "units.csv", rows))
    lines = str(raised.value).splitlines()
    assert "有25处问题" in lines[0]
    assert len(lines) == 22
    assert lines[-1] == "……另有5处问题"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("units.csv", b"", "是空的"),
        ("units.csv", "层级\n市\n".encode(), "缺少“单位名称”列"),
        ("units.csv", "单位名称\n".encode(), "没有任何单位"),
        ("units.csv", b"\xff\xff\xff", "编码无法识别"),
        ("units.xlsx", b"PK\x03\x04 broken", "不是完好的 xlsx 文件"),
        ("units.pdf", b"%PDF", "另存为 .csv 或 .xlsx"),
    ],
)
def test_an_unusable_file_is_refused_with_the_remedy(tmp_path: Path, name: str, content: bytes, expected: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(DirectoryError, match=expected):
        Directory.load(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DirectoryError, match="无法打开单位名录"):
        Directory.load(tmp_path / "absent.csv")
