"""What `triage evaluate` does."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from training.baselines import FastTextBaseline, SvmBaseline, baseline_rankings, fasttext_available
from training.evaluate import evaluate
from training.tables import print_figures
from triage.commands.columns import parse_columns
from triage.commands.progress import ConsoleWatch
from triage.commands.terminal import make_screen
from triage.document import read_document
from triage.errors import OutputError
from triage.io.readers import read_rows
from triage.service import Triage


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluateOptions:
    """The options of the command, one field each."""

    file: Path
    bundle: Path | None
    label: str
    units: Path | None
    events: Path | None
    baseline: Path | None
    precision: float
    strip: bool | None
    columns: tuple[str, ...]
    output: Path
    encoder: bool = True


def run_evaluate(options: EvaluateOptions) -> None:
    """Evaluate, print the tables and write the metrics file."""
    screen, errors = make_screen(), Console(stderr=True, highlight=False)
    columns = parse_columns(options.columns)
    triage = Triage.load(
        options.bundle,
        units=options.units,
        precision=options.precision,
        strip=options.strip,
        encoder=options.encoder,
    )
    with ConsoleWatch(errors) as watch:
        figures = evaluate(
            options.file,
            triage,
            label=options.label,
            columns=columns,
            events=options.events,
            progress=watch("评测"),
        )
    if options.baseline is not None:
        errors.print("正在训练对照模型（TF-IDF+SVM、fastText）……")
        figures |= baseline_figures(
            options.baseline, options.file, label=options.label, columns=columns, strip=triage.settings.strip
        )
        if not fasttext_available():
            errors.print("未安装 fastText，跳过；可用 pip install 'citizen-appeal-triage[bench]' 安装")
    print_figures(screen, figures)
    write_metrics(options.output, figures)
    screen.print(f"指标已写入 {options.output}")


def baseline_figures(train: Path, dev: Path, *, label: str, columns: Mapping[str, str], strip: bool) -> dict[str, Any]:
    """Train the baselines on one file and judge them on another; the texts are prepared as for our own model."""
    texts, labels = _texts(train, label, columns, strip=strip)
    dev_texts, dev_labels = _texts(dev, label, columns, strip=strip)
    figures = {"svm": baseline_rankings(SvmBaseline(texts, labels), dev_texts, dev_labels).to_record()}
    if fasttext_available():
        figures["fasttext"] = baseline_rankings(FastTextBaseline(texts, labels), dev_texts, dev_labels).to_record()
    return figures


def write_metrics(path: Path, figures: Mapping[str, Any]) -> None:
    """Write the figures as JSON.

    Raises:
        OutputError: If the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(figures, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise OutputError(f"指标文件 {path} 无法写入：{error.strerror}；请用 -o 另选位置") from error


def _texts(path: Path, label: str, columns: Mapping[str, str], *, strip: bool) -> tuple[list[str], list[str]]:
    rows = [row for row in read_rows(path, columns=columns) if row.text(label)]
    return [read_document(row.appeal, strip=strip).text for row in rows], [row.text(label) for row in rows]
