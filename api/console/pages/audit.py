"""审计: who did what when, and whether the chain still holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query
from starlette.responses import Response

from api.console.routing import page_router
from api.console.visit import ROLE_NAMES, Visit, visitor
from triage.casework import auditing
from triage.casework.auditing import AuditEntry
from triage.store import people
from triage.store.access import EVERYWHERE
from triage.store.audit import SEAL_FILE

router = page_router()

Reader = Annotated[Visit, Depends(visitor("audit.read"))]

PAGE = 50
ACTIONS: Mapping[str, str] = {
    "appeal.unmask": "查看未脱敏原文",
    "appeal.export": "导出诉求",
    "appellant.erase": "按申请删除个人信息",
    "retention.run": "执行留存期限",
    "labels.read": "读取训练标注",
    "labels.export": "导出训练标注",
    "bundle.upload": "上传模型",
    "bundle.promote": "启用模型",
    "bundle.roll_back": "回退模型",
    "encoder.use": "选用编码器",
    "encoder.activate": "启用编码器",
    "unit.import": "导入单位名录",
    "admission.import": "导入准入清单",
    "dispatching.resume": "恢复自动派单",
    "dispatching.stop": "停用自动派单",
    "user.log_in": "登录",
    "user.log_in.failed": "登录失败",
    "user.add": "新建用户",
    "user.password": "重设口令",
    "user.disable": "停用用户",
    "key.create": "新建密钥",
    "key.revoke": "吊销密钥",
    "target.add": "登记接收方",
    "target.change": "修改接收方",
    "target.remove": "移除接收方",
    "target.test": "试发消息",
    "delivery.retry": "重发消息",
    "delivery.close": "关闭未送达消息",
}
"""Action → its name; another one is shown as it is stored."""
KINDS: Mapping[str, str] = {
    "appeal.": "诉求查看与导出",
    "user.": "用户与登录",
    "key.": "接口密钥",
    "bundle.": "模型",
    "unit.": "单位名录",
    "target.": "消息接收方",
}
"""First part of actions → what they are about, for the filter."""
DETAILS: Mapping[str, str] = {
    "reason": "理由",
    "role": "角色",
    "districts": "区划",
    "expires_at": "到期",
    "locked": "已锁定",
    "added": "新增",
    "changed": "变更",
    "withdrawn": "停用",
    "former": "原用",
    "n": "比较件数",
    "worse": "变差之处",
    "forced": "强制",
    "size": "字节",
    "sha256": "sha256",
    "kind": "类别",
    "host": "主机",
    "topics": "主题",
    "waiting": "待发",
    "count": "件数",
    "appeals": "诉求数",
}
"""Name in a row's detail → what it is called."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A row as it is shown.

    Attributes:
        entry: The row.
        who: What people call whoever acted.
        action: The name of the action.
        subject: What it was done to, by name where there is one.
        facts: (label, value) of its detail.
    """

    entry: AuditEntry
    who: str
    action: str
    subject: str
    facts: Sequence[tuple[str, str]]


@router.get("/audit")
def show(
    visit: Reader,
    before: Annotated[int | None, Query(ge=1, le=1 << 62)] = None,
    action: Annotated[str, Query(max_length=60)] = "",
    who: Annotated[str, Query(max_length=60)] = "",
) -> Response:
    """Show rows, the latest first."""
    rows = auditing.entries(visit.desk, visit.actor, before=before, limit=PAGE, action=action, who=who)
    chosen = {"action": action, "who": who}
    following = rows[-1].id if len(rows) == PAGE else None
    shown: dict[str, Any] = {
        "lines": lines_of(visit, rows),
        "chosen": chosen,
        "next": following,
        "first": before is None,
    }
    if visit.partial:
        return visit.fragment("audit/_rows.html", **shown)
    return visit.page("audit/index.html", title="审计", kinds=KINDS, actions=ACTIONS, **shown)


@router.post("/audit/verify")
def verify(visit: Reader) -> Response:
    """Compute the chain of hashes again."""
    data = visit.service.settings.store.data
    report = auditing.check(visit.desk, visit.actor, seal=data / SEAL_FILE if data else None)
    return visit.fragment("audit/_verified.html", report=report)


def lines_of(visit: Visit, rows: Sequence[AuditEntry]) -> list[Line]:
    """Return rows with names instead of ids where there are some."""
    known = {row.actor for row in rows} | {row.subject for row in rows if row.subject.startswith(("user:", "key:"))}
    with visit.desk.database.transaction(EVERYWHERE) as connection:
        names = people.names(connection, sorted(known))
    return [
        Line(
            entry=row,
            who=names.get(row.actor, row.actor),
            action=ACTIONS.get(row.action, row.action),
            subject=names.get(row.subject, row.subject),
            facts=[(DETAILS.get(name, name), _shown(value)) for name, value in row.detail.items() if _says(value)],
        )
        for row in rows
    ]


def _says(value: object) -> bool:
    return value not in (None, "", [], {})


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, list):
        return "、".join("全市" if one == "*" else str(one) for one in value)
    return ROLE_NAMES.get(str(value), str(value))
