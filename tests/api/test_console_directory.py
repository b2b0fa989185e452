"""The list of units as a page: looked through, downloaded, compared with a file, replaced by what was looked at."""

from __future__ import annotations

import csv
import io
import re

import pytest

from api.console.pages.directory import told
from tests.api.console import Visitor, signed_in
from tests.api.harness import House
from triage.directory.changes import FieldChange
from triage.samples import sample_path

CSV = {"Content-Type": "text/csv"}
SEEN = re.compile(r'name="seen" value="([0-9a-f]+)"')


@pytest.fixture(scope="module")
def admin(house: House) -> Visitor:
    return signed_in(house)


def changed_list() -> bytes:
    """The sample list with one unit less, one more, and another contact of a third."""
    with sample_path("units.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    text = io.StringIO()
    fresh = [*rows[:-1], ["澜江市低空经济办公室", "市", *[""] * (len(rows[0]) - 2)]]
    csv.writer(text).writerows(fresh)
    return text.getvalue().encode("utf-8-sig")


@pytest.mark.parametrize(
    ("field", "old", "new", "shown"),
    [
        ("duties", "路灯、井盖", "井盖、噪声", ("路灯", "噪声")),
        ("aliases", "城管局、城管", "城管、城管局", ("", "")),
        ("jurisdiction", "东区、西区", "东区", ("东区、西区", "东区")),
    ],
)
def test_of_a_long_list_only_what_goes_and_comes_is_told(
    field: str, old: str, new: str, shown: tuple[str, str]
) -> None:
    assert told(FieldChange(field=field, old=old, new=new)) == shown


def test_the_list_is_shown_and_searched(admin: Visitor) -> None:
    shown = admin.get("/console/directory")
    assert shown.status_code == 200
    assert "澜江市公安局" in shown.text
    found = admin.get("/console/directory?q=燃气", partial=True)
    assert "澜江燃气有限公司" in found.text
    assert "<html" not in found.text
    assert "没有符合条件的单位" in admin.get("/console/directory?q=不存在的单位名").text


def test_the_download_can_be_imported_again_without_any_difference(admin: Visitor) -> None:
    sent = admin.get("/console/directory/units.csv")
    assert sent.headers["content-type"].startswith("text/csv")
    answer = admin.post("/console/directory/diff", partial=True, content=sent.content, headers=CSV)
    assert "文件与现行名录一致" in answer.text


def test_a_new_list_is_compared_first_and_applied_as_it_was_seen(admin: Visitor) -> None:
    fresh = changed_list()
    diff = admin.post("/console/directory/diff", partial=True, content=fresh, headers=CSV)
    assert "＋ 新增 1" in diff.text
    assert "－ 停用 1" in diff.text
    assert "澜江市低空经济办公室" not in admin.get("/console/directory").text
    seen = SEEN.search(diff.text)
    assert seen is not None
    other = admin.post(f"/console/directory/import?seen={'0' * 32}", partial=True, content=fresh, headers=CSV)
    assert other.status_code == 409
    assert "请重新查看差异" in other.json()["detail"]
    done = admin.post(f"/console/directory/import?seen={seen[1]}", partial=True, content=fresh, headers=CSV)
    assert done.headers["hx-redirect"] == "/console/directory"
    assert "澜江市低空经济办公室" in admin.get("/console/directory").text


def test_a_broken_file_is_refused_with_row_and_column(admin: Visitor) -> None:
    answer = admin.post("/console/directory/diff", partial=True, content="单位名称\n甲局\n甲局\n".encode(), headers=CSV)
    assert answer.status_code == 422
    assert "第3行" in answer.json()["detail"]


def test_another_kind_of_file_and_none_at_all_are_refused(admin: Visitor) -> None:
    wrong = admin.post(
        "/console/directory/diff", partial=True, content=b"%PDF", headers={"Content-Type": "application/pdf"}
    )
    assert wrong.status_code == 415
    empty = admin.post("/console/directory/diff", partial=True, content=b"", headers=CSV)
    assert empty.status_code == 422


def test_only_administrators_of_the_city_change_the_list(house: House) -> None:
    for visitor in (signed_in(house, role="officer"), signed_in(house, districts=["临澜区"])):
        assert "导入新名录" not in visitor.get("/console/directory").text
        answer = visitor.post("/console/directory/diff", partial=True, content=changed_list(), headers=CSV)
        assert answer.status_code == 403


def test_a_change_without_the_token_of_our_page_is_refused(admin: Visitor) -> None:
    answer = admin.post("/console/directory/diff", partial=True, token="0" * 64, content=changed_list(), headers=CSV)
    assert answer.status_code == 403


def test_cells_that_a_spreadsheet_would_run_are_defused_in_the_download(admin: Visitor) -> None:
    hostile = "单位名称,层级,别名\n澜江市公安局,市,=1+1\n".encode()
    diff = admin.post("/console/directory/diff", partial=True, content=hostile, headers=CSV)
    seen = SEEN.search(diff.text)
    assert seen is not None
    admin.post(f"/console/directory/import?seen={seen[1]}", partial=True, content=hostile, headers=CSV)
    row = admin.get("/console/directory/units.csv").text.splitlines()[1]
    assert ",=1+1" not in row
