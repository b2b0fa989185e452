"""A report straight from a file: which rows it reads, what it counts, and what it says of the rest."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path

import pytest

from triage.directory import Directory, Unit
from triage.errors import InputError
from triage.pipeline.options import Engine
from triage.reports.build import build
from triage.reports.content import Report
from triage.reports.gather_file import FileOptions, gather
from triage.reports.material import Request
from triage.reports.period import CHINA, parse
from triage.reports.streets import district_of, street_of
from triage.testing import fake_engine

WEEK = parse("2026-W10")
"""2 to 8 March."""
LINE = tuple[str, str, str]
"""Time, text, address."""


def write_rows(path: Path, rows: Iterable[LINE]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(["工单编号", "时间", "用户", "诉求内容", "诉求地址", "渠道"])
        for number, (at, content, address) in enumerate(rows, 1):
            out.writerow([f"GD{number:03}", at, f"用户{number}", content, address, "热线"])
    return path


def report_of(path: Path, *, area: str = "", workers: int = 1, engine: Engine | None = None) -> Report:
    request = Request(period=WEEK, made_at=datetime(2026, 3, 9, 8, tzinfo=CHINA), area=area)
    options = FileOptions(source=path, workers=workers)
    return build(gather(options, request, load=lambda: engine or fake_engine()), request)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    light = "平安路口信号灯坏了三天，车流混乱，请尽快修复"
    rows = [
        ("2026-03-02 00:00", "路灯不亮，晚上走路看不见", "临澜区桃溪街道桃溪路"),
        ("2026-03-03 09:00", light, "临澜区桃溪街道桃溪路"),
        ("2026-03-03 10:00", light, "临澜区桃溪街道桃溪路"),
        ("2026-03-04 10:00", light, "临澜区桃溪街道桃溪路"),
        ("2026-03-08 23:59", "讨薪没有结果，几十个工友一起在工地等着", "北屏区石鼓街道"),
        ("2026-03-09 00:00", "下一周的诉求，不在本期之内", "北屏区石鼓街道"),
        ("2026-02-25 12:00", "上一周的诉求，垃圾没有人收", "北屏区石鼓街道"),
        ("2025-01-10 12:00", "很久以前的诉求，哪一期都不用", "北屏区石鼓街道"),
        ("看不懂的时间", "没有时间的诉求，垃圾没有人收", ""),
    ]
    return write_rows(tmp_path / "appeals.csv", rows)


def test_a_week_is_counted_by_natural_days_of_china(source: Path) -> None:
    report = report_of(source)
    assert report.overview.total.count == 5
    assert [day.count for day in report.overview.daily] == [1, 2, 1, 0, 0, 0, 1]
    assert report.overview.total.previous == 1
    assert report.overview.daily[0].day == date(2026, 3, 2)


def test_rows_without_a_time_are_left_out_and_counted(source: Path) -> None:
    notes = {note.code: note.count for note in report_of(source).quality}
    assert notes["no_time"] == 1


def test_a_file_without_any_time_is_refused_with_the_remedy(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.csv", [("", "路灯不亮，晚上走路看不见", "")])
    with pytest.raises(InputError, match=r"没有一行有可读的时间.*--column created_at=列名"):
        report_of(path)


def test_a_week_that_the_file_does_not_reach_is_empty(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.csv", [("2026-06-01 10:00", "路灯不亮，晚上走路看不见", "")])
    report = report_of(path)
    assert report.overview.total.count == 0
    assert "未收到诉求" in report.summary[0]


def test_the_same_matter_three_times_in_three_days_is_a_high_frequency_event(source: Path) -> None:
    report = report_of(source)
    (event,) = report.events.rows
    assert (event.count.count, event.size, event.appellants) == (3, 3, 3)
    assert event.high_frequency == date(2026, 3, 4)
    (row,) = report.high_frequency.rows
    assert (row.began, row.new) == (date(2026, 3, 4), True)
    assert {quote.number for quote in event.quotes} <= {"GD002", "GD003", "GD004"}


def test_serious_tickets_are_listed_with_their_number(source: Path) -> None:
    report = report_of(source)
    assert [(row.number, row.color) for row in report.risk.new] == [("GD005", "红")]
    assert report.risk.unacknowledged is None
    assert report.overdue is None


def test_places_are_read_from_the_address(source: Path) -> None:
    report = report_of(source)
    rows = {row.total.name: row for row in report.districts.rows}
    assert {name: row.total.count for name, row in rows.items()} == {"临澜区": 4, "北屏区": 1}
    assert [(one.name, one.count) for one in rows["临澜区"].streets] == [("桃溪街道", 4)]


def test_a_district_that_hardly_anybody_names_is_none_without_a_list_of_units(tmp_path: Path) -> None:
    rows = [("2026-03-03 09:00", f"第{n}盏路灯不亮", "临澜区桃溪街道") for n in range(299)]
    report = report_of(write_rows(tmp_path / "many.csv", [*rows, ("2026-03-04 09:00", "垃圾没有人收", "但据向县街道")]))
    assert [row.total.name for row in report.districts.rows if row.total.name.endswith(("区", "县"))] == ["临澜区"]


def test_a_report_on_one_district_counts_its_tickets_alone(source: Path) -> None:
    report = report_of(source, area="北屏区")
    assert report.overview.total.count == 1
    assert report.overview.total.previous == 1


def test_no_handling_is_claimed_of_a_file(source: Path) -> None:
    report = report_of(source)
    assert report.overview.closed is None
    assert all(row.on_time is None and row.returned is None for row in report.units.rows)
    assert any("未经人工确认" in sentence for sentence in report.basis)


def test_personal_data_is_masked_in_quotes(tmp_path: Path) -> None:
    text = "我叫王小明，电话13812345678，平安路口信号灯坏了三天，车流混乱，请尽快修复"
    path = write_rows(tmp_path / "a.csv", [(f"2026-03-0{day} 10:00", text, "") for day in (2, 3)])
    (event,) = report_of(path).events.rows
    said = "".join(quote.text for quote in event.quotes)
    assert said
    assert "13812345678" not in said
    assert "王小明" not in said


def test_one_process_or_two_give_the_same_report(tmp_path: Path) -> None:
    rows = [
        (f"2026-03-0{2 + n % 7} 10:00", f"第{n}号路灯不亮，晚上走路看不见，" + chr(0x4E00 + n) * 9, "")
        for n in range(900)
    ]
    path = write_rows(tmp_path / "a.csv", rows)
    assert report_of(path, workers=1) == report_of(path, workers=2)


DIRECTORY = Directory(
    [
        Unit(name="临澜区人民政府", level="区县", jurisdiction="临澜区"),
        Unit(name="桃溪街道办事处", level="街镇", parent="临澜区人民政府", jurisdiction="桃溪街道"),
    ]
)


@pytest.mark.parametrize(
    ("area", "address", "text", "expected"),
    [
        ("桃溪街道", "", "", "桃溪街道"),
        ("临澜区", "澜江市临澜区望江街道8号", "", "望江街道"),
        ("临澜区", "", "家住澜江市，临澜区柳河街道柳荫路的水管破了", "柳河街道"),
        ("临澜区", "桃溪路", "桃溪路的水管破了", ""),
        ("", "", "", ""),
    ],
)
def test_a_street_is_taken_from_the_area_the_address_or_behind_the_district(
    area: str, address: str, text: str, expected: str
) -> None:
    district = district_of(area=area, address=address, directory=DIRECTORY)
    assert street_of(area=area, district=district, address=address, texts=("", text), directory=DIRECTORY) == expected


def test_a_district_outside_the_directory_is_none() -> None:
    assert district_of(area="", address="外地市远山区", directory=DIRECTORY) == ""
    assert district_of(area="", address="外地市远山区", directory=None) == "远山区"


def test_a_period_needs_a_moment_with_a_time_zone() -> None:
    request = Request(period=WEEK, made_at=datetime(2026, 3, 9, tzinfo=CHINA))
    with pytest.raises(ValueError, match="made_at has no time zone"):
        replace(request, made_at=datetime(2026, 3, 9))  # noqa: DTZ001
