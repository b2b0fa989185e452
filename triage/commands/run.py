"""``triage run``: a file of appeals in, a file of decisions out."""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from triage.commands.columns import parse_columns
from triage.commands.terminal import one_thread_each

if TYPE_CHECKING:
    from collections.abc import Callable

    from triage.pipeline.options import BatchOptions, Engine

_INTERRUPTED = 130


class Instructions(StrEnum):
    """What happens to call-takers' instructions such as 请交警核实处理, which often name the answer."""

    KEEP = "keep"
    STRIP = "strip"


def run(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="INPUT", help="诉求文件：csv、xlsx、jsonl / Appeals: csv, xlsx or jsonl.", show_default=False
        ),
    ],
    outputs: Annotated[
        list[Path],
        typer.Option(
            "-o",
            "--output",
            metavar="OUT",
            help="结果文件，按扩展名决定格式：csv、xlsx、jsonl；可重复 / Result, format by suffix; may be repeated.",
            show_default=False,
        ),
    ],
    units: Annotated[
        Path | None,
        typer.Option(help="单位名录 csv 或 xlsx / The city's list of units.", show_default=False),
    ] = None,
    bundle: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="模型文件夹，默认用自带模型 / Model bundle; default: the shipped one.",
            show_default=False,
        ),
    ] = None,
    precision: Annotated[
        float,
        typer.Option(min=0.5, max=0.999, help="自动派单须达到的准确率 / Precision an automatic dispatch must reach."),
    ] = 0.95,
    resume: Annotated[bool, typer.Option("--resume", help="从上次中断处继续 / Continue an interrupted run.")] = False,
    rejects: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="退回清单 csv，默认与结果同目录 / Rejected rows; default: OUT's folder, <OUT>.rejects.csv.",
            show_default=False,
        ),
    ] = None,
    instructions: Annotated[
        Instructions | None,
        typer.Option(
            help="受理员批示保留或去除，默认随模型 / Keep or strip call-takers' instructions; default: as the bundle.",
            show_default=False,
        ),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=列名",
            help="指定列，如 content=诉求描述；可重复 / Map a column; may be repeated.",
            show_default=False,
        ),
    ] = None,
    encoder: Annotated[
        bool,
        typer.Option(
            help="是否同时用语义编码器：判得更准，但较慢 / Let the encoder read too: better answers, slower.",
        ),
    ] = True,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, max=256, help="进程数，默认为可用核数 / Processes; default: available cores.", show_default=False
        ),
    ] = None,
) -> None:
    """研判一个诉求文件：派单、类别、类型、风险、并单 / Triage a file of appeals."""
    one_thread_each()
    from triage.pipeline.identity import optional_fingerprint, rules_choices
    from triage.pipeline.options import BatchOptions

    options = BatchOptions(
        source=source,
        outputs=tuple(outputs),
        rejects=rejects,
        columns=parse_columns(column or []),
        choices={
            "单位名录": optional_fingerprint(units),
            "--precision": str(precision),
            "--instructions": instructions.value if instructions else "",
            **rules_choices(os.environ),
        },
        resume=resume,
        workers=workers,
    )
    strip = None if instructions is None else instructions is Instructions.STRIP
    _execute(options, _loader(bundle, units=units, precision=precision, strip=strip, encoder=encoder))


def _loader(
    bundle: Path | None, *, units: Path | None, precision: float, strip: bool | None, encoder: bool
) -> Callable[[], Engine]:
    def load() -> Engine:
        from triage.pipeline import engine
        from triage.rules import CityRules

        rules = CityRules.read(os.environ)
        return engine.load_engine(bundle, units=units, precision=precision, strip=strip, rules=rules, encoder=encoder)

    return load


def _execute(options: BatchOptions, load: Callable[[], Engine]) -> None:
    from rich.console import Console

    from models.errors import TriageError
    from triage.commands.progress import ConsoleWatch
    from triage.commands.results import print_decisions, print_summary
    from triage.commands.terminal import make_screen
    from triage.pipeline.batch import BatchRun

    screen, errors = make_screen(), Console(stderr=True, highlight=False)
    watch = ConsoleWatch(errors)
    batch = BatchRun(options, load=load, watch=watch)
    try:
        with watch:
            report = batch.run()
    except KeyboardInterrupt as error:
        typer.echo(f"已中断。{_kept(batch.kept, resume=options.resume)}", err=True)
        raise typer.Exit(_INTERRUPTED) from error
    except TriageError:
        if batch.kept:
            typer.echo(_kept(batch.kept), err=True)
        raise
    print_decisions(screen, report)
    print_summary(screen, report, outputs=options.outputs, rejects=options.rejects_path)
    raise typer.Exit(report.exit_status)


def _kept(rows: int, *, resume: bool = False) -> str:
    if rows:
        return f"已完成的 {rows:,} 行已保存；用同样的命令加 --resume 从这里继续"
    return "上次已完成的行仍保留" if resume else "尚无已完成的行"
