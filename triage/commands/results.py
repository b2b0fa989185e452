"""What a run did, for the person at the screen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from triage.commands.terminal import printable
from triage.pipeline.options import RunReport, Shown

LARGE = 1000
"""Above so many decisions no table is shown; it would be a small, arbitrary part."""

_STYLES = {"红": "bold red", "橙": "dark_orange", "黄": "yellow", "蓝": "blue"}
_DECISIONS = {"auto": "自动派单", "review": "人工审核"}
_COLOURS = ("红", "橙", "黄", "蓝", "无")
_HEADERS = ("编号", "诉求", "建议单位", "概率", "处置", "类别", "风险", "事件")


def print_decisions(console: Console, report: RunReport) -> None:
    """Print the first decisions as a table."""
    if not report.shown or report.decided > LARGE:
        return
    table = Table(title="研判结果", title_justify="left", header_style="bold")
    for header in _HEADERS:
        right = header in {"概率", "事件"}
        table.add_column(
            header, justify="right" if right else "left", no_wrap=header in {"编号", "概率", "处置", "风险"}
        )
    if not any(shown.record["unit"]["candidates"] for shown in report.shown):
        table.columns[2].header = "建议职能"
    for shown in report.shown:
        table.add_row(*_cells(shown))
    console.print(table)
    if report.decided > len(report.shown):
        console.print(f"其余 {report.decided - len(report.shown):,} 件见输出文件")


def print_summary(console: Console, report: RunReport, *, outputs: Sequence[Path], rejects: Path) -> None:
    """Print the figures of a run."""
    for line in summary_lines(report, outputs=outputs, rejects=rejects):
        console.print(Text(line), soft_wrap=True)


def summary_lines(report: RunReport, *, outputs: Sequence[Path], rejects: Path) -> list[str]:
    """Return the summary, line by line, in Chinese."""
    resumed = f"（其中 {report.resumed:,} 行为上次完成）" if report.resumed else ""
    lines = [f"读入 {report.read:,} 行{resumed}，研判 {report.decided:,} 行，退回 {report.rejected:,} 行"]
    if report.rejected:
        lines += [f"  {printable(reason)}" for reason in report.reasons]
        more = report.rejected - len(report.reasons)
        lines += [f"  ……另有 {more:,} 行"] if more > 0 else []
        lines.append(f"  退回清单：{printable(str(rejects))}")
    lines += [f"  注意：{warning}：{count:,} 行" for warning, count in sorted(report.warnings.items())]
    if not report.decided:
        return [*lines, "没有可研判的诉求，未写出结果"]
    risk = "  ".join(f"{colour} {report.risk.get(colour, 0):,}" for colour in _COLOURS)
    lines += [
        f"自动派单 {report.auto:,} 件（{report.auto / report.decided:.1%}），其余人工审核",
        f"风险：{risk}",
        f"同一事件 2 件以上：{report.events:,} 个事件，涉及 {report.linked:,} 件",
        f"用时 {report.seconds:,.1f} 秒，每秒 {report.rate:,.0f} 件",
    ]
    return lines + [f"结果：{printable(str(path))}" for path in outputs]


def _cells(shown: Shown) -> list[Text]:
    record = shown.record
    candidates = record["unit"]["candidates"] or record["function"]["candidates"]
    category = record["category"]["candidates"]
    colour, size = record["risk"]["color"], record["event"]["size"]
    return [
        Text(printable(record["id"])),
        Text(printable(shown.label)),
        Text(printable(candidates[0]["name"]) if candidates else "—"),
        Text(f"{candidates[0]['probability']:.0%}" if candidates else ""),
        Text(_DECISIONS.get(record["unit"]["decision"], record["unit"]["decision"])),
        Text(_category(category[0]) if category else ""),
        Text(f"● {colour}" if colour in _STYLES else colour, style=_STYLES.get(colour, "dim")),
        Text(f"{size}件" if size > 1 else ""),
    ]


def _category(candidate: Mapping[str, Any]) -> str:
    return printable(f"{candidate['l1']}/{candidate['l2']}")
