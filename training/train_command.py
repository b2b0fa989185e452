"""What `triage train` does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from rich.console import Console

from models.abstention import coverage_at
from models.bundle import load_bundle
from models.calibration import expected_calibration_error
from training.card import local_card
from training.config import CONFIGS, LocalRecipe, load_recipe
from training.evaluate import evaluate
from training.evaluate_command import write_metrics
from training.local import save_local, train_local
from training.local_stack import Ticket
from training.tables import print_figures
from triage.base_model import base_bundle_path, base_model_from
from triage.commands.columns import parse_columns
from triage.commands.progress import ConsoleWatch
from triage.commands.terminal import make_screen
from triage.directory import Directory
from triage.document import read_document
from triage.errors import InputError
from triage.io.readers import read_rows
from triage.routing.local import LocalModel
from triage.service import Triage


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainOptions:
    """The options of the command, one field each."""

    tickets: Path
    output: Path
    label: str
    units: Path | None
    dev: Path | None
    strip: bool
    titles: bool
    columns: tuple[str, ...]
    config: Path | None


def run_train(options: TrainOptions) -> None:
    """Train, write the bundle, and print what it can do."""
    screen, errors = make_screen(), Console(stderr=True, highlight=False)
    recipe = load_recipe(options.config or CONFIGS / "local.toml", LocalRecipe)
    columns = parse_columns(options.columns)
    directory = Directory.load(options.units) if options.units else None
    with ConsoleWatch(errors) as watch:
        tickets = _tickets(options, columns, directory)
        model = train_local(
            tickets,
            directory,
            recipe=recipe,
            label=options.label,
            strip=options.strip,
            base=base_model_from(load_bundle(base_bundle_path())),
            progress=watch("训练步骤"),
        )
    figures: dict[str, Any] = {"held_out": _held_out_figures(model), "tickets": len(tickets), "titles": options.titles}
    name = f"{options.output.name}-{options.label}"
    save_local(model, options.output, name=name, tickets=tickets, metrics=figures, card=local_card)
    if options.dev is not None:
        triage = Triage.load(options.output, units=options.units)
        figures["dev"] = evaluate(options.dev, triage, label=options.label, columns=columns)
        save_local(model, options.output, name=name, tickets=tickets, metrics=figures, card=local_card)
        print_figures(screen, figures["dev"])
    held_out = figures["held_out"]
    screen.print(
        f"用 {len(tickets):,} 件工单训练；留出的 {held_out['n']:,} 件上首选正确率 {held_out['top1']:.4f}，"
        f"95% 准确率下可覆盖 {held_out['coverage95']:.1%}"
    )
    write_metrics(options.output.parent / f"{options.output.name}.metrics.json", figures)
    screen.print(f"模型包已写入 {options.output}")


def _tickets(options: TrainOptions, columns: Mapping[str, str], directory: Directory | None) -> list[Ticket]:
    """Read the labelled rows; a unit's alias counts as the unit."""
    found = list(_labelled(options, columns))
    if not found:
        raise InputError(f"{options.tickets}：没有带答案的行；请确认答案列名（--label {options.label}）")
    if directory is None or options.label != "unit":
        return found
    return [
        replace(ticket, answer=unit.name) if (unit := directory.get(ticket.answer)) is not None else ticket
        for ticket in found
    ]


def _labelled(options: TrainOptions, columns: Mapping[str, str]) -> Iterator[Ticket]:
    for row in read_rows(options.tickets, columns=columns):
        answer = row.text(options.label).strip()
        if answer:
            appeal = row.appeal if options.titles else replace(row.appeal, title="")
            yield Ticket(read_document(appeal, strip=options.strip), answer)


def _held_out_figures(model: LocalModel) -> dict[str, Any]:
    record = model.held_out
    threshold = record.threshold(0.95)
    sure = record.confidence >= threshold
    return {
        "n": len(record.correct),
        "top1": round(float(record.correct.mean()), 4),
        "coverage95": round(coverage_at(record.confidence, record.correct, 0.95), 4),
        "threshold95": round(threshold, 4),
        "automatic95": round(float(sure.mean()), 4),
        "calibration_error": round(expected_calibration_error(record.confidence, record.correct), 4),
    }
