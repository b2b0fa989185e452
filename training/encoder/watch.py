"""Shows how training goes: a bar on a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_LINE_EVERY = 20.0


class Watch:
    """Receives what `EncoderRun` says and reports."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[losses]}"),
            console=self._console,
            disable=not sys.stderr.isatty(),
        )
        self._tasks: dict[str, int] = {}
        self._last = 0.0

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def say(self, line: str) -> None:
        """Show one line."""
        self._console.print(f"{time.strftime('%H:%M:%S')} {line}", highlight=False, soft_wrap=True)

    def report(self, stage: str, done: int, total: int, losses: Mapping[str, float]) -> None:
        """Show how far a stage is."""
        text = " ".join(f"{part} {loss:.3f}" for part, loss in sorted(losses.items()))
        if stage not in self._tasks:
            self._tasks[stage] = self._bar.add_task(stage, total=total, losses=text)
        self._bar.update(self._tasks[stage], completed=done, losses=text)  # type: ignore[arg-type]
        if self._bar.disable and time.monotonic() - self._last > _LINE_EVERY:
            self._last = time.monotonic()
            self.say(f"{stage} {done}/{total} {text}")
