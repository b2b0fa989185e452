"""Tickets to measure on: the real ones where they lie beside the checkout, else varied samples."""

from __future__ import annotations

import csv
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from triage.io.readers import read_rows
from triage.samples import sample_path

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data" / "haikou12345"
HEADER = ("工单编号", "时间", "诉求内容", "承办单位")


@dataclass(frozen=True, slots=True)
class Ticket:
    """One ticket of the benchmark."""

    time: str
    content: str
    unit: str


def tickets(count: int, *, seed: int = 0) -> list[Ticket]:
    """Return ``count`` different tickets: real ones first, then variations of them with other places and numbers."""
    base = list(_real()) if SHARED.is_dir() else list(_samples())
    dice = random.Random(seed)
    found = base[:count]
    while len(found) < count:
        one, other = dice.choice(base), dice.choice(base)
        found.append(Ticket(one.time, _crossed(one.content, other.content, dice), one.unit))
    return found


def write_csv(path: Path, rows: Sequence[Ticket]) -> None:
    """Write tickets as a hotline exports them."""
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER)
        writer.writerows((f"B{i:07d}", row.time, row.content, row.unit) for i, row in enumerate(rows))


def source() -> str:
    """Say what is measured on."""
    return "real hotline tickets" if SHARED.is_dir() else "variations of the shipped samples"


def _crossed(text: str, other: str, dice: random.Random) -> str:
    """Join the beginning of one ticket with the end of another, so that no two lines are alike."""
    cut = dice.randrange(len(text) // 3, len(text) + 1)
    return f"{text[:cut]}{dice.randrange(1, 400)}号附近，{other[len(other) // 2 :]}"


def _real() -> Iterator[Ticket]:
    for name in ("tickets_train.csv", "tickets_dev.csv"):
        for row in read_rows(SHARED / name):
            yield Ticket(row.text("created_at"), row.appeal.content, row.text("unit"))


def _samples() -> Iterator[Ticket]:
    for row in read_rows(sample_path("appeals.csv")):
        yield Ticket(row.text("created_at"), row.appeal.content, "")
