"""``triage targets``: who is told of alerts and steps, and which messages did not arrive."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from triage.commands.stores import Data, cells, group, opened, show, table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from triage.casework.targets import Mailroom
    from triage.store.deliveries import DeliveryView
    from triage.store.targets import Target

targets = group(
    "消息接收方：新增、测试、移除，查看未送达的消息 / Receivers of messages: add, test, remove; what did not arrive."
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="接收方名称 / Name of the receiver.", show_default=False)]
Kind = Annotated[
    str,
    typer.Option(
        help="webhook 程序、wecom 企业微信、dingtalk 钉钉、feishu 飞书、email 邮件 / Kind.", show_default=False
    ),
]
Server = Annotated[str, typer.Option("--server", metavar="HOST", help="邮件服务器 / Mail server.", show_default=False)]
Port = Annotated[int | None, typer.Option(min=1, max=65_535, help="其端口 / Its port [465, 587].", show_default=False)]
Security = Annotated[str, typer.Option(help="tls 或 starttls / TLS at once or after STARTTLS.")]
Sender = Annotated[str, typer.Option("--from", metavar="MAILBOX", help="发件邮箱 / From.", show_default=False)]
To = Annotated[
    list[str] | None,
    typer.Option("--to", metavar="MAILBOX", help="收件邮箱，可重复 / To; may be repeated.", show_default=False),
]
User = Annotated[str, typer.Option(help="邮件服务器账号 / Account at the mail server.", show_default=False)]
Delivery = Annotated[UUID, typer.Argument(metavar="ID", help="投递编号 / Id of the delivery.", show_default=False)]


@targets.command("add")
def add_target(
    name: Name,
    kind: Kind,
    topic: Annotated[
        list[str] | None,
        typer.Option(
            "--topic", metavar="TOPIC", help="主题，可重复：alert.raised、appeal.*、* / Topic; may be repeated.",
            show_default=False,
        ),
    ] = None,
    district: Annotated[
        list[str] | None,
        typer.Option("--district", metavar="NAME", help="区划，可重复；默认全市 / District.", show_default=False),
    ] = None,
    least_level: Annotated[int, typer.Option("--level", min=0, max=4, help="预警最低等级 / Least level.")] = 0,
    repeats: Annotated[
        bool, typer.Option("--repeats", help="宁可重复、不可遗漏 / Rather twice than not at all.")
    ] = False,
    server: Server = "",
    port: Port = None,
    security: Security = "tls",
    sender: Sender = "",
    to: To = None,
    user: User = "",
    data: Data = None,
) -> None:  # fmt: skip
    """新增接收方；地址和密钥在提示后输入，或从标准输入逐行读取 / Add a receiver; address and secret are prompted for."""
    from triage.casework import targets as use_cases
    from triage.store.access import SYSTEM

    given = _address(kind, server=server, port=port, security=security, sender=sender, to=to or [], user=user)
    wish = use_cases.Wish(
        name=name,
        kind=kind,
        address=given,
        topics=topic or (),
        districts=district or ("*",),
        least_level=least_level,
        repeats=repeats,
    )
    with _room(data) as room:
        made = use_cases.add(room, SYSTEM, wish)
    _tell(made.target, made.secret, word="已新增")


@targets.command("change")
def change_target(
    name: Name,
    server: Server = "",
    port: Port = None,
    security: Security = "tls",
    sender: Sender = "",
    to: To = None,
    user: User = "",
    data: Data = None,
) -> None:
    """更换地址或密钥，未送达的消息发往新地址 / Give another address or secret; what waits goes there."""
    from triage.casework import targets as use_cases
    from triage.store.access import SYSTEM

    with _room(data) as room:
        found = _named(room, name)
        given = _address(found.kind, server=server, port=port, security=security, sender=sender, to=to or [], user=user)
        made = use_cases.change_address(room, SYSTEM, found.id, given)
    _tell(made.target, made.secret, word="已更换")


@targets.command("list")
def list_targets(data: Data = None) -> None:
    """列出接收方（不含地址和密钥）/ List receivers, without addresses and secrets."""
    from triage.casework import targets as use_cases
    from triage.store.access import SYSTEM

    with _room(data) as room:
        found = use_cases.listed(room, SYSTEM)
    lines = table("接收方", "类型", "主机", "主题", "区划", "最低等级", "连续失败", "最近问题")
    for one in found:
        told = (one.topics, one.districts, one.least_level, one.failures or None, one.last_error)
        lines.add_row(*cells(one.name, one.kind, one.host, *told))
    show(lines)


@targets.command("test")
def try_target(name: Name, data: Data = None) -> None:
    """立即发送一条测试消息 / Send a test message now; exit status 1 if it did not arrive."""
    from triage.casework import targets as use_cases
    from triage.notify import Outcome
    from triage.store.access import SYSTEM

    with _room(data) as room:
        sent = use_cases.try_out(room, SYSTEM, _named(room, name).id)
    if sent.outcome is not Outcome.DELIVERED:
        typer.echo(f"测试消息未确认送达：{sent.reason}", err=True)
        raise typer.Exit(1)
    typer.echo(f"测试消息已送达{f'（{sent.reason}）' if sent.reason else ''}")


@targets.command("remove")
def remove_target(name: Name, data: Data = None) -> None:
    """移除接收方及其地址，未发出的消息随之关闭 / Remove a receiver; what waits for it is closed."""
    from triage.casework import targets as use_cases
    from triage.store.access import SYSTEM

    with _room(data) as room:
        waiting = use_cases.remove(room, SYSTEM, _named(room, name).id)
    typer.echo(f"已移除接收方 {name}，关闭未发出的消息 {waiting} 条")


@targets.command("failed")
def list_failed(
    limit: Annotated[int, typer.Option(min=1, max=1_000, help="最多条数 / Most rows.")] = 50, data: Data = None
) -> None:
    """列出未送达（dead）和存疑（uncertain）的消息；有则状态码为 1 / List what did not arrive or is in doubt."""
    from triage.casework import targets as use_cases
    from triage.store.access import SYSTEM

    with _room(data) as room:
        found = use_cases.failed(room, SYSTEM, limit=limit)
    lines = table("投递编号", "主题", "接收方", "状态", "次数", "最近问题", "建立")
    for one in found:
        lines.add_row(
            *cells(one.id, one.topic, one.target, one.state, one.attempts or None, one.last_error, one.created_at)
        )
    show(lines)
    if found:
        raise typer.Exit(1)


@targets.command("retry")
def retry_delivery(delivery: Delivery, data: Data = None) -> None:
    """重发一条未送达或存疑的消息 / Send a message once more that is dead or in doubt."""
    from triage.casework import targets as use_cases
    from triage.store.access import SYSTEM

    with _room(data) as room:
        _show(use_cases.retry(room, SYSTEM, delivery), word="将重发")


@targets.command("close")
def close_delivery(delivery: Delivery, data: Data = None) -> None:
    """结清一条未送达或存疑的消息（已用其他方式告知）/ Note that somebody has seen to a message that failed."""
    from triage.casework import targets as use_cases
    from triage.store.access import SYSTEM

    with _room(data) as room:
        _show(use_cases.close(room, SYSTEM, delivery), word="已结清")


@contextmanager
def _room(data: Path | None) -> Iterator[Mailroom]:
    """Open the store beside a running service, with the operator's rules for what may go out."""
    import os

    from triage.casework.targets import Mailroom
    from triage.notify import Guard, NetworkRules
    from triage.store.sealing import Seal

    rules = NetworkRules.read(os.environ)
    with opened(data) as store:
        yield Mailroom(database=store.database, seal=Seal(store.sealing_key), guard=Guard(rules=rules))


def _named(room: Mailroom, name: str) -> Target:
    from triage.store import targets as stored
    from triage.store.access import EVERYWHERE

    with room.database.transaction(EVERYWHERE) as connection:
        return stored.named(connection, name)


def _address(kind: str, **mail: Any) -> dict[str, Any]:
    """Ask for what must not stand on a command line: every user of the machine sees it there."""
    if kind == "email":
        return {**mail, "password": _asked("邮箱口令 / Password") if mail["user"] else ""}
    url = _asked("地址 / Address")
    if kind == "wecom":
        return {"url": url}
    return {"url": url, "secret": _asked("签名密钥，可留空 / Secret, may be empty")}


def _asked(words: str) -> str:
    if sys.stdin.isatty():
        return str(typer.prompt(words, hide_input=True, default="", show_default=False)).strip()
    return sys.stdin.readline().strip()


def _tell(target: Target, secret: str, *, word: str) -> None:
    typer.echo(f"{word}接收方 {target.name}（{target.kind}，{target.host}）", err=bool(secret))
    if secret:
        typer.echo("以下签名密钥只显示这一次，请交给接收方妥善保存", err=True)
        typer.echo(secret)


def _show(view: DeliveryView, *, word: str) -> None:
    typer.echo(f"{word}：{view.topic} → {view.target}")
