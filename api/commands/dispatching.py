"""``triage dispatching``: how automatic dispatch stands; stop and resume it from the server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from triage.commands.stores import Data, cells, group, opened, show, table

if TYPE_CHECKING:
    from triage.casework.dispatching.reporting import Status
    from triage.casework.dispatching.switching import Panel

dispatching = group("自动派单：状态、停用、恢复 / Automatic dispatch: status, suspend, resume.")

Why = Annotated[str, typer.Option("--reason", help="理由，记入审计 / Why; goes into the audit.", show_default=False)]

_MODES = {"off": "关闭", "shadow": "试运行（只记录，不派出）", "on": "自动派出"}
_OUTCOMES = {
    "shadow": "试运行本可派出",
    "sampled": "抽检交人工",
    "held": "撤回时限内",
    "sent": "已派出",
    "recalled": "已撤回",
    "overtaken": "已由人工先行处理",
}


@dispatching.command("status")
def status_command(data: Data = None) -> None:
    """显示模式、核对数据和停用原因；未达标时退出状态为 1 / Show mode and figures; status 1 while it is stopped."""
    from triage.casework.dispatching.reporting import status
    from triage.store.access import SYSTEM

    with _panel(data) as panel:
        found = status(panel, SYSTEM)
    _print(found)
    if found.switch.fallen:
        raise typer.Exit(1)


@dispatching.command("suspend")
def suspend_command(reason: Why, data: Data = None) -> None:
    """立即停用自动派单，所有进程生效 / Stop automatic dispatch at once, in all processes."""
    from triage.casework.dispatching.switching import suspend
    from triage.store.access import SYSTEM

    with _panel(data) as panel:
        stopped = suspend(panel, SYSTEM, reason=reason)
    typer.echo("自动派单已停用，未发出的派单将退回人工" if stopped else "自动派单此前已停用")


@dispatching.command("resume")
def resume_command(reason: Why, data: Data = None) -> None:
    """恢复自动派单；停用以来的核对数据须达标 / Resume; refused while the figures since the stop forbid it."""
    from triage.casework.dispatching.switching import resume
    from triage.store.access import SYSTEM

    with _panel(data) as panel:
        resume(panel, SYSTEM, reason=reason)
    typer.echo("自动派单已恢复；是否派出仍取决于服务的设置 TRIAGE_AUTO_DISPATCH")


@contextmanager
def _panel(data: Path | None) -> Iterator[Panel]:
    from datetime import UTC, datetime

    from api.settings import settings_from_environment
    from triage.casework.dispatching.switching import Panel

    policy = settings_from_environment(data=data).dispatch
    with opened(data) as store:
        yield Panel(database=store.database, policy=policy, clock=lambda: datetime.now(UTC))


def _print(found: Status) -> None:
    from triage.casework.dispatching.switching import NAMES

    policy, switch = found.policy, found.switch
    typer.echo(f"设置（按本命令的环境变量）：{_MODES[policy.mode]}；实际：{_MODES[found.mode]}")
    recall = int(policy.recall.total_seconds())
    typer.echo(
        f"目标准确率 {policy.target:.1%}，下限不得低于 {found.floor:.1%}；抽检 {policy.sample:.0%}，撤回时限 {recall} 秒"
    )
    if switch.at is not None:
        (at,) = cells(switch.at)
        typer.echo(f"{'停用' if switch.fallen else '恢复'}于 {at}，{switch.actor}：{switch.reason}")
    rows = table("核对", "件数", "一致", "准确率", "下限", "达标")
    for one in found.judgements:
        share = "" if one.precision is None else f"{one.precision:.1%}"
        numbers = (one.series.n, one.series.agreed, share, f"{one.low:.1%}", "是" if one.holds else "否")
        rows.add_row(*cells(NAMES[one.series.name], *numbers))
    show(rows)
    counts = "，".join(f"{_OUTCOMES[name]} {found.counts[name]}" for name in _OUTCOMES if name in found.counts)
    typer.echo(f"近七日：{counts or '无'}")
    if found.late:
        typer.echo(f"有 {found.late} 件已过撤回时限仍未派出；请检查 triage worker 或服务的工作进程", err=True)
