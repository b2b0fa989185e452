"""Deciding rows chunk by chunk, on all cores, in input order."""

from __future__ import annotations

import gc
import json
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from triage.appeal import Appeal
from triage.decision import Decision
from triage.errors import TriageError
from triage.events import WordCutter, make_signature
from triage.io.rows import Row
from triage.linking import event_item
from triage.pipeline.options import Decider
from triage.pipeline.packing import Packed, pack
from triage.reading import Reading

CHUNK_ROWS = 256
CHUNK_CHARS = 1 << 20
"""A chunk ends at either bound: 256 letters of 100,000 characters at once would take gigabytes."""

SMALL = 2
"""Up to so many chunks are decided in this process: starting others would take longer."""

LABEL = 24
"""Characters of an appeal shown on the screen, masked."""

_AHEAD = 3
"""Chunks per worker that are read in advance."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """What came out of one chunk.

    Attributes:
        rows: Rows of the chunk.
        decisions: A JSON line per decided row: label, time of arrival and the result record.
        signatures: Event signatures of the decided rows.
        failures: Position in the chunk → what went wrong, for rows that could not be decided.
    """

    rows: int
    decisions: bytes
    signatures: Packed
    failures: dict[int, str]


@dataclass(frozen=True, slots=True)
class _Judged:
    reading: Reading
    decision: Decision


class ChunkDecider:
    """Decides a chunk and prepares its event signatures; runs in every worker process."""

    def __init__(self, decider: Decider, words: WordCutter) -> None:
        """Store both; nothing is loaded yet."""
        self._decider = decider
        self._words = words

    def warm_up(self) -> None:
        """Load the dictionary now, so that forked workers share it."""
        self._words.cut("诉求")

    def __call__(self, appeals: Sequence[Appeal]) -> Finished:
        """Decide a chunk; a row that cannot be decided is reported and spoils no other."""
        results = self._judge(appeals)
        judged = [result for result in results if isinstance(result, _Judged)]
        items = [event_item(j.reading.document, type_=j.decision.types[0].name) for j in judged]
        return Finished(
            rows=len(appeals),
            decisions=b"".join(_line(j) for j in judged),
            signatures=pack([make_signature(item, words=self._words) for item in items]),
            failures={at: result for at, result in enumerate(results) if isinstance(result, str)},
        )

    def _judge(self, appeals: Sequence[Appeal]) -> list[_Judged | str]:
        try:
            readings = self._decider.read(appeals)
            decisions = self._decider.decide_readings(readings)
            return [_Judged(*pair) for pair in zip(readings, decisions, strict=True)]
        except Exception as error:  # a flaw met by one appeal of 100,000 must not cost the other 99,999
            if len(appeals) == 1:
                return [_describe(error)]
            return [result for appeal in appeals for result in self._judge([appeal])]


def chunks_of(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Cut rows into chunks; where depends on the rows alone, so a continued run cuts in the same places."""
    chunk: list[Row] = []
    chars = 0
    for row in rows:
        chunk.append(row)
        chars += len(row.appeal.title) + len(row.appeal.content)
        if len(chunk) >= CHUNK_ROWS or chars >= CHUNK_CHARS:
            yield chunk
            chunk, chars = [], 0
    if chunk:
        yield chunk


@dataclass(frozen=True, slots=True)
class DecidedChunk:
    """A chunk and what came out of it."""

    rows: list[Row]
    finished: Finished


def decide_chunks(
    chunks: Iterator[list[Row]], decide: ChunkDecider, *, workers: int
) -> Generator[DecidedChunk, None, None]:
    """Decide chunks in order; few of them in this process, many on ``workers`` processes.

    Raises:
        TriageError: A worker process died (out of memory, killed).
    """
    head = list(islice(chunks, SMALL + 1))
    everything = chain(head, chunks)
    if workers <= 1 or len(head) <= SMALL:
        for rows in everything:
            yield DecidedChunk(rows, decide(_appeals(rows)))
        return
    decide.warm_up()
    # Objects that live on are kept out of the collector's sweeps, which would copy every page the workers share.
    gc.freeze()
    pool = ProcessPoolExecutor(workers, mp_context=_context(), initializer=_start_worker, initargs=(decide,))
    waiting: deque[tuple[list[Row], Future[Finished]]] = deque()
    try:
        for rows in everything:
            waiting.append((rows, pool.submit(_work, _appeals(rows))))
            if len(waiting) >= workers * _AHEAD:
                yield _first(waiting)
        while waiting:
            yield _first(waiting)
    except BrokenProcessPool as error:
        raise TriageError(
            "一个工作进程意外终止（可能内存不足）；请用 --workers 减少进程数后加 --resume 续跑"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        gc.unfreeze()


def available_cores(quota: Path = Path("/sys/fs/cgroup/cpu.max")) -> int:
    """Return how many cores this process may use.

    Args:
        quota: Where the kernel says what a container may use, e.g. ``200000 100000`` for two cores of a machine's 64.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        used, period = (int(part) for part in quota.read_text(encoding="ascii").split())
    except (OSError, ValueError):  # no container, or "max": no quota
        return cores
    return max(1, min(cores, -(-used // max(period, 1))))


def _first(waiting: deque[tuple[list[Row], Future[Finished]]]) -> DecidedChunk:
    rows, future = waiting.popleft()
    return DecidedChunk(rows, future.result())


def _appeals(rows: Sequence[Row]) -> list[Appeal]:
    return [row.appeal for row in rows]


def _line(judged: _Judged) -> bytes:
    document = judged.reading.document
    arrived = document.appeal.created_at
    entry = {
        "label": (document.title.text.strip() or document.content.text.strip())[:LABEL],
        "created_at": arrived.isoformat() if arrived is not None else None,
        "record": judged.decision.to_record(),
    }
    return json.dumps(entry, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


def _describe(error: Exception) -> str:
    """Name the error and its place; its message may quote the appeal."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__}，{Path(frame.filename).name}:{frame.lineno}"


def _context() -> multiprocessing.context.BaseContext:
    # A forked worker shares the loaded models; elsewhere forking is unsafe or absent and each worker gets a copy.
    return multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")


_in_worker: list[ChunkDecider] = []


def _start_worker(decide: ChunkDecider) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent ends the workers
    _in_worker[:] = [decide]
    threading.Thread(target=_follow_parent, args=(os.getppid(),), daemon=True).start()


def _follow_parent(parent: int) -> None:
    """End with the parent: a parent killed outright would leave its workers waiting for ever."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _work(appeals: list[Appeal]) -> Finished:
    return _in_worker[0](appeals)
