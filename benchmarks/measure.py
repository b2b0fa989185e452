"""Measures whole processes and single decisions."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True, slots=True)
class ProcessFigures:
    """One run of a command: wall seconds and the peak memory of its largest process, MiB."""

    seconds: float
    peak_mib: float


@dataclass(frozen=True, slots=True)
class LatencyFigures:
    """Median and 95th percentile of a repeated call, milliseconds, over ``n`` calls."""

    p50: float
    p95: float
    n: int


def run_process(arguments: Sequence[str | Path]) -> ProcessFigures:
    """Run a program of this environment and account for it.

    Raises:
        RuntimeError: If it does not end with status 0 or 1 (1: some rows rejected).
    """
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    start = time.perf_counter()
    done = subprocess.run([*map(str, arguments)], check=False, capture_output=True)
    seconds = time.perf_counter() - start
    if done.returncode not in (0, 1):
        raise RuntimeError(done.stderr.decode(errors="replace")[-2000:])
    # The counter keeps the largest child ever waited for, so a smaller later one shows the earlier peak.
    peak = max(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, before)
    return ProcessFigures(seconds, peak / 1024)


def triage_command() -> Path:
    """Return the ``triage`` program of this environment."""
    return Path(sys.executable).with_name("triage")


def latency(call: Callable[[int], object], *, n: int, warm: int = 20) -> LatencyFigures:
    """Time ``n`` single calls after ``warm`` uncounted ones."""
    for i in range(warm):
        call(i)
    times = []
    for i in range(n):
        start = time.perf_counter()
        call(i)
        times.append((time.perf_counter() - start) * 1000)
    return LatencyFigures(float(np.percentile(times, 50)), float(np.percentile(times, 95)), n)
