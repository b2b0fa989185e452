"""How far a run is, on stderr: a bar for a person, a line now and then for a log."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

_REDRAW = 0.1
_LINE_EVERY = 5.0


class ConsoleWatch:
    """Shows the stages of a run; a context manager.

    It draws only when called and never from a thread of its own: worker processes are forked meanwhile, and a lock held
    by such a thread would stay locked in them.
    """

    def __init__(self, console: Console) -> None:
        """Store where to draw."""
        self._console = console
        self._progress: Progress | None = None
        self._drawn = time.monotonic()
        self._spoke = False

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
            self._progress = Progress(
                *columns, TimeElapsedColumn(), console=self._console, auto_refresh=False, transient=True
            )
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def __call__(self, stage: str) -> _Stage:
        """Begin a stage."""
        if self._progress is None:
            if self._spoke:  # a long run: its log shall not look hung while a stage has nothing to count
                self._console.print(f"{stage}……")
            return _Stage(self, stage, None)
        for task in self._progress.task_ids:
            self._progress.remove_task(task)
        found = _Stage(self, stage, self._progress.add_task(stage, total=None))
        self._progress.refresh()
        return found

    def show(self, stage: str, task: TaskID | None, done: int, total: int) -> None:
        """Draw, unless that was done a moment ago."""
        now = time.monotonic()
        if now - self._drawn < (_REDRAW if task is not None else _LINE_EVERY):
            return
        self._drawn = now
        if self._progress is not None and task is not None:
            self._progress.update(task, completed=done, total=total or None)
            self._progress.refresh()
        else:
            self._spoke = True
            self._console.print(f"{stage}：{done:,}" + (f"/{total:,} 件" if total else " 件"))


class _Stage:
    """The progress callback of one stage."""

    def __init__(self, watch: ConsoleWatch, stage: str, task: TaskID | None) -> None:
        self._watch = watch
        self._stage = stage
        self._task = task

    def __call__(self, done: int, total: int) -> bool:
        self._watch.show(self._stage, self._task, done, total)
        return True
