"""Reports as workbooks: every table, and behind each figure the tickets that were counted."""

from __future__ import annotations

import io
import re
import warnings
from typing import Any

import pytest
from openpyxl import load_workbook

from tests.report_pages import made, parts
from tests.report_samples import full_report, many_report
from triage.reports.documents import render, xlsx

KINDS = ("day", "week", "month", "quarter")


def opened(data: bytes) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return load_workbook(io.BytesIO(data))


@pytest.fixture(scope="module")
def week() -> Any:
    return opened(made("week", "xlsx"))


def rows(sheet: Any) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in sheet.iter_rows(values_only=True)]


def test_every_table_has_a_sheet(week: Any) -> None:
    assert week.sheetnames == [
        "说明",
        "每日受理量",
        "受理构成",
        "诉求类别",
        "区域排名",
        "街镇",
        "区县与类别热力表",
        "承办单位",
        "热点事件",
        "主要话题",
        "新出现的苗头",
        "高频诉求",
        "新增红橙诉求",
        "风险升级",
        "未办结红橙诉求",
        "超期督办",
        "超期按单位",
        "数字索引",
        "数字追溯",
        "工单清单",
    ]
    assert "承办单位考核" in opened(made("month", "xlsx")).sheetnames


def test_tables_are_whole_where_documents_cut_them(week: Any) -> None:
    assert len(rows(week["新增红橙诉求"])) == 1 + 17
    assert len(rows(week["承办单位"])) >= 1 + 10
    assert len(rows(week["热点事件"])) == 1 + 12


def test_figures_are_numbers_and_rates_are_percentages(week: Any) -> None:
    units = week["承办单位"]
    heads = [cell.value for cell in units[1]]
    count, rate = units[2][heads.index("件数")], units[2][heads.index("按期率")]
    assert isinstance(count.value, int)
    assert rate.value == pytest.approx(0.9)
    assert rate.number_format == "0.0%"


def test_a_figure_leads_to_its_line_in_the_index_and_on_to_its_tickets(week: Any) -> None:
    total = next(row for row in week["受理构成"].iter_rows() if row[1].value == "诉求总量")[2]
    sheet, cell = re.fullmatch(r"'(.+)'!(A\d+)", total.hyperlink.location).groups()  # type: ignore[union-attr]
    line = week[sheet][cell].row
    key, _, label, value, tickets = (each.value for each in week[sheet][line])
    assert (key, label, value, tickets) == ("total", "诉求总量", 486, 486)
    sheet, cell = re.fullmatch(r"'(.+)'!(A\d+)", week[sheet].cell(line, 5).hyperlink.location).groups()  # type: ignore[union-attr]
    assert week[sheet][cell].value == "total"


def test_every_figure_of_the_index_has_as_many_tickets_as_it_says(week: Any) -> None:
    counted: dict[str, list[str]] = {}
    for key, number, _ in rows(week["数字追溯"])[1:]:
        counted.setdefault(key, []).append(number)
    listed = {row[0] for row in rows(week["工单清单"])[1:]}
    for key, _, _, value, tickets in rows(week["数字索引"])[1:]:
        assert value == tickets == len(set(counted[key]))
        assert set(counted[key]) <= listed


def test_the_third_column_of_the_trace_is_the_row_of_the_ticket(week: Any) -> None:
    _, number, row = rows(week["数字追溯"])[100]
    assert week["工单清单"].cell(row, 1).value == number


def test_the_daily_chart_is_one_that_excel_draws_itself() -> None:
    charts = [name for name in parts(made("week", "xlsx")) if "/charts/chart" in name]
    assert len(charts) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("content", ["full", "empty", "hostile"])
def test_no_cell_of_any_workbook_is_a_formula(kind: str, content: str) -> None:
    data = made(kind, "xlsx", content=content)
    for name, part in parts(data).items():
        if name.startswith("xl/worksheets/sheet"):
            assert b"<f>" not in part
            assert b"<f " not in part
        if name.startswith("xl/worksheets/_rels"):
            assert b"External" not in part
    for sheet in opened(data):
        assert not [cell for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]


def test_a_text_that_looks_like_a_formula_is_marked_as_text() -> None:
    sheet = opened(made("week", "xlsx", content="hostile"))["承办单位"]
    cell = sheet["B2"]
    assert cell.value.startswith("=1+1|市住房和城乡建设局")
    assert cell.quotePrefix
    assert "\u202e" not in cell.value
    assert "_x005F_x0041_" in parts(made("week", "xlsx", content="hostile"))["xl/worksheets/sheet8.xml"].decode()


def test_the_same_report_gives_the_same_workbook() -> None:
    assert render(full_report("week"), "xlsx") == made("week", "xlsx")


def test_ten_thousand_tickets_are_all_traced_in_further_sheets_where_one_is_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(xlsx, "MOST_ROWS", 15_000)
    book = opened(render(many_report(10_000), "xlsx"))
    assert len(rows(book["数字追溯"])) == 1 + 15_000
    assert len(rows(book["数字追溯2"])) == 1 + 5_000
    index = {row[0].value: row for row in book["数字索引"].iter_rows(min_row=2)}
    place = index["risk.红"][4].hyperlink.location
    sheet, cell = re.fullmatch(r"'(.+)'!(A\d+)", place).groups()  # type: ignore[union-attr]
    assert sheet == "数字追溯2"
    assert book[sheet][cell].value == "risk.红"
