"""``triage bundle``: models in production."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from triage.commands.stores import Data, cells, group, opened, show, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from triage.casework.bundles import Shelf
    from triage.casework.evaluation import Comparison, Figures

bundle = group("模型：校验、上传、评测、启用、回退 / Bundles: verify, upload, evaluate, promote, roll back.")

_STATES = {"uploaded": "已上传", "active": "使用中", "retired": "已停用"}

Wanted = Annotated[str, typer.Argument(metavar="BUNDLE", help="名称或编号 / Name or id.", show_default=False)]
Source = Annotated[
    Path,
    typer.Argument(metavar="PATH", help="模型文件夹或压缩包 / Folder, zip or tar of a bundle.", show_default=False),
]
Reason = Annotated[str, typer.Option(help="理由 / Why.", show_default=False)]


@bundle.command("verify")
def verify_command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="模型文件夹 / Bundle folder.", show_default=False)],
) -> None:
    """校验一个模型文件夹：文件、版本、能否研判；不需要数据库 / Verify a bundle folder; needs no store."""
    from triage.casework.bundles import try_out

    typer.echo(f"模型完好：{try_out(folder).bundle}")


@bundle.command("list")
def list_command(data: Data = None) -> None:
    """列出已上传的模型 / List the bundles of the store."""
    from triage.store import bundles
    from triage.store.access import EVERYWHERE

    with opened(data) as store, store.database.transaction(EVERYWHERE) as connection:
        found = bundles.listed(connection)
    if not any(stored.state == "active" for stored in found):
        typer.echo("使用中：自带模型 / the shipped bundle")
    rows = table("名称", "类型", "状态", "大小", "上传", "启用", "编号")
    for stored in found:
        size = f"{stored.size / 1_000_000:.1f} MB"
        when = (stored.uploaded_at, stored.promoted_at)
        rows.add_row(*cells(stored.name, stored.kind, _STATES[stored.state], size, *when, stored.id))
    show(rows)


@bundle.command("upload")
def upload_command(source: Source, data: Data = None) -> None:
    """上传模型，校验后入库，尚不启用 / Upload a bundle; it is verified and stored, not yet active."""
    from triage.casework import bundles
    from triage.errors import InputError
    from triage.store.access import SYSTEM

    if not source.exists():
        raise InputError(f"没有 {source}，请检查路径")
    with opened_shelf(data) as shelf:
        if source.is_dir():
            stored = bundles.upload_folder(shelf, SYSTEM, source)
        else:
            with source.open("rb") as stream:
                stored = bundles.upload(shelf, SYSTEM, stream)
    typer.echo(f"已上传：{stored.name}")


@bundle.command("evaluate")
def evaluate_command(wanted: Wanted, data: Data = None) -> None:
    """与使用中的模型比较，以最近人工确认的诉求为准 / Compare with the active bundle on recent confirmed decisions."""
    from triage.casework import bundles
    from triage.store.access import SYSTEM

    with opened_shelf(data) as shelf:
        comparison = bundles.evaluate(shelf, SYSTEM, bundles.find(shelf, SYSTEM, wanted).id)
    show_comparison(comparison)


@bundle.command("promote")
def promote_command(
    wanted: Wanted,
    force: Annotated[bool, typer.Option("--force", help="即使不如现用模型也启用 / Even if it is worse.")] = False,
    reason: Reason = "",
    data: Data = None,
) -> None:
    """启用模型，运行中的服务数秒内跟上 / Make a bundle the active one; running services follow within seconds."""
    from triage.casework import bundles
    from triage.store.access import SYSTEM

    with opened_shelf(data) as shelf:
        chosen = bundles.find(shelf, SYSTEM, wanted)
        promotion = bundles.promote(shelf, SYSTEM, chosen.id, force=force, reason=reason)
    if promotion.comparison is not None:
        show_comparison(promotion.comparison)
    typer.echo(f"已启用：{promotion.active}（此前：{promotion.former}）")


@bundle.command("rollback")
def rollback_command(reason: Reason = "", data: Data = None) -> None:
    """回退到上一个模型 / Go back to the bundle before."""
    from triage.casework import bundles
    from triage.store.access import SYSTEM

    with opened_shelf(data) as shelf:
        promotion = bundles.roll_back(shelf, SYSTEM, reason=reason)
    typer.echo(f"已回退到：{promotion.active}（此前：{promotion.former}）")


@contextmanager
def opened_shelf(data: Path | None) -> Iterator[Shelf]:
    """Open the store with the models that decide there, beside a running service if there is one."""
    from triage.casework.bundle_watch import BundleLoader, BundleWatcher
    from triage.casework.bundles import Shelf
    from triage.casework.desk import open_desk
    from triage.errors import InputError

    with opened(data) as store:
        if store.data is None:
            raise InputError("请用 --data 指定存放模型缓存的目录")
        cache = store.data / "cache" / "bundles"
        loader = BundleLoader(store.database, cache)
        loaded = loader.present()
        desk = open_desk(store.database, loaded.active, secret=store.secret, words=loader.words)
        yield Shelf(desk=desk, watcher=BundleWatcher(desk.current, loader, loaded.generation))


def show_comparison(comparison: Comparison) -> None:
    """Print how a bundle did beside the active one."""
    if comparison.candidate is None or comparison.active is None:
        typer.echo("尚无人工确认的诉求，无法比较")
        return
    rows = table("模型", "首选准确率", "前三命中率", "自动派单占比", "自动派单准确率")
    for figures in (comparison.candidate, comparison.active):
        rows.add_row(*_figures(figures))
    typer.echo(f"最近人工确认的诉求 {comparison.n} 件" + ("" if comparison.judged else "，件数过少，仅供参考"))
    show(rows)
    if comparison.difference is not None:
        low, high = comparison.difference
        typer.echo(
            f"只有新模型首选正确 {comparison.gained} 件，只有现用模型正确 {comparison.lost} 件；"
            f"首选准确率变化的 95% 区间 {low:+.1%} 至 {high:+.1%}"
        )
    if comparison.rehearsed:
        typer.echo("比较的是训练时的试训模型：同样训练，但留出了所比较的诉求")
    for problem in comparison.worse:
        typer.echo(f"不如现用模型：{problem}")


def _figures(figures: Figures) -> list[str]:
    precision = "—" if figures.auto_precision is None else f"{figures.auto_precision:.1%}"
    shares = (f"{share:.1%}" for share in (figures.top1, figures.top3, figures.auto))
    return cells(figures.bundle, *shares, precision)
