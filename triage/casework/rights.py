"""Who may do what: one table. Which districts they may do it in is the database's business (row-level security).

What belongs to no district (accounts, models, the audit …) needs the whole city as its scope: see `CITYWIDE`.
"""

from __future__ import annotations

from collections.abc import Mapping

from triage.store.access import Actor
from triage.store.errors import Refused

_ALL = frozenset(("intake", "dispatcher", "officer", "analyst", "admin"))
_DESK = frozenset(("intake", "dispatcher", "officer", "admin"))
_DISPATCH = frozenset(("dispatcher", "officer", "admin"))
_RULING = frozenset(("officer", "admin"))
_FIGURES = frozenset(("officer", "analyst", "admin"))
_ADMIN = frozenset(("admin",))

RIGHTS: Mapping[str, frozenset[str]] = {
    # Taking appeals in; the analyst works with what is there.
    "appeal.post": _DESK,
    "appeal.hint": _DESK,
    "appeal.batch": _DESK,
    "job.read": _DESK,
    # Reading, always masked.
    "appeal.read": _ALL,
    "event.read": _ALL,
    "alert.read": _ALL,
    "unit.read": _ALL,
    # Unmasked texts only for those who must call back or judge a danger.
    "appeal.unmask": _DISPATCH,
    # Deciding.
    "appeal.review": _DISPATCH,
    # What a unit does, put down by whoever deals with it; judged by somebody else: an officer.
    "appeal.handle": _DISPATCH,
    "appeal.rule": _RULING,
    # Those who speak with the appellant: call back, note the evaluation, urge the unit.
    "appeal.answer": _DESK,
    "appeal.urge": _DESK,
    # An appellant tells whoever takes the call that no machine alone may decide (PIPL art. 24).
    "appeal.opt_out": _DESK,
    "event.change": _DISPATCH,
    "alert.acknowledge": _DISPATCH,
    # Figures and files that leave the house.
    "report.read": _FIGURES,
    "appeal.export": _FIGURES,
    "dispatching.read": _DISPATCH | _FIGURES,
    "bundle.read": _FIGURES,
    # Running the system.
    "unit.change": _ADMIN,
    "bundle.change": _ADMIN,
    "dispatching.change": _ADMIN,
    "bundle.train": _ADMIN,
    "people.change": _ADMIN,
    "key.change": _ADMIN,
    "target.change": _ADMIN,
    "audit.read": _ADMIN,
    "appellant.erase": _ADMIN,
    "retention.run": _ADMIN,
}
"""Action → roles. ``system`` (the service itself, the command line on the server) may do everything."""

CITYWIDE = frozenset(
    (
        "bundle.read",
        "unit.change",
        "bundle.change",
        "dispatching.change",
        "bundle.train",
        "people.change",
        "key.change",
        "target.change",
        "audit.read",
        "appellant.erase",
        "retention.run",
    )
)
"""Actions that reach every district: a district's administrator could make a key for the whole city, or erase elsewhere."""

ACTIONS: Mapping[str, str] = {
    "appeal.post": "登记诉求",
    "appeal.hint": "录入时提示",
    "appeal.batch": "批量登记",
    "job.read": "查看批量任务",
    "appeal.read": "查看诉求（脱敏）",
    "event.read": "查看事件",
    "alert.read": "查看预警",
    "unit.read": "查看单位名录",
    "appeal.unmask": "查看未脱敏原文",
    "appeal.review": "确认、改派、退单",
    "appeal.handle": "登记签收、办理、退单、异议、延期申请和协办",
    "appeal.rule": "审查异议、审批延期、督办",
    "appeal.answer": "回访、登记评价",
    "appeal.urge": "催办",
    "appeal.opt_out": "登记诉求人不同意自动化决定",
    "dispatching.read": "查看自动派单状态",
    "dispatching.change": "停用、恢复自动派单",
    "event.change": "并单、拆分、办结事件",
    "alert.acknowledge": "签收预警",
    "report.read": "查看报表",
    "appeal.export": "导出诉求",
    "bundle.read": "查看模型",
    "unit.change": "更新单位名录",
    "bundle.change": "上传、启用、回退模型",
    "bundle.train": "以人工处理结果训练模型",
    "people.change": "管理用户",
    "key.change": "管理接口密钥",
    "target.change": "管理消息接收方和投递",
    "audit.read": "查看审计记录",
    "appellant.erase": "按申请删除个人信息",
    "retention.run": "执行留存期限",
}
"""Action → what it is called in a refusal."""


def may(actor: Actor, action: str) -> bool:
    """Say whether the actor's role has the right and, for what concerns the whole city, its scope too."""
    return actor.role == "system" or (actor.role in RIGHTS[action] and _reaches(actor, action))


def require(actor: Actor, action: str) -> None:
    """Go on only with the right.

    Raises:
        Refused: Names the action and the roles or the scope that have the right.
    """
    if actor.role in RIGHTS[action] and not _reaches(actor, action):
        raise Refused(f"{ACTIONS[action]}涉及全市，需要可见区划为全市（*）的账号或密钥")
    if not may(actor, action):
        needed = "、".join(sorted(RIGHTS[action]))
        raise Refused(f"角色 {actor.role} 无权{ACTIONS[action]}；需要的角色：{needed}")


def _reaches(actor: Actor, action: str) -> bool:
    return actor.scope.everywhere or action not in CITYWIDE
