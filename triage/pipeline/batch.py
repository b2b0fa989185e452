"""One run over one file: read, decide, link, write."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, suppress
from datetime import datetime
from itertools import chain, islice
from pathlib import Path

from triage.appeal import Appeal
from triage.errors import InputError, OutputError, TriageError
from triage.events import EventLinker, WordCutter
from triage.io.rows import Row
from triage.io.writers import DecisionWriter, open_writer
from triage.pipeline.deciding import ChunkDecider, available_cores, decide_chunks
from triage.pipeline.identity import run_identity
from triage.pipeline.linked import EventBook
from triage.pipeline.options import BatchOptions, Engine, Progress, RunReport, RunStoppedError, Watch, silent
from triage.pipeline.partial import Partial, partial_folder
from triage.pipeline.source import RejectsFile, Source, failed_row, skip_finished
from triage.pipeline.tally import Tally

_EVERY = 200
"""Rows between two progress reports while writing."""


class BatchRun:
    """Runs once; after an interruption it says how much was kept.

    The outputs are opened, and with that locked, before anything else is done: a place that cannot be written to and a
    second run into the same file are refused at once, not after an hour.

    Attributes:
        kept: After a failure: finished rows that ``--resume`` will find.
    """

    def __init__(self, options: BatchOptions, *, load: Callable[[], Engine], watch: Watch = silent) -> None:
        """Store what to do.

        Args:
            options: The run.
            load: Loads the models; called as soon as the input turned out to hold an appeal.
            watch: Told how far the run is.
        """
        self._options = options
        self._load = load
        self._watch = watch
        self._rejects = RejectsFile(options.rejects_path)
        self._source = Source(options, self._rejects)
        self._partial = Partial(partial_folder(options.outputs[0]))
        self._tally = Tally()
        self._book = EventBook([])
        self._resumed = 0
        self.kept = 0

    def run(self) -> RunReport:
        """Do it.

        Raises:
            InputError: The input cannot be used, or an interrupted run is not this one.
            OutputError: A result cannot be written.
            RunStoppedError: A progress callback said stop.
            TriageError: Models or units cannot be used, or a worker died.
        """
        started = time.perf_counter()
        check_places(self._options)
        try:
            with self._rejects, suppress(_NothingDecidedError), ExitStack() as stack:
                writers = [stack.enter_context(open_writer(path)) for path in self._options.outputs]
                self._fill(writers)
        except InputError:
            # The same input would fail again, and a mended input is another run.
            self._partial.remove()
            raise
        except BaseException:
            self.kept = self._partial.rows
            self._partial.close()
            raise
        self._partial.remove()
        return self._report(time.perf_counter() - started)

    def _fill(self, writers: Sequence[DecisionWriter]) -> None:
        with closing(self._source.chunks()) as chunks:
            first = list(islice(chunks, 1))
            if not first:
                raise _NothingDecidedError
            engine = self._load()
            words = WordCutter()
            self._begin(engine)
            self._decide(chain(first, chunks), ChunkDecider(engine.decider, words))
        self._watch("比对同类诉求")
        linker = EventLinker(engine.scorer, words=words)
        self._book = EventBook(linker.link_signatures(self._partial.signatures()))
        self._write(writers)
        for reject in self._partial.failures():
            self._rejects.add(reject)
        self._check()

    def _begin(self, engine: Engine) -> None:
        identity = run_identity(self._options, models=engine.version)
        if not (self._options.resume and self._partial.resume(identity)):
            self._partial.start(identity)
        self._resumed = self._partial.rows

    def _decide(self, chunks: Iterator[list[Row]], decide: ChunkDecider) -> None:
        progress = self._watch("研判诉求")
        if not skip_finished(chunks, self._resumed):
            raise InputError("无法续跑：输入文件的行数与上次不同；请去掉 --resume 从头开始")
        proceed(progress, self._resumed)
        workers = self._options.workers or available_cores()
        with closing(decide_chunks(chunks, decide, workers=workers)) as decided:
            for chunk in decided:
                failures = chunk.finished.failures.items()
                failed = [failed_row(chunk.rows[position], problem) for position, problem in failures]
                self._partial.append(chunk.finished, failed)
                proceed(progress, self._partial.rows)

    def _write(self, writers: Sequence[DecisionWriter]) -> None:
        progress = self._watch("写出结果")
        for position, entry in enumerate(self._partial.decisions()):
            record = self._book.attach(entry["record"], position)
            arrived = entry["created_at"]
            moment = datetime.fromisoformat(arrived) if arrived else None
            appeal = Appeal(id=record["id"], content="", created_at=moment)
            for writer in writers:
                writer.write(record, appeal)
            self._tally.add(entry["label"], record)
            if position % _EVERY == 0:
                proceed(progress, position, len(self._book))
        proceed(progress, len(self._book), len(self._book))

    def _check(self) -> None:
        """Make sure that no row vanished and that there is something to publish."""
        read, decided, rejected = self._source.read, self._tally.decided, self._rejects.count
        if read != decided + rejected:
            raise TriageError(
                f"内部核对不符：读入 {read} 行，研判 {decided} 行，退回 {rejected} 行；未写出结果，请告知维护人员"
            )
        if not decided:
            raise _NothingDecidedError

    def _report(self, seconds: float) -> RunReport:
        return RunReport(
            read=self._source.read,
            decided=self._tally.decided,
            rejected=self._rejects.count,
            resumed=self._resumed,
            reasons=tuple(self._rejects.reasons),
            warnings=self._source.warnings,
            auto=self._tally.auto,
            risk=self._tally.risk,
            events=self._book.events,
            linked=self._book.linked,
            seconds=seconds,
            shown=tuple(self._tally.shown),
        )


class _NothingDecidedError(Exception):
    """Every row was rejected: the rejects file is kept, an older result is not overwritten with an empty one."""


def proceed(progress: Progress, done: int, total: int = 0) -> None:
    """Report progress.

    Raises:
        RunStoppedError: The callback said stop.
    """
    if not progress(done, total):
        raise RunStoppedError("已按要求停止")


def check_places(options: BatchOptions) -> None:
    """Refuse places that would overwrite each other.

    Raises:
        OutputError: Names the two.
    """
    taken = {f"输入文件 {options.source.name}": options.source}
    targets = [("输出文件", path) for path in options.outputs] + [("退回清单", options.rejects_path)]
    for what, path in targets:
        for other, place in taken.items():
            if _same(path, place):
                remedy = "请用 --rejects 另选位置" if what == "退回清单" else "请换一个输出文件"
                raise OutputError(f"{what}和{other} 是同一个文件；{remedy}")
        taken[f"{what} {path.name}"] = path


def _same(one: Path, other: Path) -> bool:
    try:
        return one.resolve() == other.resolve() or (one.exists() and other.exists() and one.samefile(other))
    except (OSError, RuntimeError):  # what is wrong with the path is said when it is opened
        return False
