"""``triage db``: the tables of the store, their backups, and what a DBA must prepare."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from triage.commands.stores import Data, group

if TYPE_CHECKING:
    from collections.abc import Iterator

    from triage.store.opening import Place

db = group("数据库：升级、状态、备份、恢复 / The store: upgrade, status, backup, restore.")


@db.command("upgrade")
def upgrade_command(data: Data = None) -> None:
    """把表结构升级到本程序的版本 / Bring the tables up to this program's level."""
    from triage.store.migrations.running import read_level, upgrade

    with _place(data) as place:
        before = read_level(place.owner_url)
        after = upgrade(place.owner_url)
    typer.echo(
        f"表结构版本：{before.current or '空'} → {after.current}" if before != after else f"已是最新：{after.current}"
    )


@db.command("status")
def status_command(data: Data = None) -> None:
    """显示数据库的位置、版本和数量 / Show where the store is, its level and its size."""
    from triage.store.status import read_status

    with _place(data, existing=True) as place:
        found = read_status(place.owner_url)
        where = f"内置数据库，{place.data}" if place.embedded else f"数据库服务器 {place.owner_url.host or ''}"
        running = "（正由服务使用）" if place.joined else ""
    typer.echo(f"位置：{where}{running}")
    typer.echo(f"PostgreSQL {found.server}，pgvector {found.vector or '缺失'}")
    typer.echo(f"表结构版本：{found.level.current or '空'}（本程序 {found.level.newest}）")
    typer.echo(f"占用空间：{found.size / 1_000_000:,.1f} MB")
    for name, count in found.rows.items():
        typer.echo(f"{name}：{count:,}")
    if not found.level.fits:
        typer.echo("表结构与本程序不一致；请先备份，再运行 triage db upgrade", err=True)
        raise typer.Exit(1)


@db.command("backup")
def backup_command(
    target: Annotated[Path, typer.Argument(metavar="FILE", help="备份文件 / The file to write.", show_default=False)],
    data: Data = None,
) -> None:
    """备份整个数据库到一个文件（含个人信息，权限 0600），服务可继续运行 / Back the store up; the service may go on."""
    from triage.store.backup import back_up

    with _place(data, existing=True) as place:
        size = back_up(place.owner_url, target, key=place.key)
    typer.echo(f"已备份：{target}（{size / 1_000_000:,.1f} MB）；文件含个人信息和密钥，请妥善保管")


@db.command("restore")
def restore_command(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="备份文件 / The file to read.", show_default=False)],
    data: Data = None,
) -> None:
    """从备份恢复，只能恢复到空的数据目录或空库 / Restore into an empty store."""
    from triage.store.backup import read_manifest, restore

    key = read_manifest(source).key
    with _place(data, sharing=False) as place:
        level = restore(place.owner_url, source)
        if key is not None and place.embedded:
            place.replace_key(key)
    typer.echo(f"已恢复：{source}，表结构版本 {level.current}")
    if key is None:
        typer.echo("备份来自数据库服务器：TRIAGE_SECRET 须与原服务一致，否则认不出已有的来电人", err=True)


@db.command("prepare-sql")
def prepare_command() -> None:
    """打印数据库管理员的准备脚本 / Print what the DBA of a server must run."""
    from triage.store.roles import PREPARE

    typer.echo(PREPARE, nl=False)


@contextmanager
def _place(data: Path | None, *, sharing: bool = True, existing: bool = False) -> Iterator[Place]:
    from triage.errors import InputError
    from triage.store.embedded.folder import holds_store
    from triage.store.opening import open_as_owner
    from triage.store.settings import StoreSettings

    settings = StoreSettings.read(os.environ, data=data)
    folder = None if settings.owner_url or settings.url else settings.data
    # A slip in the path would otherwise make an empty store there, and a nightly backup of it would look fine.
    if existing and folder is not None and not holds_store(folder):
        raise InputError(f"目录 {folder} 中没有数据；请核对 --data（环境变量 TRIAGE_DATA）")
    with open_as_owner(settings, sharing=sharing) as place:
        yield place
