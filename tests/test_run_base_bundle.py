"""``triage run`` with the shipped models: the samples, odd texts, an interruption, a city's own list of units."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from triage.cli import GROUP, main
from triage.events import WordCutter
from triage.pipeline.batch import BatchRun
from triage.pipeline.engine import load_engine
from triage.pipeline.options import BatchOptions, Engine, Progress, RunStoppedError
from triage.samples import sample_path

WORDS = WordCutter()
KEYS = [
    "id", "unit", "function", "area", "category", "type", "risk", "event", "explanation", "demands", "level",
    "assisting", "route_out", "deadline", "versions",
]  # fmt: skip
ODD = {
    "emoji": "😀" * 10_000,
    "digits": "13800138000 " * 200,
    "punctuation": "！？。，、；：“”…—" * 300,
    "uyghur": "ئەسسالامۇ ئەلەيكۇم، بىزنىڭ مەھەللىدە سۇ يوق",
    "english": "The street lamp in front of our house has been broken for two weeks.",
    "right to left": "\u202e门口\u202c垃圾\u200f没人\u2067清\u2069",
    "control": "\x1b[31m红\x1b[0m\x07\x08门口\0垃圾",
    "half character": "垃圾\ud800没人清",
    "formula": "=cmd|'/c calc'!A1",
    "one character": "。",
    "long": "门口的垃圾没有人清，" * 9_999,
}


@pytest.fixture(scope="module")
def engine() -> Engine:
    return load_engine(None, units=sample_path("units.csv"), precision=0.95, strip=None)


@pytest.fixture(autouse=True)
def _shared_dictionary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("triage.pipeline.batch.WordCutter", lambda: WORDS)


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def samples() -> list[dict[str, str]]:
    with sample_path("appeals.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def assert_valid(record: Mapping[str, Any], *, fields: Mapping[str, str]) -> None:
    """Check a record against the documented form and its offsets against the raw text."""
    assert list(record) == KEYS
    assert record["unit"]["decision"] in ("auto", "review")
    assert record["unit"]["reason"]
    for part in ("unit", "function", "category", "type"):
        chances = [candidate["probability"] for candidate in record[part]["candidates"]]
        assert len(chances) >= 5, part
        assert chances == sorted(chances, reverse=True), part
        assert all(0 <= chance <= 1 for chance in chances), part
    assert sum(record["risk"]["probabilities"]) == pytest.approx(1, abs=0.001)
    for quote in record["risk"]["evidence"]:
        assert fields[quote["field"]][quote["start"] : quote["end"]] == quote["text"]
    for demand in record["demands"]:
        assert 0 <= demand["start"] < demand["end"] <= len(fields["content"] or fields["title"])
    assert record["event"]["size"] >= 1


def test_the_samples_are_all_decided_in_the_documented_form(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    entry = EntryPoint("run", "triage.commands.run:run", GROUP)
    monkeypatch.setattr("triage.cli.entry_points", lambda group: [entry])
    table, lines = tmp_path / "out.xlsx", tmp_path / "out.jsonl"
    with pytest.raises(SystemExit) as caught:
        main(["run", str(sample_path("appeals.csv")), "-o", str(table), "-o", str(lines),
              "--units", str(sample_path("units.csv"))])  # fmt: skip
    assert caught.value.code == 0
    found, raw = records(lines), samples()
    assert [record["id"] for record in found] == [row["工单编号"] for row in raw]
    for record, row in zip(found, raw, strict=True):
        assert_valid(record, fields={"title": row["标题"], "content": row["诉求内容"]})
    sheet = openpyxl.load_workbook(table, read_only=True).worksheets[0]
    assert [row[0] for row in sheet.iter_rows(min_row=2, values_only=True)] == [record["id"] for record in found]
    shown = capsys.readouterr().out
    assert f"读入 {len(raw)} 行，研判 {len(raw)} 行，退回 0 行" in shown
    assert f"其余 {len(raw) - 40} 件见输出文件" in shown


def test_odd_texts_get_valid_records(tmp_path: Path, engine: Engine) -> None:
    source = tmp_path / "in.jsonl"
    source.write_text("\n".join(json.dumps({"id": name, "content": text}) for name, text in ODD.items()))
    report = BatchRun(BatchOptions(source=source, outputs=(tmp_path / "out.jsonl",)), load=lambda: engine).run()
    assert (report.read, report.decided, list(report.reasons)) == (len(ODD), len(ODD), [])
    for record in records(tmp_path / "out.jsonl"):
        text = ODD[record["id"]].replace("\ud800", "\ufffd")
        assert_valid(record, fields={"title": "", "content": text})


def test_an_interrupted_run_on_two_cores_gives_the_bytes_of_one_run_on_one(
    tmp_path: Path, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("triage.pipeline.deciding.CHUNK_ROWS", 16)
    source = tmp_path / "in.csv"
    lines = sample_path("appeals.csv").read_text(encoding="utf-8-sig").splitlines(keepends=True)
    source.write_text("".join(lines[:101]), encoding="utf-8")

    def options(name: str, *, workers: int, resume: bool = False) -> BatchOptions:
        return BatchOptions(source=source, outputs=(tmp_path / name,), workers=workers, resume=resume)

    def watch(stage: str) -> Progress:
        return lambda done, _total: stage != "研判诉求" or done < 40

    BatchRun(options("whole.jsonl", workers=1), load=lambda: engine).run()
    with pytest.raises(RunStoppedError):
        BatchRun(options("parts.jsonl", workers=2), load=lambda: engine, watch=watch).run()
    report = BatchRun(options("parts.jsonl", workers=2, resume=True), load=lambda: engine).run()
    assert report.resumed >= 32
    assert (tmp_path / "parts.jsonl").read_bytes() == (tmp_path / "whole.jsonl").read_bytes()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["--units", "absent.csv"], "absent.csv"),
        (["--bundle", "absent"], "absent"),
        (["--units", "in.csv"], "in.csv"),
    ],
)
def test_models_or_units_that_cannot_be_used_are_named_in_one_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: Sequence[str],
    word: str,
) -> None:
    entry = EntryPoint("run", "triage.commands.run:run", GROUP)
    monkeypatch.setattr("triage.cli.entry_points", lambda group: [entry])
    monkeypatch.chdir(tmp_path)
    Path("in.csv").write_text("编号,内容\n1,漏水\n", encoding="utf-8")
    with pytest.raises(SystemExit) as caught:
        main(["run", "in.csv", "-o", "out.csv", *arguments])
    assert caught.value.code == 2
    said = capsys.readouterr().err
    assert word in said
    assert len(said.splitlines()) == 1
    assert [path.name for path in tmp_path.iterdir()] == ["in.csv"]
