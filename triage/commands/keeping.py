"""``triage audit``, ``triage retention`` and ``triage units``: what is on record, for how long, and who is responsible."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from triage.commands.stores import Data, cells, group, opened, show, table

if TYPE_CHECKING:
    from triage.casework.unit_lists import UnitDiff

audit = group("审计记录：校验 / The audit: verify.")
retention = group("留存期限：匿名、清除 / Retention: anonymise and purge.")
units = group("单位名录：导入、列表 / Units: import, list.")


@audit.callback()
def _audit() -> None:
    pass


@retention.callback()
def _retention() -> None:
    pass


@audit.command("verify")
def verify_command(
    seal: Annotated[
        bool, typer.Option("--seal/--no-seal", help="校验无误后封存链尾 / Seal the end of the chain if it is intact.")
    ] = True,
    data: Data = None,
) -> None:
    """重算审计链，指出第一条不符的记录 / Compute the chain again and name the first row that does not fit."""
    from triage.store import audit as store_audit
    from triage.store.access import EVERYWHERE

    with opened(data) as store:
        path = store.data / store_audit.SEAL_FILE if store.data else None
        with store.database.transaction(EVERYWHERE) as connection:
            report = store_audit.verify(connection, secret=store.secret, seal=path)
            if report.intact and seal and path is not None:
                store_audit.seal(connection, path, secret=store.secret)
    if not report.intact:
        typer.echo(f"审计记录不完整：{report.problem}（核对了 {report.rows:,} 条）", err=True)
        raise typer.Exit(1)
    covered = f"，其中 {report.sealed:,} 条此前已封存" if report.sealed else ""
    typer.echo(f"审计记录完整：{report.rows:,} 条{covered}")
    if path is None:
        typer.echo("未指定 --data，未核对封存，末尾被截去无法发现", err=True)


@retention.command("run")
def run_command(
    anonymise_after: Annotated[
        int | None, typer.Option(help="收到多少天后匿名 / Days until appeals lose the person.", show_default=False)
    ] = None,
    purge_after: Annotated[
        int | None, typer.Option(help="收到多少天后清除 / Days until appeals are deleted.", show_default=False)
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只统计，不改动 / Only count.")] = False,
    data: Data = None,
) -> None:
    """按期限匿名、清除诉求；清除不可恢复 / Anonymise and purge appeals by age; what is purged is gone."""
    from datetime import UTC, datetime

    from rich.console import Console
    from rich.progress import Progress

    from triage.casework import retention as use_case
    from triage.store.access import SYSTEM

    console = Console(stderr=True)
    with opened(data) as store, Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("处理中", total=None)

        def progress(done: int, total: int) -> bool:
            bar.update(task, completed=done, total=total)
            return True

        report = use_case.keep_for(
            store.database,
            SYSTEM,
            now=datetime.now(UTC),
            anonymise_after=anonymise_after,
            purge_after=purge_after,
            dry=dry_run,
            progress=progress,
        )
    word = "将" if report.dry else "已"
    typer.echo(f"{word}匿名 {report.anonymised:,} 件，{word}清除 {report.purged:,} 件")


@units.command("import")
def import_command(
    source: Annotated[
        Path, typer.Argument(metavar="UNITS", help="单位名录 csv 或 xlsx / The list of units.", show_default=False)
    ],
    diff: Annotated[
        bool, typer.Option("--diff/--apply", help="只列差异，不改动 / Only show what would change.")
    ] = False,
    seen: Annotated[
        str | None,
        typer.Option(help="--diff 给出的校验码，其间有变动则不导入 / Code shown by --diff.", show_default=False),
    ] = None,
    data: Data = None,
) -> None:
    """以此名录取代现有名录，旧记录保留 / Make this list the valid one; earlier rows are kept."""
    from datetime import UTC, datetime

    from triage.casework import unit_lists
    from triage.store.access import SYSTEM

    with opened(data) as store:
        if diff:
            _show_diff(unit_lists.diff_units(store.database, SYSTEM, source))
            return
        done = unit_lists.apply_units(store.database, SYSTEM, source, at=datetime.now(UTC), seen=seen)
    typer.echo(f"新增 {done.added}，变更 {done.changed}，撤出 {done.withdrawn}，未变 {done.unchanged}")


_LABELS = {
    "level": "层级", "parent": "上级", "jurisdiction": "辖区", "function": "职能", "duties": "职责", "aliases": "别名",
    "contact": "联系方式", "valid_from": "生效", "valid_to": "失效",
}  # fmt: skip


def _show_diff(found: UnitDiff) -> None:
    changes = found.changes
    new_name = {pair.old: pair.new for pair in changes.renamed}
    rows = table("变动", "单位", "内容")
    for unit in changes.added:
        rows.add_row(*cells("新增", unit.name, f"{unit.level} {unit.function} {unit.jurisdiction}".strip()))
    for change in changes.changed:
        facts = "；".join(f"{_LABELS[one.field]}：{one.old or '无'} → {one.new or '无'}" for one in change.fields)
        rows.add_row(*cells("变更", change.name, facts))
    for unit in changes.withdrawn:
        notes = [f"疑更名为{new_name[unit.name]}"] if unit.name in new_name else []
        notes += [f"尚有{found.open_at[unit.name]}件在办"] if unit.name in found.open_at else []
        rows.add_row(*cells("撤出", unit.name, "；".join(notes)))
    if not changes.none:
        show(rows)
    counts = f"新增 {len(changes.added)}，变更 {len(changes.changed)}，撤出 {len(changes.withdrawn)}，未变 {changes.unchanged}"
    typer.echo(f"{counts}；未改动，导入请去掉 --diff，可加 --seen {found.seen}")


@units.command("list")
def list_command(
    withdrawn: Annotated[bool, typer.Option("--withdrawn", help="含已撤出的记录 / Earlier rows as well.")] = False,
    data: Data = None,
) -> None:
    """列出单位名录 / List units."""
    from triage.store import units as store_units
    from triage.store.access import EVERYWHERE

    with opened(data) as store, store.database.transaction(EVERYWHERE) as connection:
        found = store_units.list_units(connection, withdrawn=withdrawn)
    rows = table("单位", "层级", "职能", "辖区", "联系方式", "生效", "失效", "撤出")
    for listed in found:
        unit = listed.unit
        dates = (unit.valid_from, unit.valid_to, listed.withdrawn_at)
        rows.add_row(*cells(unit.name, unit.level, unit.function, unit.jurisdiction, unit.contact, *dates))
    show(rows)
