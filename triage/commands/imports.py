"""``triage import``: a file of appeals into the store."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from triage.commands.columns import parse_columns
from triage.commands.stores import Data
from triage.commands.terminal import one_thread_each

if TYPE_CHECKING:
    from collections.abc import Iterator

    from triage.casework.desk import Desk
    from triage.casework.importing import Import, ImportOptions, ImportReport
    from triage.casework.summary import Summary
    from triage.store.opening import Store

_INTERRUPTED = 130
_STATES = {"waiting": "待派单", "assigned": "已派单", "closed": "已办结", "joined": "并入工单"}


def import_appeals(
    source: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="诉求文件：csv、xlsx、jsonl / Appeals: csv, xlsx or jsonl.", show_default=False
        ),
    ],
    data: Data = None,
    units: Annotated[
        Path | None,
        typer.Option(
            help="单位名录 csv 或 xlsx，导入并启用 / The city's list of units; becomes the valid one.",
            show_default=False,
        ),
    ] = None,
    channel: Annotated[
        str,
        typer.Option(
            help="渠道，用于未注明渠道的行，并按其列名、编号写法读取 / Channel of rows that name none; its columns and numbers.",
            show_default=False,
        ),
    ] = "",
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=COLUMN",
            help="列对应，如 content=诉求描述；可重复 / Column mapping; may be repeated.",
            show_default=False,
        ),
    ] = None,
    rejects: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="退回清单，默认在诉求文件旁 / Rows that cannot be used; default: beside the file.",
            show_default=False,
        ),
    ] = None,
    summary: Annotated[
        bool, typer.Option("--summary", help="最后列出库中概况 / Show what the store holds at the end.")
    ] = False,
) -> None:
    """把诉求文件登记入库，已登记的行自动跳过 / Import a file of appeals; rows that are stored already are passed over."""
    one_thread_each()
    from triage.casework.importing import ImportOptions
    from triage.store.opening import open_store
    from triage.store.settings import StoreSettings

    options = ImportOptions(
        source=source,
        rejects=rejects or source.with_name(f"{source.stem}.rejects.csv"),
        channel=channel,
        columns=parse_columns(column or []),
    )
    if not source.is_file():
        from triage.errors import InputError

        raise InputError(f"{source} 不存在或不是文件；请检查路径")
    with open_store(StoreSettings.read(os.environ, data=data), join=True) as store, _cache(store) as cache:
        desk = _desk(store, units, cache)
        report = _run(desk, options)
        _print(report, options.rejects)
        if summary:
            _print_summary(desk)
    raise typer.Exit(report.exit_status)


@contextmanager
def _cache(store: Store) -> Iterator[Path]:
    """Give a folder for what can be made again: in the data folder, else a temporary one."""
    import tempfile

    if store.data is None:
        with tempfile.TemporaryDirectory(prefix="triage-cache-") as folder:
            yield Path(folder)
        return
    cache = store.data / "cache"
    cache.mkdir(mode=0o700, exist_ok=True)
    yield cache


def _desk(store: Store, units: Path | None, cache: Path) -> Desk:
    from triage.casework.bundle_watch import BundleLoader
    from triage.casework.channels import ChannelBook
    from triage.casework.desk import open_desk
    from triage.casework.dispatch_policy import OFF, Policy
    from triage.casework.unit_lists import import_units
    from triage.events import WordCutter
    from triage.rules.book import CityRules, rules_folder
    from triage.store.access import SYSTEM

    folder = rules_folder(os.environ)
    rules = CityRules.read(os.environ)
    words = WordCutter(cache)
    loader = BundleLoader(store.database, cache / "bundles", words=words, rules=rules)
    desk = open_desk(
        store.database,
        loader.present().active,
        secret=store.secret,
        # A file holds old tickets, whose units have had them long ago: nothing of it is dispatched or compared.
        dispatch=Policy(mode=OFF),
        words=words,
        rules=rules,
        channels=ChannelBook.of_city(folder),
    )
    if units is not None:
        import_units(desk, SYSTEM, units)
        desk.current.replace(loader.with_units(desk.current()))
    desk.rarity.load(store.database)
    return desk


def _run(desk: Desk, options: ImportOptions) -> ImportReport:
    from rich.console import Console

    from models.errors import TriageError
    from triage.casework.importing import Import
    from triage.commands.progress import ConsoleWatch
    from triage.store.access import SYSTEM

    work = Import(desk, SYSTEM, options)
    watch = ConsoleWatch(Console(stderr=True, highlight=False))
    try:
        with watch:
            return work.run(progress=watch("登记入库"))
    except KeyboardInterrupt as error:
        typer.echo(f"已中断。{_kept(work)}", err=True)
        raise typer.Exit(_INTERRUPTED) from error
    except TriageError:
        typer.echo(_kept(work), err=True)
        raise


def _kept(work: Import) -> str:
    return f"已登记 {work.recorded:,} 行；用同样的命令可从这里继续，已登记的行会跳过"


def _print(report: ImportReport, rejects: Path) -> None:
    from triage.commands.terminal import make_screen, printable

    screen = make_screen()
    lines = [
        f"读入 {report.read:,} 行，登记 {report.recorded:,} 行，已在库中 {report.known:,} 行，退回 {report.rejected:,} 行"
    ]
    lines += [f"  {printable(reason)}" for reason in report.reasons]
    if report.rejected:
        lines.append(f"  退回清单：{printable(str(rejects))}")
    lines += [f"  注意：{warning}：{count:,} 行" for warning, count in sorted(report.warnings.items())]
    rate = report.recorded / report.seconds if report.seconds > 0 else 0.0
    lines.append(f"登记用时 {report.seconds:,.1f} 秒，每秒 {rate:,.0f} 件")
    for line in lines:
        screen.print(line, soft_wrap=True, markup=False)


def _print_summary(desk: Desk) -> None:
    from triage.casework.summary import summarise
    from triage.commands.terminal import make_screen
    from triage.store.access import SYSTEM

    screen = make_screen()
    for name, value in _summary(summarise(desk, SYSTEM)):
        screen.print(f"{name}：{value}", soft_wrap=True, markup=False)


def _summary(found: Summary) -> list[tuple[str, str]]:
    from triage.commands.terminal import printable
    from triage.rules import color

    states = "  ".join(f"{_STATES[name]} {count:,}" for name, count in found.states.items())
    risks = "  ".join(f"{color(level)} {found.risks[level]:,}" for level in range(4, -1, -1))
    units = "  ".join(f"{printable(name) or '—'} {count:,}" for name, count in found.units.items())
    return [
        ("库中诉求", f"{found.total:,} 件（{states}）"),
        ("风险", risks),
        ("同一事件 2 件以上", f"{found.events:,} 个事件，涉及 {found.linked:,} 件"),
        ("建议单位前列", units),
    ]
