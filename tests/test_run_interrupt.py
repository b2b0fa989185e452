"""Interrupted runs: finished rows are kept, --resume gives the bytes of one run, and only the same run is continued."""

from __future__ import annotations

import csv
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from triage.appeal import Appeal
from triage.errors import InputError, OutputError
from triage.pipeline.batch import BatchRun
from triage.pipeline.options import BatchOptions, Engine, Progress, RunStoppedError
from triage.reading import Reading
from triage.testing import FakeDecider, PairCutter, fake_engine, same_text_scorer

ROOT = Path(__file__).resolve().parents[1]
ROWS = 60

PROGRAM = """
import sys, time
import triage.pipeline.batch as batch
import triage.pipeline.deciding as deciding
import triage.pipeline.engine as engine
from triage.cli import main
from triage.testing import FakeDecider, PairCutter, fake_engine
batch.WordCutter = PairCutter
deciding.CHUNK_ROWS = 8
read = FakeDecider.read
FakeDecider.read = lambda self, appeals: (time.sleep(float(sys.argv[1])), read(self, appeals))[1]
engine.load_engine = lambda *_args, **_named: fake_engine()
main(sys.argv[2:])
"""


class FragileDecider(FakeDecider):
    """Fails on some appeals."""

    def read(self, appeals: Sequence[Appeal]) -> list[Reading]:
        if any("难题" in appeal.content for appeal in appeals):
            raise ValueError
        return super().read(appeals)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("triage.pipeline.batch.WordCutter", PairCutter)
    monkeypatch.setattr("triage.pipeline.deciding.CHUNK_ROWS", 8)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Appeals with an event across chunks, rows to reject and rows no decision can be made for."""
    contents = [f"{number}号楼电梯第{number * 7919}次坏了" for number in range(ROWS)]
    contents[3] = contents[50] = "平安路口信号灯坏了三天，车流混乱，请尽快修复"
    contents[7] = contents[33] = ""
    contents[9] = contents[44] = "难题"
    path = tmp_path / "in.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["编号", "内容"])
        rows.writerows([f"GD{number:03}", content] for number, content in enumerate(contents))
    return path


def engine(version: str = "fake") -> Engine:
    return Engine(FragileDecider(), same_text_scorer(), version)


def options(source: Path, *, resume: bool = False, units: str = "", workers: int = 1) -> BatchOptions:
    folder = source.parent
    outputs = (folder / "out.jsonl", folder / "out.csv")
    return BatchOptions(source=source, outputs=outputs, choices={"单位名录": units}, resume=resume, workers=workers)


def interrupt(chosen: BatchOptions, *, stage: str = "研判诉求", at: int = 20) -> BatchRun:
    def watch(begun: str) -> Progress:
        return lambda done, _total: not (begun == stage and done >= at)

    batch = BatchRun(chosen, load=engine, watch=watch)
    with pytest.raises(RunStoppedError):
        batch.run()
    return batch


def results(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in ("out.jsonl", "out.csv", "out.rejects.csv")}


@pytest.fixture
def expected(source: Path) -> dict[str, bytes]:
    """What one run without interruption gives; its files are gone again."""
    BatchRun(options(source), load=engine).run()
    found = results(source.parent)
    for name in found:
        (source.parent / name).unlink()
    return found


@pytest.mark.parametrize(("stage", "at"), [("研判诉求", 8), ("研判诉求", 20), ("研判诉求", 58), ("写出结果", 0)])
@pytest.mark.parametrize("workers", [1, 2])
def test_a_continued_run_gives_the_bytes_of_one_run(
    source: Path, expected: dict[str, bytes], stage: str, at: int, workers: int
) -> None:
    batch = interrupt(options(source, workers=workers), stage=stage, at=at)
    assert batch.kept >= at
    assert sorted(path.name for path in source.parent.iterdir()) == [".out.jsonl.partial", "in.csv"]
    report = BatchRun(options(source, resume=True), load=engine).run()
    assert report.resumed == batch.kept
    assert (report.read, report.decided, report.rejected) == (ROWS, ROWS - 4, 4)
    assert results(source.parent) == expected
    assert not (source.parent / ".out.jsonl.partial").exists()


def test_a_run_interrupted_twice_gives_the_bytes_of_one_run(source: Path, expected: dict[str, bytes]) -> None:
    interrupt(options(source), at=16)
    interrupt(options(source, resume=True), at=40)
    BatchRun(options(source, resume=True), load=engine).run()
    assert results(source.parent) == expected


def test_what_a_killed_run_was_writing_is_cut_off(source: Path, expected: dict[str, bytes]) -> None:
    interrupt(options(source))
    folder = source.parent / ".out.jsonl.partial"
    for name in ("decisions.jsonl", "signatures.jsonl", "arrays.bin", "failed.jsonl"):
        with (folder / name).open("ab") as file:
            file.write(b'{"half a line')
    with (folder / "journal").open("ab") as file:
        file.write(b"32 99")
    BatchRun(options(source, resume=True), load=engine).run()
    assert results(source.parent) == expected


def test_a_chunk_that_never_reached_the_disk_is_decided_again(source: Path, expected: dict[str, bytes]) -> None:
    batch = interrupt(options(source))
    decisions = source.parent / ".out.jsonl.partial" / "decisions.jsonl"
    os.truncate(decisions, decisions.stat().st_size - 10)
    report = BatchRun(options(source, resume=True), load=engine).run()
    assert report.resumed == batch.kept - 8
    assert results(source.parent) == expected


def test_a_changed_input_is_not_continued(source: Path) -> None:
    interrupt(options(source))
    with source.open("a", encoding="utf-8") as file:
        file.write("GD999,新来的一件\n")
    with pytest.raises(InputError, match=r"输入文件已改变；.*去掉 --resume"):
        BatchRun(options(source, resume=True), load=engine).run()
    assert (source.parent / ".out.jsonl.partial" / "journal").exists()


def test_other_models_units_or_columns_are_not_continued(source: Path) -> None:
    interrupt(options(source))
    with pytest.raises(InputError, match="模型已改变"):
        BatchRun(options(source, resume=True), load=lambda: engine("newer")).run()
    with pytest.raises(InputError, match="单位名录已改变"):
        BatchRun(options(source, resume=True, units="other"), load=engine).run()
    assert BatchRun(options(source, resume=True), load=engine).run().resumed > 0


def test_without_resume_a_run_starts_from_the_beginning(source: Path, expected: dict[str, bytes]) -> None:
    interrupt(options(source))
    assert BatchRun(options(source), load=engine).run().resumed == 0
    assert results(source.parent) == expected


def test_resume_with_nothing_to_continue_is_an_ordinary_run(source: Path, expected: dict[str, bytes]) -> None:
    assert BatchRun(options(source, resume=True), load=engine).run().resumed == 0
    assert results(source.parent) == expected


def test_an_interruption_before_the_first_chunk_leaves_nothing(source: Path) -> None:
    batch = interrupt(options(source), at=0)
    assert batch.kept == 0
    assert [path.name for path in source.parent.iterdir()] == ["in.csv"]


def test_a_second_run_into_the_same_output_is_refused_and_harms_nothing(
    source: Path, expected: dict[str, bytes]
) -> None:
    refused: list[str] = []

    def watch(stage: str) -> Progress:
        def progress(done: int, _total: int) -> bool:
            if stage == "研判诉求" and done == 16:
                for resume in (False, True):
                    with pytest.raises(OutputError) as caught:
                        BatchRun(options(source, resume=resume), load=engine).run()
                    refused.append(str(caught.value))
            return True

        return progress

    BatchRun(options(source), load=engine, watch=watch).run()
    assert len(refused) == 2
    assert all("另一个程序正在写" in message for message in refused)
    assert results(source.parent) == expected


@contextmanager
def files_no_larger_than(size: int) -> Iterator[None]:
    """Let writes fail beyond ``size``, as they do on a full disk."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)


def test_a_full_disk_ends_the_run_with_advice_and_after_cleaning_up_it_goes_on(
    source: Path, expected: dict[str, bytes]
) -> None:
    batch = BatchRun(options(source), load=engine)
    with files_no_larger_than(20_000), pytest.raises(OutputError, match="无法写入"):
        batch.run()
    assert 8 <= batch.kept < ROWS
    assert not (source.parent / "out.jsonl").exists()
    assert BatchRun(options(source, resume=True), load=engine).run().resumed == batch.kept
    assert results(source.parent) == expected


@pytest.mark.parametrize("place", ["absent/out.jsonl", "in.csv/out.jsonl"])
def test_a_place_that_cannot_be_written_to_is_refused_before_any_model_is_loaded(source: Path, place: str) -> None:
    chosen = BatchOptions(source=source, outputs=(source.parent / place,))
    with pytest.raises(OutputError, match="文件夹"):
        BatchRun(chosen, load=lambda: pytest.fail("models were loaded")).run()


@pytest.fixture
def command(tmp_path: Path) -> Iterator[Command]:
    declared = tmp_path / "site" / "declared-0.dist-info"
    declared.mkdir(parents=True)
    (declared / "METADATA").write_text("Metadata-Version: 2.1\nName: declared\nVersion: 0\n")
    (declared / "entry_points.txt").write_text("[triage.commands]\nrun = triage.commands.run:run\n")
    made = Command(tmp_path)
    yield made
    for process in made.started:
        process.kill()
        process.wait()


class Command:
    """Starts ``triage run`` with a slow fake model in a process group of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.started: list[subprocess.Popen[str]] = []

    def start(self, *arguments: str, pause: float) -> subprocess.Popen[str]:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), str(self.folder / "site")])}
        line = [
            sys.executable,
            "-c",
            PROGRAM,
            str(pause),
            "run",
            "in.csv",
            "-o",
            "out.jsonl",
            "-o",
            "out.csv",
            *arguments,
        ]
        process = subprocess.Popen(
            line,
            cwd=self.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # A test run that was started in the background ignores SIGINT, and so would every program it starts.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 - this process has one thread
        )
        self.started.append(process)
        return process

    def wait_for_chunks(self, count: int) -> None:
        journal = self.folder / ".out.jsonl.partial" / "journal"
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            if journal.exists() and len(journal.read_bytes().splitlines()) >= count:
                return
            time.sleep(0.02)
        pytest.fail("the run did not get anywhere")


def group_is_gone(leader: int) -> bool:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.killpg(leader, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_ctrl_c_and_even_a_kill_keep_finished_rows_and_leave_no_process(source: Path, command: Command) -> None:
    BatchRun(options(source), load=fake_engine).run()
    whole = results(source.parent)
    for name in whole:
        (source.parent / name).unlink()
    first = command.start(pause=1.0)
    command.wait_for_chunks(1)
    os.killpg(first.pid, signal.SIGINT)  # a terminal sends it to the whole group
    _, said = first.communicate(timeout=30)
    assert first.returncode == 130, said
    assert "加 --resume 从这里继续" in said
    assert "Traceback" not in said
    second = command.start("--resume", pause=1.0)
    command.wait_for_chunks(3)
    second.kill()
    second.communicate(timeout=30)
    assert group_is_gone(second.pid)
    third = command.start("--resume", pause=0.0)
    shown, said = third.communicate(timeout=60)
    assert third.returncode == 1, said
    assert "行为上次完成" in shown, said
    assert results(source.parent) == whole
    assert json.loads(whole["out.jsonl"].splitlines()[0])["id"] == "GD000"
