"""``triage drift`` and ``triage labels``: what has changed since the models were trained, and what people have decided."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from triage.commands.bundles import opened_shelf
from triage.commands.stores import Data, cells, group, show, table

if TYPE_CHECKING:
    from triage.casework.learning.drift import Drift
    from triage.casework.learning.precision import Share

labels = group("人工处理结果：件数、导出 / What people decided: counts, export.")

_SHOWN = 20
_VERDICTS = {"falling": "明显下降", "watched": "留意", "steady": "平稳", "unknown": "件数不足"}

Days = Annotated[int, typer.Option(min=1, max=3650, help="最近多少天 / How far back.")]


def drift(
    days: Annotated[int, typer.Option(min=1, max=92, help="近期天数 / Days of the recent time.")] = 7,
    before: Annotated[int, typer.Option(min=1, max=368, help="对照期天数 / Days of the time before.")] = 56,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="写出 JSON / Write the report as JSON.", show_default=False)
    ] = None,
    data: Data = None,
) -> None:
    """数据变化报告：新词、各单位建议准确率、新单位 / What has changed: words, precision per unit, units."""
    from triage.casework.learning import drift as reports
    from triage.store.access import SYSTEM

    with opened_shelf(data) as shelf:
        found = reports.drift(shelf.desk, SYSTEM, days=days, before=before)
    if output is not None:
        _write(output, found)
    _show(found)


@labels.command("count")
def count_command(days: Days = 730, data: Data = None) -> None:
    """统计可供学习的人工处理结果 / Count the labelled rows."""
    from datetime import timedelta

    from triage.casework.learning.labels import counts
    from triage.store.access import SYSTEM

    with opened_shelf(data) as shelf:
        found = counts(shelf.desk, SYSTEM, span=timedelta(days=days))
    rows = table("人工处理", "件数")
    for name, number in (
        ("建议单位正确", found.confirmed),
        ("改派其他单位", found.corrected),
        ("退单后尚未另派", found.returned),
        ("判为同一事件（对）", found.same),
        ("判为不同事件（对）", found.apart),
        ("预警属实", found.warnings),
        ("预警误报", found.false_alarms),
    ):
        rows.add_row(*cells(name, f"{number:,}"))
    show(rows)


@labels.command("export")
def export_command(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="JSON Lines，脱敏 / Masked.", show_default=False)],
    kind: Annotated[str, typer.Option(help="unit 承办单位、pair 是否同一事件、risk 预警是否属实")] = "unit",
    days: Days = 730,
    data: Data = None,
) -> None:
    """导出人工处理结果，unit 类可直接用于 triage train / Export labelled rows; those of units fit ``triage train``."""
    from datetime import timedelta

    from triage.casework.learning.labels import KINDS, export
    from triage.errors import InputError
    from triage.store.access import SYSTEM

    if kind not in KINDS:
        raise InputError(f"--kind 应为 {'、'.join(KINDS)} 之一")
    with opened_shelf(data) as shelf:
        written = export(shelf.desk, SYSTEM, path, kind=kind, span=timedelta(days=days))
    typer.echo(f"已导出 {written:,} 条到 {path}")


def _write(path: Path, found: Drift) -> None:
    from dataclasses import asdict

    from triage.io.atomic import AtomicFile

    file = AtomicFile(path)
    try:
        file.open().write(json.dumps(asdict(found), ensure_ascii=False, indent=2, default=str).encode())
        file.commit()
    finally:
        file.abort()


def _show(found: Drift) -> None:
    sure = "" if found.confidence is None else f"；模型自评 {found.confidence:.1%}"
    typer.echo(f"现用模型 {found.bundle}，其后又有人工派单 {found.labels_since:,} 件")
    typer.echo(f"首选准确率：近期 {_share(found.now)}，此前 {_share(found.before)}{sure}")
    typer.echo(f"预警属实：{_share(found.warnings)}；人工判定为同一事件：{_share(found.links)}")
    changes = table("单位", "近期", "此前", "判断")
    for change in found.units[:_SHOWN]:
        changes.add_row(*cells(change.unit, _share(change.now), _share(change.before), _VERDICTS[change.verdict]))
    show(changes)
    if found.words:
        words = table("新增高频词", "近期件数", "此前件数", "增长倍数")
        for word in found.words[:_SHOWN]:
            words.add_row(*cells(word.word, word.now, word.before, word.growth))
        show(words)
    if found.new_units:
        fresh = table("新单位", "列入名录", "人工派单", "模型学过")
        for unit in found.new_units[:_SHOWN]:
            fresh.add_row(*cells(unit.name, unit.since, unit.taught, "是" if unit.known else "否"))
        show(fresh)
    for line in found.advice or ("未见需要处理的变化",):
        typer.echo(line)


def _share(share: Share) -> str:
    if share.share is None:
        return "—"
    return f"{share.share:.1%}（{share.low:.0%}–{share.high:.0%}，{share.n} 件）"
