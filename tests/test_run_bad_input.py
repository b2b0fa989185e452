"""``triage run`` on broken, hostile and odd files: a clear word, the right exit status, and no row lost."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections.abc import Callable
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from triage.cli import GROUP, main
from triage.testing import PairCutter, fake_engine

Run = Callable[..., int]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``triage run`` in this process and return its exit status."""
    entry = EntryPoint("run", "triage.commands.run:run", GROUP)
    monkeypatch.setattr("triage.cli.entry_points", lambda group: [entry])
    monkeypatch.setattr("triage.pipeline.engine.load_engine", lambda *_args, **_named: fake_engine())
    monkeypatch.setattr("triage.pipeline.batch.WordCutter", PairCutter)
    monkeypatch.chdir(tmp_path)

    def run_command(*arguments: str) -> int:
        with pytest.raises(SystemExit) as caught:
            main(["run", *arguments])
        return int(caught.value.code or 0)

    return run_command


def workbook(*rows: list[str]) -> bytes:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(row)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def bomb() -> bytes:
    """A workbook whose sheet unpacks to a thousand times its size."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook(["编号", "内容"], ["1", "漏水"]))) as source,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as target,
    ):
        for entry in source.namelist():
            filling = b"<!--" + b" " * 30_000_000 + b"-->" if entry.endswith("sheet1.xml") else b""
            target.writestr(entry, source.read(entry) + filling)
    return buffer.getvalue()


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("in.csv", b"", "空文件"),
        ("in.csv", "编号,内容\n".encode(), "只有表头"),
        ("in.csv", "编号,备注\n1,漏水\n".encode(), "没有找到诉求内容列"),
        ("in.xlsx", workbook(["编号", "内容"], ["1", "漏水"])[:3000], "已损坏"),
        ("in.xlsx", "编号,内容\n1,漏水\n".encode(), "不是 Excel 工作簿"),
        ("in.xlsx", bomb(), "压缩"),
        ("in.xlsx", workbook(["编号", "内容"]), "只有表头"),
        ("in.pdf", b"%PDF-1.7", "不支持"),
    ],
)
def test_a_file_that_cannot_be_used_is_answered_in_one_line_with_exit_status_2(
    run: Run, capsys: pytest.CaptureFixture[str], name: str, content: bytes, word: str
) -> None:
    Path(name).write_bytes(content)
    assert run(name, "-o", "out.jsonl") == 2
    said = capsys.readouterr().err
    assert word in said
    assert len(said.splitlines()) == 1
    assert [path.name for path in Path().iterdir()] == [name]


def test_a_file_that_is_not_there_is_named(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("absent.csv", "-o", "out.jsonl") == 2
    assert "找不到文件 absent.csv" in capsys.readouterr().err


@pytest.mark.parametrize("output", ["out.docx", "out", "absent/out.csv"])
def test_an_output_that_cannot_be_written_is_named(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], output: str
) -> None:
    (tmp_path / "in.csv").write_text("编号,内容\n1,漏水\n", encoding="utf-8")
    assert run("in.csv", "-o", output) == 2
    assert f"{output}：" in capsys.readouterr().err


def test_a_wrong_precision_is_a_usage_error(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("in.csv", "-o", "out.csv", "--precision", "95") == 2
    assert "--precision" in capsys.readouterr().err


def test_a_column_with_an_unknown_name_can_be_mapped(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("编号,某列\nA1,门口垃圾没人清\n", encoding="utf-8")
    assert run("in.csv", "-o", "out.jsonl") == 2
    assert run("in.csv", "-o", "out.jsonl", "--column", "content=某列") == 0
    assert records(tmp_path / "out.jsonl")[0]["unit"]["candidates"][0]["name"] == "城管局"


ODD = {
    "emoji": "😀" * 10_000,
    "digits": "13800138000 " * 200,
    "punctuation": "！？。，、；：“”…—" * 300,
    "uyghur": "ئەسسالامۇ ئەلەيكۇم، بىزنىڭ مەھەللىدە سۇ يوق",
    "english": "The street lamp in front of our house has been broken for two weeks.",
    "right to left": "\u202e门口\u202c垃圾\u200f没人\u2067清\u2069",
    "nul": "门口\0垃圾",
    "control": "\x1b[31m红\x1b[0m\x07\x08门口垃圾",
    "half characters": "垃圾\ud800没人清",
    "formula": "=cmd|'/c calc'!A1",
    "one character": "。",
    "long": "门口的垃圾没有人清，" * 9_999,
}


@pytest.mark.parametrize("suffix", ["jsonl", "csv", "xlsx"])
def test_odd_texts_are_all_decided(run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], suffix: str) -> None:
    lines = [json.dumps({"id": name, "content": text}) for name, text in ODD.items()]
    (tmp_path / "in.jsonl").write_text("\n".join(lines), encoding="ascii")
    assert run("in.jsonl", "-o", f"out.{suffix}", "-o", "check.jsonl") == 0
    assert [record["id"] for record in records(tmp_path / "check.jsonl")] == list(ODD)
    shown = capsys.readouterr().out
    assert f"读入 {len(ODD)} 行，研判 {len(ODD)} 行，退回 0 行" in shown
    for unsafe in ("\x1b", "\x07", "\x08", "\u202e", "\u200f", "\u2067"):
        assert unsafe not in shown


def test_bad_rows_are_listed_by_number_and_the_good_ones_are_decided(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good = "B1,门口垃圾没人清\n".encode()
    rows = [
        "编号,内容\n".encode(),
        good,
        b"B2," + "路灯不亮".encode("gb18030") + b"\n",
        "B3,电\0梯坏了\n".encode(),
        b"B4," + "长".encode() * 350_000 + b"\n",
        good,
        b"B5,\n",
        b"B6,\xff\xfe\xfa\xfb\xfc\n",
    ]
    (tmp_path / "in.csv").write_bytes(b"".join(rows))
    assert run("in.csv", "-o", "out.jsonl") == 1
    shown = capsys.readouterr().out
    ids = [record["id"] for record in records(tmp_path / "out.jsonl")]
    with (tmp_path / "out.rejects.csv").open(encoding="utf-8-sig", newline="") as file:
        back = [row["行号"] for row in csv.DictReader(file)]
    assert ids[:3] == ["B1", "B2", "B3"]
    assert back[:3] == ["5", "6", "7"]
    assert len(ids) + len(back) == 7
    assert f"研判 {len(ids)} 行，退回 {len(back)} 行" in shown
    assert "编号重复" in shown
    assert "out.rejects.csv" in shown


def test_all_rows_bad_is_exit_status_2_with_the_reasons(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "in.csv").write_text("编号,内容\n1,\n2, \n", encoding="utf-8")
    assert run("in.csv", "-o", "out.csv") == 2
    shown = capsys.readouterr().out
    assert "研判 0 行，退回 2 行" in shown
    assert "没有可研判的诉求" in shown
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.csv", "out.rejects.csv"]


def test_the_screen_shows_the_table_and_the_summary(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ["编号,标题,内容"]
    lines += [f"GD{number:03},,第{number * 7919}号门口垃圾没人清，电话13912345678" for number in range(43)]
    lines += ["GD900,讨要工资,工地拖欠工资三个月，再不给就去讨薪拉横幅", "GD901,[red]方括号[/red],电梯坏了"]
    (tmp_path / "in.csv").write_text("\n".join(lines[:1] + lines[-2:] + lines[1:-2]), encoding="utf-8")
    assert run("in.csv", "-o", "out.csv") == 0
    shown = capsys.readouterr().out
    for word in ("编号", "诉求", "建议单位", "概率", "处置", "类别", "风险", "事件"):
        assert word in shown
    row = next(line for line in shown.splitlines() if "GD900" in line)
    for cell in ("讨要工资", "住建局", "90%", "人工审核", "城乡建设/市容环境", "● 红"):
        assert cell in row
    assert "[red]方括号[/red]" in shown
    assert "13912345678" not in shown
    assert "其余 5 件见输出文件" in shown
    assert "自动派单 43 件（95.6%）" in shown
    assert "红 1  橙 0  黄 0  蓝 0  无 44" in shown
    assert "每秒" in shown


def test_a_large_result_shows_the_summary_only(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("triage.commands.results.LARGE", 2)
    (tmp_path / "in.csv").write_text("编号,内容\n1,甲\n2,乙\n3,丙\n", encoding="utf-8")
    assert run("in.csv", "-o", "out.csv") == 0
    shown = capsys.readouterr().out
    assert "研判结果" not in shown
    assert "研判 3 行" in shown


MOMENTS = [
    "2018-01-01 10:07:01",
    "2018/1/1 10:07:01",
    "2018.1.1 10:07:01",
    "2018年1月1日 10时7分1秒",
    "2018年1月1日 上午10:07:01",
    "2018-01-01T10:07:01+08:00",
    "2018-01-01T02:07:01Z",
    "20180101100701",
    "2018/1/1 10:07:01 AM",
    "２０１８／１／１　１０：０７：０１",
    "43101.421539351855",
    "1514772421",
]


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_dates_in_twelve_formats_are_one_moment_in_the_result(run: Run, tmp_path: Path, suffix: str) -> None:
    rows = [["编号", "时间", "内容"], *([f"A{at}", moment, "门口垃圾"] for at, moment in enumerate(MOMENTS))]
    text = "\n".join(",".join(row) for row in rows)
    (tmp_path / f"in.{suffix}").write_bytes(text.encode() if suffix == "csv" else workbook(*rows))
    assert run(f"in.{suffix}", "-o", "out.csv") == 0
    with (tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["时间"] for row in csv.DictReader(file)] == ["2018-01-01 10:07:01"] * len(MOMENTS)


def test_an_ambiguous_or_impossible_date_costs_the_time_and_not_the_row(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = ["编号,时间,内容", "1,01/02/2018,漏水", "2,2018-13-45,漏水", "3,昨天,漏水", "4,2918-01-01,漏水"]
    (tmp_path / "in.csv").write_text("\n".join(lines), encoding="utf-8")
    assert run("in.csv", "-o", "out.jsonl") == 0
    assert [record["deadline"] for record in records(tmp_path / "out.jsonl")] == [None] * 4
    assert "时间无法识别" in capsys.readouterr().out


CLUMSY = {
    "semicolons": ("in.csv", "编号;内容\nA1;垃圾,没人清\nA2;路灯\n".encode(), ["A1", "A2"], 0),
    "open quote": ("in.csv", '编号,内容\nA1,"垃圾\nA2,路灯\n'.encode(), ["A2"], 1),
    "old Mac lines": ("in.csv", "编号,内容\rA1,垃圾\rA2,路灯\r".encode(), ["A1", "A2"], 0),
    "stray carriage return": ("in.csv", "编号,内容\nA1,垃\r圾\nA2,路灯\n".encode(), ["A2"], 1),
    "marks inside": ("in.csv", "\ufeff\ufeff编号,内容\n\ufeffA1,垃圾\nA2,\ufeff路灯\n".encode(), ["A1", "A2"], 0),
    "end mark of DOS": ("in.csv", "编号,内容\nA1,垃圾\n\x1a".encode(), ["A1"], 0),
    "hostile ids": (
        "in.csv",
        ("编号,内容\n../../etc/passwd,垃圾\n=cmd|x,路灯\n" + "X" * 90_000 + ",井盖\n").encode(),
        ["../../etc/passwd", "=cmd|x", "X" * 90_000],
        0,
    ),
    "half characters": (
        "in.jsonl",
        b'{"id":"A\\ud800","content":"\\udc00x"}\n{"id":"A2","content":"\\ud83d"}',
        ["A\ufffd", "A2"],
        0,
    ),
    "escaped NUL": (
        "in.jsonl",
        b'{"id":"A\\u0000","content":"a\\u0000b"}\n{"id":"A","content":"x"}\n{"id":"B","content":"\\u0000"}',
        ["A"],
        2,
    ),
    "numbers no float holds": (
        "in.jsonl",
        b'{"id":NaN,"content":"x"}\n{"id":1e400,"content":"y"}\n{"id":' + b"9" * 5000 + b',"content":"z"}',
        ["row-1", "Infinity"],
        1,
    ),
    "depth": (
        "in.jsonl",
        b'{"id":1,"content":"x","a":' + b"[" * 100_000 + b"]" * 100_000 + b'}\n{"content":"y"}',
        ["row-2"],
        1,
    ),
}


@pytest.mark.parametrize("case", CLUMSY)
def test_clumsy_files_lose_only_what_cannot_be_read(run: Run, tmp_path: Path, case: str) -> None:
    name, content, ids, rejected = CLUMSY[case]
    (tmp_path / name).write_bytes(content)
    assert run(name, "-o", "out.jsonl", "-o", "out.xlsx", "-o", "out.csv") == int(rejected > 0)
    assert [record["id"] for record in records(tmp_path / "out.jsonl")] == ids
    back = tmp_path / "out.rejects.csv"
    assert back.exists() == bool(rejected)
    if rejected:
        with back.open(encoding="utf-8-sig", newline="") as file:
            assert len(list(csv.DictReader(file))) == rejected


def test_a_workbook_with_formulas_merged_cells_and_a_hidden_sheet_gives_what_a_person_sees(
    run: Run, tmp_path: Path
) -> None:
    book = openpyxl.Workbook()
    hidden, shown = book.active, book.create_sheet("工单")
    assert hidden is not None
    for row in (["编号", "内容"], ["H1", "隐藏表里的旧工单"]):
        hidden.append(row)
    hidden.sheet_state = "hidden"
    book.active = 1
    rows: list[list[object]] = [["某市工单表"], ["编号", "时间", "内容"], ["A1", 43101.25, "门口垃圾"]]
    for cells in (*rows, ["A2", None, '=CONCAT("路","灯")']):
        shown.append(cells)
    shown.merge_cells("A1:C1")
    book.save(tmp_path / "in.xlsx")
    assert run("in.xlsx", "-o", "out.csv") == 1
    with (tmp_path / "out.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [(row["编号"], row["时间"]) for row in csv.DictReader(file)] == [("A1", "2018-01-01 06:00:00")]


@pytest.mark.parametrize("columns", [1_001, 50_000])
def test_a_table_with_too_many_columns_is_refused(
    run: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str], columns: int
) -> None:
    header = ",".join(["编号", "内容", *(f"列{at}" for at in range(columns - 2))])
    (tmp_path / "in.csv").write_text(f"{header}\n1,漏水\n", encoding="utf-8")
    assert run("in.csv", "-o", "out.csv") == 2
    assert f"有 {columns} 列，超过 1000 列的上限" in capsys.readouterr().err


def test_a_clean_run_removes_the_list_of_rejects_an_earlier_run_left(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("编号,内容\n1,漏水\n2,\n", encoding="utf-8")
    assert run("in.csv", "-o", "out.csv") == 1
    assert (tmp_path / "out.rejects.csv").exists()
    source.write_text("编号,内容\n1,漏水\n2,电梯坏了\n", encoding="utf-8")
    assert run("in.csv", "-o", "out.csv") == 0
    assert not (tmp_path / "out.rejects.csv").exists()


def test_a_clean_run_leaves_a_foreign_file_in_the_place_of_the_list(run: Run, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("编号,内容\n1,漏水\n", encoding="utf-8")
    (tmp_path / "mine.csv").write_text("我的,表格\n", encoding="utf-8")
    assert run("in.csv", "-o", "out.csv", "--rejects", "mine.csv") == 0
    assert (tmp_path / "mine.csv").read_text(encoding="utf-8") == "我的,表格\n"
