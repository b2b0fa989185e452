"""What `triage train` does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
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
from training.from_store import Course, learn, save
from training.local import save_local, train_local
from training.local_stack import Ticket
from training.tables import print_figures
from triage.base_model import base_bundle_path, base_model_from
from triage.casework import bundles
from triage.casework.learning.labels import Lessons, lessons
from triage.commands.bundles import opened_shelf, show_comparison
from triage.commands.columns import parse_columns
from triage.commands.progress import ConsoleWatch
from triage.commands.terminal import make_screen
from triage.directory import Directory
from triage.document import read_document
from triage.errors import InputError
from triage.io.readers import read_rows
from triage.routing.local import UNIT, LocalModel
from triage.second_opinion import load_shipped_encoder
from triage.service import Triage
from triage.store.access import SYSTEM


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainOptions:
    """The options of the command, one field each."""

    tickets: Path | None
    output: Path
    label: str
    units: Path | None
    dev: Path | None
    strip: bool
    titles: bool
    columns: tuple[str, ...]
    config: Path | None
    from_store: bool = False
    data: Path | None = None
    days: int = 730
    promote: bool = False
    encoder: bool = True


def run_train(options: TrainOptions) -> None:
    """Train, write the bundle, and print what it can do.

    Raises:
        InputError: Options contradict each other, or there is too little to learn from.
    """
    if options.from_store:
        _train_from_store(options)
        return
    if options.tickets is None:
        raise InputError("请给出历史工单文件，或用 --from-store 从数据库学习")
    if options.promote:
        raise InputError("--promote 只与 --from-store 一起使用；文件训练的模型请用 triage bundle upload")
    screen, errors = make_screen(), Console(stderr=True, highlight=False)
    recipe = load_recipe(options.config or CONFIGS / "local.toml", LocalRecipe)
    columns = parse_columns(options.columns)
    directory = Directory.load(options.units) if options.units else None
    shipped = load_shipped_encoder() if options.encoder else None
    with ConsoleWatch(errors) as watch:
        tickets = _tickets(options, columns, directory)
        model = train_local(
            tickets,
            directory,
            recipe=recipe,
            label=options.label,
            strip=options.strip,
            base=base_model_from(load_bundle(base_bundle_path())),
            encoder=shipped.encoder if shipped else None,
            progress=watch("训练步骤"),
        )
    figures: dict[str, Any] = {"held_out": _held_out_figures(model), "tickets": len(tickets), "titles": options.titles}
    name = f"{options.output.name}-{options.label}"
    save_local(model, options.output, name=name, tickets=tickets, metrics=figures, card=local_card)
    if options.dev is not None:
        triage = Triage.load(options.output, units=options.units, encoder=options.encoder)
        figures["dev"] = evaluate(options.dev, triage, label=options.label, columns=columns)
        save_local(model, options.output, name=name, tickets=tickets, metrics=figures, card=local_card)
        print_figures(screen, figures["dev"])
    _show_held_out(screen, len(tickets), figures["held_out"])
    write_metrics(options.output.parent / f"{options.output.name}.metrics.json", figures)
    screen.print(f"模型包已写入 {options.output}")


def _train_from_store(options: TrainOptions) -> None:
    """Learn from what people decided in a store, and from a file of earlier tickets where one is given."""
    if options.label != UNIT or options.units is not None or options.dev is not None:
        raise InputError("--from-store 学习承办单位，名录取自数据库；请去掉 --label、--units、--dev")
    screen, errors = make_screen(), Console(stderr=True, highlight=False)
    columns = parse_columns(options.columns)
    recipe = load_recipe(options.config or CONFIGS / "local.toml", LocalRecipe)
    with opened_shelf(options.data) as shelf:
        found = lessons(shelf.desk, SYSTEM, span=timedelta(days=options.days))
        history = _tickets(options, columns, found.directory) if options.tickets else []
        course = Course(
            recipe=recipe, strip=options.strip, titles=options.titles, history=history, encoder=options.encoder
        )
        with ConsoleWatch(errors) as watch:
            learned = learn(shelf, found, course, progress=watch("训练步骤"))
        held_out = _held_out_figures(learned.model)
        figures = {"held_out": held_out, "tickets": len(learned.tickets), "from_store": len(found.rows)}
        save(learned, options.output, figures=figures)
        screen.print(_told(found, len(history)))
        _show_held_out(screen, len(learned.tickets), held_out)
        if learned.rehearsal is not None:
            show_comparison(learned.rehearsal)
        screen.print(f"模型包已写入 {options.output}")
        if options.promote:
            stored = bundles.upload_folder(shelf, SYSTEM, options.output)
            promotion = bundles.promote(shelf, SYSTEM, stored.id)
            screen.print(f"已启用：{promotion.active}（此前：{promotion.former}）")


def _told(found: Lessons, history: int) -> str:
    parts = [f"读取人工派单 {len(found.rows):,} 件"]
    parts += [f"历史工单 {history:,} 件"] if history else []
    left_out = (("退单后尚未另派", found.without_unit), ("单位已撤销", found.withdrawn), ("已按申请删除", found.erased))
    parts += [f"{why}而未用 {count:,} 件" for why, count in left_out if count]
    return "；".join(parts)


def _show_held_out(screen: Console, tickets: int, held_out: Mapping[str, Any]) -> None:
    screen.print(
        f"用 {tickets:,} 件工单训练；留出的 {held_out['n']:,} 件上首选正确率 {held_out['top1']:.4f}，"
        f"95% 准确率下可覆盖 {held_out['coverage95']:.1%}"
    )


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
    assert options.tickets is not None
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
