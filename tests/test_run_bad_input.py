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
