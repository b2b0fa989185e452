"""What a batch run is asked to do, what it needs and what it reports."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from models.pairs import PairScorer
from triage.appeal import Appeal
from triage.decision import Decision
from triage.errors import TriageError
from triage.reading import Reading

REASONS = 5
"""Reasons of rejected rows that a report quotes; the rejects file has all."""

SHOWN = 40
"""Decisions a report carries for the screen."""

Progress = Callable[[int, int], bool]
"""Called with (done, total), total 0 while unknown; False stops the run as Ctrl-C would, finished rows are kept."""


class Watch(Protocol):
    """Told which stage begins; answers with what to call while it goes on."""

    def __call__(self, stage: str, /) -> Progress:
        """Return the progress callback of a stage, named in Chinese for people."""
        ...


class Decider(Protocol):
    """What decides; `triage.service.Triage` is the real one."""

    def read(self, appeals: Sequence[Appeal]) -> list[Reading]:
        """Score appeals."""
        ...

    def decide_readings(self, readings: Sequence[Reading]) -> list[Decision]:
        """Decide appeals by their scores."""
        ...


@dataclass(frozen=True, slots=True)
class Engine:
    """Loaded models.

    Attributes:
        decider: Decides each appeal by itself.
        scorer: Judges pairs for event linking.
        version: Names the models; a run is never continued with other ones.
    """

    decider: Decider
    scorer: PairScorer
    version: str


class RunStoppedError(TriageError):
    """A progress callback asked to stop."""


@dataclass(frozen=True, kw_only=True, slots=True)
class BatchOptions:
    """One run over one file.

    Attributes:
        source: The appeals: csv, tsv, xlsx, jsonl.
        outputs: Result files, format by suffix; at least one. Unfinished work lies in ``.<name>.partial`` beside the first.
        rejects: Where rows that cannot be used go; None: ``<stem>.rejects.csv`` beside the first output.
        columns: Canonical name → source column, for headers that are not recognised.
        choices: Whatever else the decisions depend on (units, precision …), as text by a Chinese name; a run is only
            continued under the same choices.
        resume: Continue an interrupted run into the same output.
        workers: Processes; None: one per available core.
    """

    source: Path
    outputs: tuple[Path, ...]
    rejects: Path | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    choices: Mapping[str, str] = field(default_factory=dict)
    resume: bool = False
    workers: int | None = None

    @property
    def rejects_path(self) -> Path:
        """Return where rejected rows go."""
        return self.rejects or self.outputs[0].with_name(f"{self.outputs[0].stem}.rejects.csv")


@dataclass(frozen=True, slots=True)
class Shown:
    """A decision for the screen: the start of its title or text, masked, and its record."""

    label: str
    record: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class RunReport:
    """What a run did.

    Attributes:
        read: Rows of the input that hold any text; always ``decided + rejected``.
        decided: Rows in the output.
        rejected: Rows in the rejects file.
        resumed: Rows of ``read`` that an earlier, interrupted run had finished.
        reasons: Why the first few rows were rejected.
        warnings: What was repaired while reading → number of rows.
        auto: Decisions that need no person.
        risk: Colour word → decisions.
        events: Events of two or more appeals.
        linked: Appeals in those events.
        seconds: Duration, loading included.
        shown: The first decisions.
    """

    read: int
    decided: int
    rejected: int
    resumed: int
    reasons: Sequence[str]
    warnings: Counter[str]
    auto: int
    risk: Counter[str]
    events: int
    linked: int
    seconds: float
    shown: Sequence[Shown]

    @property
    def rate(self) -> float:
        """Return appeals decided per second by this run."""
        return (self.decided - self.resumed) / self.seconds if self.seconds > 0 else 0.0

    @property
    def exit_status(self) -> int:
        """Return 0 when every row was decided, 1 when some were rejected, 2 when none was decided."""
        if not self.decided:
            return 2
        return 1 if self.rejected else 0


def silent(stage: str) -> Progress:
    """Show nothing."""
    return lambda _done, _total: True
