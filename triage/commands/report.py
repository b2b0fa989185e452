"""``triage report``: a day, week, month or quarter as Word, web page, workbook or PDF, from the store or from a file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from triage.commands.columns import parse_columns
from triage.commands.stores import Data
from triage.commands.terminal import one_thread_each

if TYPE_CHECKING:
    from datetime import datetime

    from triage.reports.content import Report
    from triage.reports.material import Request
    from triage.reports.period import Period


def report(
    outputs: Annotated[
        list[Path],
        typer.Option(
            "-o",
            "--output",
            metavar="F",
            help="报告文件，按扩展名决定格式：docx、html、xlsx、pdf；可重复 / Format by suffix; may be repeated.",
            show_default=False,
        ),
    ],
    day: Annotated[str, typer.Option(metavar="2019-09-02", help="日报 / Of a day.", show_default=False)] = "",
    week: Annotated[str, typer.Option(metavar="2019-W36", help="周报 / Of an ISO week.", show_default=False)] = "",
    month: Annotated[str, typer.Option(metavar="2019-09", help="月报 / Of a month.", show_default=False)] = "",
    quarter: Annotated[str, typer.Option(metavar="2019-Q3", help="季报 / Of a quarter.", show_default=False)] = "",
    area: Annotated[str, typer.Option(help="只统计该区县 / Only this district.", show_default=False)] = "",
    source: Annotated[
        Path | None,
        typer.Option(
            "--input",
            metavar="FILE",
            help="直接由诉求文件生成，不用数据目录：csv、xlsx、jsonl / Straight from a file of appeals.",
            show_default=False,
        ),
    ] = None,
    units: Annotated[
        Path | None, typer.Option(help="单位名录，用于 --input / List of units, with --input.", show_default=False)
    ] = None,
    bundle: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="模型文件夹，用于 --input / Model bundle, with --input.", show_default=False),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=列名",
            help="指定列，用于 --input；可重复 / Map a column, with --input; may be repeated.",
            show_default=False,
        ),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1, max=256, help="进程数，用于 --input，默认为可用核数 / Processes, with --input.", show_default=False
        ),
    ] = None,
    data: Data = None,
    template: Annotated[
        Path | None,
        typer.Option(metavar="DOCX", help="本单位的 Word 模板 / The office's own Word template.", show_default=False),
    ] = None,
    office: Annotated[
        str,
        typer.Option(
            help="编制单位，默认取环境变量 TRIAGE_OFFICE / Who issues it; default: TRIAGE_OFFICE.", show_default=False
        ),
    ] = "",
    top: Annotated[
        int | None,
        typer.Option(min=1, max=50, help="列出的事件和主题数 / Events and themes listed.", show_default=False),
    ] = None,
    made: Annotated[
        str,
        typer.Option(
            metavar="TIME", help="成文时间，默认现在 / When it is made, e.g. 2019-09-09 08:00.", show_default=False
        ),
    ] = "",
) -> None:
    """生成日报、周报、月报、季报 / Make a report of a day, week, month or quarter."""
    one_thread_each()
    from triage.reports.material import Request

    request = Request(
        period=_period(day=day, week=week, month=month, quarter=quarter),
        made_at=_moment(made),
        area=area.strip(),
        office=office.strip() or os.environ.get("TRIAGE_OFFICE", "").strip(),
        top=top,
    )
    _check(outputs, source=source, data=data, template=template)
    if source is not None:
        found = _from_file(source, request, units=units, bundle=bundle, column=column or [], workers=workers)
    else:
        found = _from_store(data, request)
    _write(found, outputs, template)


def _period(**given: str) -> Period:
    """Read the one period that was asked for.

    Raises:
        InputError: There is none, or more than one.
        PeriodError: It cannot be read.
    """
    from triage.errors import InputError
    from triage.reports.period import Kind, parse

    wanted = {kind: code for kind, code in given.items() if code.strip()}
    if len(wanted) != 1:
        msg = "请用 --day、--week、--month、--quarter 之一指定周期，例如 --week 2019-W36"
        raise InputError(msg)
    ((kind, code),) = wanted.items()
    return parse(code, Kind(kind))


def _moment(text: str) -> datetime:
    from datetime import UTC, datetime

    from triage.errors import InputError
    from triage.io.times import parse_time

    if not text.strip():
        return datetime.now(UTC)
    found = parse_time(text)
    if found is None:
        raise InputError("无法识别 --made 的时间；请写成 2019-09-09 08:00")
    return found


def _check(outputs: list[Path], *, source: Path | None, data: Path | None, template: Path | None) -> None:
    """Refuse before any work what would fail at its end.

    Raises:
        InputError: The choices contradict each other, or a file is missing.
        OutputError: A suffix is unknown, or two outputs are one file.
    """
    from triage.errors import InputError, OutputError
    from triage.reports.formats import FORMATS

    if source is not None and data is not None:
        raise InputError("--input 与 --data 只能用一个：前者直接读文件，后者读已登记的诉求")
    for path in outputs:
        if path.suffix.lower() not in FORMATS:
            raise OutputError(f"{path.name} 的扩展名不是报告格式；可用 {'、'.join(FORMATS)}")
    if len({path.resolve() for path in outputs}) < len(outputs):
        raise OutputError("同一个输出文件写了两次；请去掉重复的 -o")
    if source is not None and source.resolve() in {path.resolve() for path in outputs}:
        raise OutputError(f"输出文件和输入文件 {source.name} 是同一个文件；请换一个输出文件")
    for file in (template, source):
        if file is not None and not file.is_file():
            raise InputError(f"{file} 不存在或不是文件；请检查路径")


def _from_file(
    source: Path, request: Request, *, units: Path | None, bundle: Path | None, column: list[str], workers: int | None
) -> Report:
    from rich.console import Console

    from triage.commands.progress import ConsoleWatch
    from triage.pipeline.engine import load_engine
    from triage.pipeline.options import Engine
    from triage.reports.build import build
    from triage.reports.gather_file import FileOptions, gather
    from triage.rules import CityRules

    def load() -> Engine:
        rules = CityRules.read(os.environ)
        return load_engine(bundle, units=units, precision=0.95, strip=None, rules=rules)

    options = FileOptions(source=source, columns=parse_columns(column), workers=workers)
    watch = ConsoleWatch(Console(stderr=True, highlight=False))
    with watch:
        return build(gather(options, request, load=load, watch=watch), request)


def _from_store(data: Path | None, request: Request) -> Report:
    from triage.casework.reports import make
    from triage.commands.stores import opened
    from triage.events import WordCutter
    from triage.store.access import SYSTEM

    with opened(data) as store:
        return make(store.database, SYSTEM, request, words=WordCutter())


def _write(found: Report, outputs: list[Path], template: Path | None) -> None:
    from triage.commands.terminal import make_screen, printable
    from triage.reports.documents import write

    for path in outputs:
        write(found, path, template=template if path.suffix.lower() == ".docx" else None)
    screen = make_screen()
    for line in (f"{found.title}（{found.period.name}）", *found.summary):
        screen.print(printable(line), soft_wrap=True, markup=False)
    names = "、".join(str(path) for path in outputs)
    screen.print(f"已写出 {printable(names)}", soft_wrap=True, markup=False)
