"""A batch run: every row decided or rejected, in order, linked to events, the same on one core and on many."""

from __future__ import annotations

import csv
import json
import os
import pickle
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import openpyxl
import pytest

from triage.appeal import Appeal
from triage.decision import Decision
from triage.errors import OutputError, TriageError
from triage.events import WordCutter
from triage.pipeline.batch import BatchRun
from triage.pipeline.deciding import ChunkDecider, available_cores
from triage.pipeline.options import BatchOptions, Engine, RunReport
from triage.reading import Reading
from triage.service import Context
from triage.testing import FakeDecider, PairCutter, fake_engine, same_text_scorer

HEADER = ("工单编号", "时间", "用户", "诉求内容")


class FragileDecider(FakeDecider):
    """Fails on appeals that mention a certain word, and quotes the appeal in its error."""

    def read(self, appeals: Sequence[Appeal]) -> list[Reading]:
        for appeal in appeals:
            if "难题" in appeal.content:
                raise ValueError(appeal.content)
        return super().read(appeals)


class DyingDecider(FakeDecider):
    """Its process is killed by a certain word, as a process without memory is."""

    def read(self, appeals: Sequence[Appeal]) -> list[Reading]:
        if any("致命" in appeal.content for appeal in appeals):
            os._exit(1)
        return super().read(appeals)


def write_appeals(path: Path, contents: Sequence[str]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(HEADER)
        for number, content in enumerate(contents, 1):
            rows.writerow([f"GD{number:05}", f"2026-03-{number % 28 + 1:02} 08:00", f"张{number}", content])
    return path


def run(options: BatchOptions, engine: Engine | None = None) -> RunReport:
    return BatchRun(options, load=lambda: engine or fake_engine()).run()


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def varied(count: int) -> list[str]:
    return [f"{number}号楼{'垃圾' if number % 3 else '电梯'}问题第{number * 7919}次反映" for number in range(count)]


@pytest.fixture(autouse=True)
def _shared_dictionary(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("triage.pipeline.batch.WordCutter", PairCutter)


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("triage.pipeline.deciding.CHUNK_ROWS", 8)


def test_every_row_is_decided_and_written_in_input_order(tmp_path: Path) -> None:
    source = write_appeals(tmp_path / "in.csv", varied(30))
    report = run(BatchOptions(source=source, outputs=(tmp_path / "out.jsonl",)))
    assert [record["id"] for record in records(tmp_path / "out.jsonl")] == [f"GD{n:05}" for n in range(1, 31)]
    assert (report.read, report.decided, report.rejected, report.exit_status) == (30, 30, 0, 0)
    assert report.auto == 20
    assert not (tmp_path / "out.rejects.csv").exists()


def test_one_run_writes_several_formats(tmp_path: Path) -> None:
    source = write_appeals(tmp_path / "in.csv", varied(5))
    outputs = tuple(tmp_path / f"out.{suffix}" for suffix in ("xlsx", "jsonl", "csv"))
    run(BatchOptions(source=source, outputs=outputs))
    sheet = openpyxl.load_workbook(outputs[0]).worksheets[0]
    with outputs[2].open(encoding="utf-8-sig", newline="") as file:
        table = list(csv.DictReader(file))
    ids = [record["id"] for record in records(outputs[1])]
    assert [sheet.cell(row, 1).value for row in range(2, 7)] == ids
    assert [row["编号"] for row in table] == ids
    assert table[0]["时间"].startswith("2026-03-02")


@pytest.mark.usefixtures("small_chunks")
def test_many_cores_give_the_same_bytes_as_one(tmp_path: Path) -> None:
    source = write_appeals(tmp_path / "in.csv", varied(60) + varied(20))
    outputs = tmp_path / "one.jsonl", tmp_path / "two.jsonl"
    for workers, output in enumerate(outputs, 1):
        run(BatchOptions(source=source, outputs=(output,), workers=workers))
    assert outputs[0].read_bytes() == outputs[1].read_bytes()


@pytest.mark.usefixtures("small_chunks")
def test_an_event_is_found_across_chunks_and_explained(tmp_path: Path) -> None:
    contents = varied(40)
    contents[1] = contents[20] = contents[39] = "平安路口信号灯坏了三天，车流混乱，请尽快修复"
    contents[5] = contents[30] = "凤尾街12号金桥小区门口污水横流，气味难闻，请派人清理"
    source = write_appeals(tmp_path / "in.csv", contents)
    report = run(BatchOptions(source=source, outputs=(tmp_path / "out.jsonl",)))
    found = records(tmp_path / "out.jsonl")
    assert (report.events, report.linked) == (2, 5)
    assert {found[at]["event"]["id"] for at in (1, 20, 39)} == {found[1]["event"]["id"]}
    assert found[1]["event"]["size"] == 3
    assert {other["id"] for other in found[1]["event"]["similar"]} == {"GD00021", "GD00040"}
    assert found[1]["explanation"][-1] == {"kind": "similar", "text": "与GD00021、GD00040疑为同一事件"}
    assert found[5]["explanation"][-1] == {"kind": "similar", "text": "与GD00031疑为同一事件"}
    assert found[0]["event"] == {"id": "E-GD00001", "size": 1, "similar": []}
    assert [reason["kind"] for reason in found[0]["explanation"]] == ["words"]


def test_a_large_event_names_two_appeals_and_counts_the_others(tmp_path: Path) -> None:
    source = write_appeals(tmp_path / "in.csv", ["平安路口信号灯坏了三天，车流混乱，请尽快修复"] * 6)
    run(BatchOptions(source=source, outputs=(tmp_path / "out.jsonl",)))
    assert records(tmp_path / "out.jsonl")[4]["explanation"][-1]["text"] == "与GD00001、GD00002等5件诉求疑为同一事件"


def test_rejected_rows_go_to_the_rejects_file_and_the_rest_goes_on(tmp_path: Path) -> None:
    source = write_appeals(tmp_path / "in.csv", ["垃圾没人清", " ", "路灯不亮", ""])
    report = run(BatchOptions(source=source, outputs=(tmp_path / "out.csv",)))
    assert (report.read, report.decided, report.rejected, report.exit_status) == (4, 2, 2, 1)
    assert len(report.reasons) == 2
    assert "第 3 行" in report.reasons[0]
    with (tmp_path / "out.rejects.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [row["行号"] for row in csv.DictReader(file)] == ["3", "5"]


def test_when_every_row_is_rejected_an_earlier_result_is_not_overwritten(tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    output.write_text("earlier")
    source = write_appeals(tmp_path / "in.csv", ["", " "])
    report = run(BatchOptions(source=source, outputs=(output,), rejects=tmp_path / "back.csv"))
    assert (report.read, report.decided, report.rejected, report.exit_status) == (2, 0, 2, 2)
    assert output.read_text() == "earlier"
    assert (tmp_path / "back.csv").exists()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["back.csv", "in.csv", "out.jsonl"]


@pytest.mark.usefixtures("small_chunks")
@pytest.mark.parametrize("workers", [1, 2])
def test_a_row_that_cannot_be_decided_is_rejected_and_spoils_no_other(tmp_path: Path, workers: int) -> None:
    contents = varied(40)
    contents[10] = "难题甲，来电人王某某"
    source = write_appeals(tmp_path / "in.csv", contents)
    engine = Engine(FragileDecider(), same_text_scorer(), "fragile")
    report = run(BatchOptions(source=source, outputs=(tmp_path / "out.jsonl",), workers=workers), engine)
    assert (report.read, report.decided, report.rejected, report.exit_status) == (40, 39, 1, 1)
    assert "第 12 行处理失败（ValueError" in report.reasons[0]
    assert "王某某" not in report.reasons[0]
    with (tmp_path / "out.rejects.csv").open(encoding="utf-8-sig", newline="") as file:
        (row,) = csv.DictReader(file)
    assert (row["行号"], row["编号"], row["诉求内容"]) == ("12", "GD00011", "难题甲，来电人王某某")


@pytest.mark.usefixtures("small_chunks")
def test_a_killed_worker_ends_the_run_with_advice_and_keeps_what_was_finished(tmp_path: Path) -> None:
    contents = varied(120)
    contents[110] = "致命"
    source = write_appeals(tmp_path / "in.csv", contents)
    options = BatchOptions(source=source, outputs=(tmp_path / "out.jsonl",), workers=2)
    batch = BatchRun(options, load=lambda: Engine(DyingDecider(), same_text_scorer(), "dying"))
    with pytest.raises(TriageError, match="--workers"):
        batch.run()
    assert batch.kept >= 8
    assert not (tmp_path / "out.jsonl").exists()


def test_a_lost_row_is_noticed_before_anything_is_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("triage.pipeline.partial.Partial.decisions", lambda self: iter(()))
    source = write_appeals(tmp_path / "in.csv", varied(3))
    with pytest.raises(TriageError, match="读入 3 行，研判 0 行"):
        run(BatchOptions(source=source, outputs=(tmp_path / "out.jsonl",)))
    assert not (tmp_path / "out.jsonl").exists()


def test_a_decider_that_gives_too_few_answers_is_noticed(tmp_path: Path) -> None:
    class Forgetful(FakeDecider):
        def decide_readings(
            self, readings: Sequence[Reading], *, contexts: Sequence[Context] | None = None
        ) -> list[Decision]:
            return super().decide_readings(readings, contexts=contexts)[1:]

    source = write_appeals(tmp_path / "in.csv", varied(3))
    engine = Engine(Forgetful(), same_text_scorer(), "forgetful")
    report = run(BatchOptions(source=source, outputs=(tmp_path / "out.jsonl",)), engine)
    assert (report.decided, report.rejected, report.exit_status) == (0, 3, 2)


def test_the_input_is_never_the_output(tmp_path: Path) -> None:
    source = write_appeals(tmp_path / "in.csv", varied(3))
    before = source.read_bytes()
    (tmp_path / "soft.csv").symlink_to(source)
    os.link(source, tmp_path / "hard.csv")
    for output in (source, tmp_path / "soft.csv", tmp_path / "hard.csv", tmp_path / "x" / ".." / "in.csv"):
        with pytest.raises(OutputError, match=r"输出文件和输入文件 in\.csv 是同一个文件"):
            run(BatchOptions(source=source, outputs=(output,)))
    assert source.read_bytes() == before


def test_two_targets_are_never_the_same_file(tmp_path: Path) -> None:
    source = write_appeals(tmp_path / "out.rejects.csv", varied(3))
    with pytest.raises(OutputError, match=r"退回清单和输入文件 out\.rejects\.csv 是同一个文件"):
        run(BatchOptions(source=source, outputs=(tmp_path / "out.jsonl",)))
    with pytest.raises(OutputError, match=r"输出文件和输出文件 a\.csv 是同一个文件"):
        run(BatchOptions(source=source, outputs=(tmp_path / "a.csv", tmp_path / "a.csv"), rejects=tmp_path / "r.csv"))
    with pytest.raises(OutputError, match=r"退回清单和输出文件 a\.csv 是同一个文件"):
        run(BatchOptions(source=source, outputs=(tmp_path / "a.csv",), rejects=tmp_path / "a.csv"))


def test_unfinished_work_is_open_to_its_owner_only_and_signatures_hold_no_person(tmp_path: Path) -> None:
    seen: dict[str, bytes] = {}
    modes: set[int] = set()

    def look(done: int, total: int) -> bool:
        folder = tmp_path / ".out.jsonl.partial"
        if total:
            modes.add(stat.S_IMODE(folder.stat().st_mode))
            modes.update(stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir() if path.name != "header.json")
            seen.update({path.name: path.read_bytes() for path in folder.iterdir()})
        return True

    source = write_appeals(tmp_path / "in.csv", ["我叫李建国，电话13912345678，门口垃圾没人清"])
    BatchRun(
        BatchOptions(source=source, outputs=(tmp_path / "out.jsonl",)), load=fake_engine, watch=lambda stage: look
    ).run()
    assert modes == {0o700, 0o600}
    for name, data in seen.items():
        for person in ("13912345678", "李建国", "张1"):
            assert person.encode() not in data, name
            assert json.dumps(person)[1:-1].encode() not in data, name
    assert not (tmp_path / ".out.jsonl.partial").exists()


def test_a_chunk_also_ends_at_its_bound_of_characters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    class Counting(FakeDecider):
        def read(self, appeals: Sequence[Appeal]) -> list[Reading]:
            sizes.append(len(appeals))
            return super().read(appeals)

    monkeypatch.setattr("triage.pipeline.deciding.CHUNK_CHARS", 5_000)
    source = write_appeals(tmp_path / "in.csv", ["垃圾" * 1_500] * 4 + ["短"])
    engine = Engine(Counting(), same_text_scorer(), "counting")
    run(BatchOptions(source=source, outputs=(tmp_path / "out.jsonl",), workers=1), engine)
    assert sizes == [2, 2, 1]


def test_a_container_with_two_cores_of_many_starts_two_workers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _pid: set(range(64)))
    quota = tmp_path / "cpu.max"
    found = []
    for text in ("200000 100000\n", "150000 100000\n", "50000 100000\n", "max 100000\n", ""):
        quota.write_text(text)
        found.append(available_cores(quota))
    assert found == [2, 2, 1, 64, 64]
    assert available_cores(tmp_path / "absent") == 64


def test_a_decider_with_a_real_dictionary_can_be_sent_to_a_process_that_is_not_forked() -> None:
    sent = pickle.loads(pickle.dumps(ChunkDecider(FakeDecider(), WordCutter())))
    assert sent([Appeal(id="1", content="门口垃圾没人清")]).rows == 1
