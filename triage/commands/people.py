"""``triage users`` and ``triage keys``: who may use the service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from triage.commands.stores import Data, cells, group, opened, show, table, typed_password

if TYPE_CHECKING:
    from datetime import datetime

users = group("用户：新建、列表、停用、口令 / Users: add, list, disable, password.")
keys = group("接口密钥：新建、列表、吊销 / API keys: create, list, revoke.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="用户名 / User name.", show_default=False)]
Role = Annotated[
    str,
    typer.Option(
        help="角色：intake 受理、dispatcher 派单、officer 值班、analyst 分析、admin 管理 / Role.", show_default=False
    ),
]
Districts = Annotated[
    list[str] | None,
    typer.Option(
        "--district", metavar="NAME", help="可见区划，可重复；默认全市 / District; may be repeated; default: all.",
        show_default=False,
    ),
]  # fmt: skip


@users.command("add")
def add_user(name: Name, role: Role, district: Districts = None, data: Data = None) -> None:
    """新建用户；口令在提示后输入，或从标准输入读一行 / Add a user; the password is prompted for or read from stdin."""
    from triage.casework import access
    from triage.store.access import SYSTEM

    password = typed_password()
    with opened(data) as store:
        user = access.add_user(
            store.database, SYSTEM, name=name, password=password, role=role, districts=district or ["*"]
        )
    typer.echo(f"已新建用户 {user.name}（{user.role}）")


@users.command("list")
def list_users(data: Data = None) -> None:
    """列出用户 / List users."""
    from triage.casework import access
    from triage.store.access import SYSTEM

    with opened(data) as store:
        found = access.users(store.database, SYSTEM)
    rows = table("用户", "角色", "区划", "状态", "锁定至", "建立")
    for user in found:
        state = "停用" if user.disabled else "可用"
        rows.add_row(*cells(user.name, user.role, user.districts, state, user.locked_until, user.created_at))
    show(rows)


@users.command("disable")
def disable_user(name: Name, data: Data = None) -> None:
    """停用用户，其登录立即失效 / Disable a user; sessions end at once."""
    from triage.casework import access
    from triage.store.access import SYSTEM

    with opened(data) as store:
        access.disable_user(store.database, SYSTEM, name)
    typer.echo(f"已停用用户 {name}")


@users.command("password")
def password_command(name: Name, data: Data = None) -> None:
    """重设口令并解除锁定 / Set another password and lift a lock."""
    from triage.casework import access
    from triage.store.access import SYSTEM

    password = typed_password()
    with opened(data) as store:
        access.set_password(store.database, SYSTEM, name, password)
    typer.echo(f"已重设用户 {name} 的口令")


@keys.command("create")
def create_key(
    label: Annotated[str, typer.Argument(metavar="LABEL", help="用途，如 热线平台 / What for.", show_default=False)],
    role: Role,
    district: Districts = None,
    days: Annotated[
        int | None,
        typer.Option(min=1, max=3650, help="有效天数，默认不过期 / Days until it expires.", show_default=False),
    ] = None,
    data: Data = None,
) -> None:
    """新建密钥；密钥只显示这一次 / Create a key; it is shown this once."""
    from triage.casework import access
    from triage.store.access import SYSTEM

    with opened(data) as store:
        made = access.create_key(
            store.database,
            SYSTEM,
            label=label,
            role=role,
            districts=district or ["*"],
            expires_at=_in_days(days),
        )
    typer.echo(f"编号 {made.key.id}；以下密钥只显示这一次，请立即妥善保存", err=True)
    typer.echo(made.secret)


@keys.command("list")
def list_keys(data: Data = None) -> None:
    """列出密钥（不含密钥本身）/ List keys, without their secrets."""
    from datetime import UTC, datetime

    from triage.casework import access
    from triage.store.access import SYSTEM

    with opened(data) as store:
        found = access.keys(store.database, SYSTEM)
    rows = table("编号", "用途", "角色", "区划", "状态", "到期", "最近使用")
    now = datetime.now(UTC)
    for key in found:
        state = "可用" if key.valid_at(now) else "已吊销" if key.revoked_at else "已过期"
        rows.add_row(*cells(key.id, key.label, key.role, key.districts, state, key.expires_at, key.used_at))
    show(rows)


@keys.command("revoke")
def revoke_key(
    key: Annotated[UUID, typer.Argument(metavar="ID", help="密钥编号 / Id of the key.", show_default=False)],
    data: Data = None,
) -> None:
    """吊销密钥，立即生效 / Revoke a key at once."""
    from triage.casework import access
    from triage.store.access import SYSTEM

    with opened(data) as store:
        access.revoke_key(store.database, SYSTEM, key)
    typer.echo(f"已吊销密钥 {key}")


def _in_days(days: int | None) -> datetime | None:
    from datetime import UTC, datetime, timedelta

    return datetime.now(UTC) + timedelta(days=days) if days else None
