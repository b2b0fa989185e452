"""``triage report``: what it takes, what it refuses before any work, and that it writes what was asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from triage.cli import app
from triage.pipeline import engine
from triage.testing import fake_engine

ROWS = [
    {"id": "1", "created_at": "2026-03-02 10:00", "content": "路灯不亮，晚上走路看不见", "channel": "热线"},
    {"id": "2", "created_at": "2026-03-03 10:00", "content": "垃圾没有人收，堆了三天", "channel": "网站"},
]


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(engine, "load_engine", lambda *_, **__: fake_engine())
    path = tmp_path / "appeals.jsonl"
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in ROWS), encoding="utf-8")
    return path


def report(*arguments: object) -> tuple[int, str]:
    found = CliRunner().invoke(app, ["report", *map(str, arguments)])
    return found.exit_code, found.output


def test_a_file_becomes_documents_of_every_format_asked_for(source: Path, tmp_path: Path) -> None:
    outputs = [tmp_path / f"w.{suffix}" for suffix in ("html", "xlsx", "docx")]
    code, said = report("--input", source, "--week", "2026-W10", *(part for path in outputs for part in ("-o", path)))
    assert code == 0, said
    assert "本周共收到诉求2件" in said
    assert all(path.stat().st_size > 1_000 for path in outputs)
    assert "2026年第10期" in outputs[0].read_text(encoding="utf-8")


def test_the_same_moment_gives_the_same_bytes(source: Path, tmp_path: Path) -> None:
    made = []
    for name in ("a.html", "b.html"):
        path = tmp_path / name
        assert report("--input", source, "--day", "2026-03-02", "--made", "2026-03-03 08:00", "-o", path)[0] == 0
        made.append(path.read_bytes())
    assert made[0] == made[1]


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ((), "请用 --day、--week、--month、--quarter 之一指定周期"),
        (("--week", "2026-W10", "--day", "2026-03-02"), "之一指定周期"),
        (("--week", "2026-03"), "请写成 2019-W36"),
        (("--week", "2026-W10", "--made", "昨天"), "无法识别 --made 的时间"),
        (("--week", "2026-W10", "-o", "a.odt"), "可用 .docx、.html、.xlsx、.pdf"),
        (("--week", "2026-W10", "-o", "a.docx"), "同一个输出文件写了两次"),
        (("--week", "2026-W10", "--data", "d"), "--input 与 --data 只能用一个"),
        (("--week", "2026-W10", "--template", "none.docx"), "none.docx 不存在或不是文件"),
    ],
)
def test_what_cannot_work_is_refused_with_the_remedy(
    source: Path, arguments: tuple[str, ...], expected: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    code, said = report("--input", source, "-o", "a.docx", *arguments)
    assert code == 2
    assert expected in said.replace("\n", "")
    assert not (tmp_path / "a.docx").exists()


def test_a_missing_input_is_named(tmp_path: Path) -> None:
    code, said = report("--input", tmp_path / "none.csv", "--week", "2026-W10", "-o", tmp_path / "a.html")
    assert code == 2
    assert "不存在或不是文件" in said.replace("\n", "")
