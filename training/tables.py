"""Figures as tables on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

MOST_CLASSES = 25
_PLAIN = ("top1", "top3", "top5", "macro_f1", "coverage95", "coverage90", "calibration_error")
_NAMES = {
    "unit": "承办单位",
    "function": "职能",
    "l1": "一级类别",
    "l2": "二级类别",
    "type": "诉求类型",
    "svm": "对照 TF-IDF+SVM",
    "fasttext": "对照 fastText",
}


def print_figures(screen: Console, figures: Mapping[str, Any]) -> None:
    """Print what `training.evaluate.evaluate` found: rankings, automatic dispatch, risk, events, classes."""
    ranked = {name: part for name, part in figures.items() if isinstance(part, Mapping) and "top1" in part}
    if ranked:
        _print_rankings(screen, ranked)
    for name, part in ranked.items():
        if "auto" in part:
            _print_auto(screen, part["auto"])
            _print_periods(screen, part["periods"])
            _print_classes(screen, _NAMES.get(name, name), part["classes"])
    _print_rest(screen, figures)
    if "events" in figures:
        _print_events(screen, figures["events"])


def _print_rankings(screen: Console, ranked: Mapping[str, Mapping[str, Any]]) -> None:
    table = Table(title="排序指标", title_justify="left")
    table.add_column("项目")
    for heading in ("n", "top-1（95%区间）", "top-3", "top-5", "macro-F1", "95%覆盖", "90%覆盖", "校准误差"):
        table.add_column(heading, justify="right", no_wrap=True)
    for name, part in ranked.items():
        low, high = part["top1_interval"]
        cells = [f"{part[key]:.4f}" for key in _PLAIN]
        cells[0] = f"{part['top1']:.4f}（{low:.3f}–{high:.3f}）"
        table.add_row(_NAMES.get(name, name), f"{part['n']:,}", *cells)
    screen.print(table)


def _print_auto(screen: Console, auto: Mapping[str, Any]) -> None:
    precision = "—" if auto["precision"] is None else f"{auto['precision']:.4f}"
    screen.print(
        f"实际自动派单：{auto['n']:,} 件，占 {auto['coverage']:.1%}，准确率 {precision}（95%下界 {auto['lower_bound']:.4f}，"
        f"门槛按 {auto['target']:.0%} 选定{_apart(auto)}）"
    )


def _apart(auto: Mapping[str, Any]) -> str:
    return "" if auto["precision"] is None else f"，相差 {100 * (auto['precision'] - auto['target']):+.1f} 个百分点"


def _print_periods(screen: Console, found: Sequence[Mapping[str, Any]]) -> None:
    if not found:
        return
    table = Table(title="按时间看：概率与自动派单是否稳定", title_justify="left")
    table.add_column("期间", no_wrap=True)
    for heading in ("n", "top-1（95%区间）", "平均概率", "校准误差", "自动派单", "自动准确率（95%下界）"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in found:
        low, high = row["top1_interval"]
        precision = (
            "—" if row["auto_precision"] is None else f"{row['auto_precision']:.4f}（{row['auto_lower_bound']:.3f}）"
        )
        table.add_row(
            f"{row['start']} 至 {row['end'][5:]}",
            f"{row['n']:,}",
            f"{row['top1']:.4f}（{low:.3f}–{high:.3f}）",
            f"{row['confidence']:.4f}",
            f"{row['calibration_error']:.4f}",
            f"{row['auto']:,}",
            precision,
        )
    screen.print(table)


def _print_classes(screen: Console, name: str, classes: list[Mapping[str, Any]]) -> None:
    table = Table(title=f"分项：{name}（按件数，前 {MOST_CLASSES} 项；全部见指标文件）", title_justify="left")
    table.add_column("名称")
    for heading in ("件数", "预测件数", "精确率", "召回率", "F1"):
        table.add_column(heading, justify="right")
    for row in classes[:MOST_CLASSES]:
        numbers = (f"{row[key]:.3f}" for key in ("precision", "recall", "f1"))
        table.add_row(row["name"], str(row["support"]), str(row["predicted"]), *numbers)
    screen.print(table)


def _print_rest(screen: Console, figures: Mapping[str, Any]) -> None:
    table = Table(title="风险、要素与同事件", title_justify="left")
    table.add_column("指标")
    table.add_column("数值", justify="right")
    table.add_column("n", justify="right")
    for label, keys in _REST:
        value: Any = figures
        for key in keys:
            value = value.get(key) if isinstance(value, Mapping) else None
        if value is not None:
            table.add_row(label, f"{value:.4f}" if isinstance(value, float) else str(value), str(figures[keys[0]]["n"]))
    if table.row_count:
        screen.print(table)


def _print_events(screen: Console, events: Mapping[str, Any]) -> None:
    title = f"同一事件（{events['n']:,} 件；逐件与整批一致 {events['agreement']:.1%}）"
    table = Table(title=title, title_justify="left")
    table.add_column("方式", no_wrap=True)
    for heading in ("配对F1", "不含最大事件：F1", "准确", "召回", "B-cubed F1"):
        table.add_column(heading, justify="right")
    ways = (("整批归并", "batch"), ("逐件到达", "incremental"), ("对照 TF-IDF 平均连接", "tfidf_average_linkage"))
    for label, way in ways:
        part = events[way]
        rest = part["pairs_without_largest"]
        cells = (part["pairs"]["f1"], rest["f1"], rest["precision"], rest["recall"], part["b_cubed"]["f1"])
        table.add_row(label, *(f"{cell:.4f}" for cell in cells))
    screen.print(table)


_REST: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("风险≥3 平均精度", ("risk", "average_precision")),
    ("复核 12% 时风险≥3 召回", ("risk", "recall_at_review")),
    ("风险等级二次加权 kappa", ("risk", "kappa")),
    ("紧急 平均精度", ("emergency", "average_precision")),
    ("风险因素 micro-F1", ("factors", "micro_f1")),
    ("风险依据与标注重合", ("evidence", "overlap")),
    ("依据位置不准的条数", ("evidence", "inexact")),
)
