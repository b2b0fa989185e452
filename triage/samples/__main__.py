"""``python -m triage.samples FOLDER``: the samples as a city's history, to try training and evaluation on.

Writes ``history.jsonl`` (the first six weeks) and ``new.jsonl`` (the last two): the appeals with their right answers in
the same object, which is what ``triage train`` and ``triage evaluate`` read.
"""

from __future__ import annotations

import argparse
import csv
import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from triage.errors import OutputError
from triage.samples import sample_path

LATER_FROM = "2026-10-19"
"""First day of the last two weeks."""


def labelled() -> Iterator[dict[str, Any]]:
    """Yield each sample appeal with its answers, in time order."""
    with (
        sample_path("appeals.csv").open(encoding="utf-8-sig", newline="") as appeals,
        sample_path("answers.jsonl").open(encoding="utf-8") as answers,
    ):
        for appeal, answer in zip(csv.DictReader(appeals), answers, strict=True):
            yield {**appeal, **json.loads(answer)}


def write_history(folder: Path) -> None:
    """Write the two files.

    Raises:
        OutputError: The folder cannot be written to.
    """
    parts: dict[str, list[str]] = {"history.jsonl": [], "new.jsonl": []}
    for record in labelled():
        name = "new.jsonl" if record["时间"] >= LATER_FROM else "history.jsonl"
        parts[name].append(json.dumps(record, ensure_ascii=False) + "\n")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, lines in parts.items():
            (folder / name).write_text("".join(lines), encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{folder} 无法写入（{error.strerror}）；请检查路径和权限") from error


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the program."""
    parser = argparse.ArgumentParser(prog="python -m triage.samples", description="写出带答案的样例工单")
    parser.add_argument("folder", type=Path, help="写到哪个文件夹")
    write_history(parser.parse_args(arguments).folder)


if __name__ == "__main__":
    main()
