"""``make bench``: throughput, growth, latency and start-up, beside TF-IDF + SVM and fastText in the same run."""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.corpus import Ticket, source, tickets, write_csv
from benchmarks.measure import latency, run_process, triage_command
from training.baselines import fasttext_available, fasttext_speed, svm_speed
from triage import Appeal, Triage


def main(arguments: Sequence[str] | None = None) -> None:
    """Run all benchmarks and print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--tickets", type=int, default=20_000, help="tickets of the main run; growth uses five times as many"
    )
    parser.add_argument("--bundle", type=Path, default=None, help="a local bundle to run with")
    chosen = parser.parse_args(arguments)
    table = Table(title=f"{date.today().isoformat()}, {source()}", title_justify="left")  # noqa: DTZ011
    for heading in ("work", "n", "figure"):
        table.add_column(heading)
    with tempfile.TemporaryDirectory() as folder:
        for work, n, figure in _rows(Path(folder), chosen.tickets, chosen.bundle):
            table.add_row(work, f"{n:,}", figure)
    Console().print(table)


def _rows(folder: Path, count: int, bundle: Path | None) -> list[tuple[str, int, str]]:
    rows = _start_up()
    small, large = tickets(count), tickets(5 * count)
    rows += _throughput(folder, small, large, bundle)
    rows += _latency(small, bundle)
    rows += _others(small)
    return rows


def _start_up() -> list[tuple[str, int, str]]:
    helps = sorted(run_process([triage_command(), "--help"]).seconds for _ in range(5))
    start = time.perf_counter()
    Triage.load()
    loaded = time.perf_counter() - start
    return [
        ("triage --help, median", 5, f"{helps[2]:.2f} s"),
        ("base bundle verified and loaded", 1, f"{loaded:.2f} s"),
    ]


def _throughput(
    folder: Path, small: Sequence[Ticket], large: Sequence[Ticket], bundle: Path | None
) -> list[tuple[str, int, str]]:
    rows = []
    seconds = []
    for name, some in (("small", small), ("large", large)):
        path = folder / f"{name}.csv"
        write_csv(path, some)
        command: list[str | Path] = [triage_command(), "run", path, "-o", folder / f"{name}.jsonl"]
        figures = run_process([*command, "--bundle", bundle] if bundle else command)
        seconds.append(figures.seconds)
        rate = len(some) / figures.seconds
        rows.append(
            ("triage run, everything on", len(some), f"{rate:.0f}/s, peak {figures.peak_mib:.0f} MiB a process")
        )
    rows.append(("growth: five times the tickets take", len(large), f"{seconds[1] / seconds[0]:.2f} × the time"))
    return rows


def _latency(some: Sequence[Ticket], bundle: Path | None) -> list[tuple[str, int, str]]:
    triage = Triage.load(bundle)
    appeals = [Appeal(id=str(i), content=ticket.content) for i, ticket in enumerate(some[:1000])]
    found = latency(lambda i: triage.decide(appeals[i % len(appeals)]), n=500)
    return [("one warm decision", found.n, f"p50 {found.p50:.1f} ms, p95 {found.p95:.1f} ms")]


def _others(some: Sequence[Ticket]) -> list[tuple[str, int, str]]:
    texts = [ticket.content for ticket in some]
    labels = [ticket.unit or str(len(ticket.content) % 20) for ticket in some]
    rows = [("TF-IDF + linear SVM, unit only", len(texts), f"{svm_speed(texts, labels):.0f}/s")]
    if fasttext_available():
        rows.append(("fastText, unit only", len(texts), f"{fasttext_speed(texts, labels):.0f}/s"))
    return rows


if __name__ == "__main__":
    main()
