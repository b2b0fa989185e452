"""Appeals in and out."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import ConfigDict, Field

from api.schemas.common import NO_NUL, SOMETHING, Input, Moment, Name, Output, Reason, UnitName
from api.schemas.decisions import DECISION_EXAMPLE, Candidate, DecisionRecord

CONTENT = 50_000
"""Most characters of a text; the first 20,000 are judged, all are kept."""

CaseState = Literal["waiting", "assigned", "closed", "joined"]
DeliveryState = Literal["none", "proposed", "held", "dispatched", "accepted", "handling", "objected", "returned"]
AnswerState = Literal["none", "called", "evaluated"]
Stage = Literal[
    "received",
    "dispatched",
    "accepted",
    "handling",
    "closed",
    "called_back",
    "evaluated",
    "returned",
    "objected",
    "joined",
]

APPEAL_EXAMPLE: dict[str, Any] = {
    "reference": "Y2026-000123",
    "channel": "热线",
    "title": "路口垃圾无人清理",
    "content": "云桥区星河路与长青街路口的垃圾已堆放三天，请尽快清理。",
    "created_at": "2026-03-01T09:30:00+08:00",
}


class DraftIn(Input):
    """What the call-taker has written so far."""

    model_config = ConfigDict(
        json_schema_extra={"example": {key: APPEAL_EXAMPLE[key] for key in ("channel", "title", "content")}}
    )

    content: str = Field(max_length=CONTENT, pattern=NO_NUL, description="诉求内容 / the text so far")
    title: str = Field("", max_length=500, pattern=NO_NUL, description="标题")
    address: str = Field("", max_length=500, pattern=NO_NUL, description="诉求地址")
    channel: Name = Field("", description="渠道，如 热线、网站、微信")
    user: str = Field("", max_length=200, pattern=NO_NUL, description="诉求人账号或姓名；只存加密摘要")
    created_at: Moment | None = Field(None, description="来件时间，带时区；缺省为现在")


class AppealIn(DraftIn):
    """An appeal as received."""

    model_config = ConfigDict(json_schema_extra={"example": APPEAL_EXAMPLE})

    content: str = Field(min_length=1, max_length=CONTENT, pattern=SOMETHING, description="诉求内容，原文")
    reference: Name = Field("", description="来源系统的工单编号；同一渠道内不得重复")
    district: Name = Field("", description="所属区划；缺省按文中地点判断")
    no_automation: bool = Field(False, description="诉求人不同意仅由机器作出决定（个人信息保护法第二十四条）")
    supplements: Name = Field("", description="补充件：所补充的未办结工单，诉求编号（id）或来源系统编号（reference）")


class BatchIn(Input):
    """Many appeals at once."""

    appeals: list[AppealIn] = Field(min_length=1, max_length=5_000, description="按顺序处理")


class ReceiptOut(Output):
    """What became of an appeal that was posted; a repeated post is answered with the same body."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "id": "2f1d6a34-7a53-4d0f-9d8e-0a6f3c1f6b11",
                "event_id": "7b0a6c1e-55a0-4a34-9a53-7e0f4a6c2d10",
                "decision": DECISION_EXAMPLE,
            }
        }
    )

    id: UUID
    event_id: UUID
    decision: DecisionRecord
    supplements: UUID | None = Field(None, description="所补充的工单")


class AppealOut(Output):
    """A stored appeal; all texts are masked (已脱敏)."""

    id: UUID
    reference: str
    channel: str
    received_at: datetime
    created_at: datetime | None
    title: str
    content: str
    address: str
    district: str
    unit: str
    case_state: CaseState
    delivery_state: DeliveryState
    risk_level: int = Field(ge=0, le=4)
    risk_score: float
    l1: str
    l2: str
    function: str
    type: str
    event_id: UUID
    decision_version: int
    finish_by: datetime | None
    anonymised_at: datetime | None
    answer_state: AnswerState
    first_unit: str = Field(description="首接单位")
    supplements: UUID | None = Field(description="所补充的工单；不是补充件时为 null")
    no_automation: bool = Field(description="诉求人不同意仅由机器作出决定，须由人工办理")


class AppealDetail(AppealOut):
    """A stored appeal with its present decision."""

    decision: DecisionRecord


class AppealPage(Output):
    """One page, newest first; ``next`` is the cursor of the following one."""

    items: list[AppealOut]
    next: str | None = Field(description="下一页的游标；没有更多时为 null")


class SimilarOut(Output):
    """A similar appeal that the caller may see."""

    appeal: AppealOut
    probability: float = Field(ge=0, le=1)
    verdict: Literal["same", "unsure", "similar", "apart"] = Field(
        description="same 同一事件 / unsure 存疑 / similar 相似但事件已办结 / apart 地点不同"
    )


class SimilarList(Output):
    """Similar appeals, best first."""

    items: list[SimilarOut]


class HistoryEntry(Output):
    """One thing that was done with an appeal."""

    at: datetime
    actor: str
    actor_name: str = Field(description="用户名、密钥名称或“系统”")
    action: str
    action_name: str = Field(description="环节名称")
    detail: dict[str, Any]


class HistoryList(Output):
    """Everything that was done with an appeal, oldest first."""

    items: list[HistoryEntry]


_SEEN = Field(None, ge=1, le=1_000_000, description="所见研判的版本；若已更新则返回 409")


class ConfirmIn(Input):
    """Confirms the proposal, or names another unit."""

    unit: UnitName | None = Field(None, description="承办单位；缺省为建议的第一个")
    seen: int | None = _SEEN


class ReassignIn(Input):
    """Gives the appeal to another unit (改派)."""

    unit: UnitName
    reason: Reason
    override: bool = Field(False, description="确实要派回已退单的单位")
    seen: int | None = _SEEN


class ReturnIn(Input):
    """The unit sends it back (退单)."""

    reason: Reason
    proposed_unit: UnitName | None = Field(None, description="退单单位建议的承办单位")
    seen: int | None = _SEEN


class CaseOut(Output):
    """A case after a step."""

    appeal_id: UUID
    stage: Stage = Field(
        description="received 受理、dispatched 派单、accepted 接单、handling 办理、closed 办结、called_back 回访、"
        "evaluated 评价、returned 退单、objected 异议审查、joined 并入补充"
    )
    case_state: CaseState
    delivery_state: DeliveryState
    answer_state: AnswerState
    unit: str = Field(description="主办单位")
    first_unit: str = Field(description="首接单位")
    district: str = Field(description="现属区划；改派到其他区划的单位后随之移交")
    decision_version: int
    candidates: list[Candidate]
    returned: list[str] = Field(description="退过单的单位；不再建议")
    event_id: UUID


class UnmaskIn(Input):
    """Why somebody must read the unmasked text; it is written into the audit (审计)."""

    reason: Annotated[str, Field(min_length=4, max_length=500, pattern=r"^\S[^\x00]{2,498}\S$")] = Field(
        description="至少 4 字；不要抄录诉求内容", examples=["需回拨诉求人核实险情"]
    )


class UnmaskedOut(Output):
    """The raw text (原文); reading it was recorded."""

    appeal_id: UUID
    title: str
    content: str
    address: str
    audit_row: int = Field(description="审计记录编号")


class SimilarHintOut(Output):
    """A stored appeal that may be about the same matter as the draft."""

    appeal: AppealOut
    probability: float = Field(ge=0, le=1)
    different_place: bool = Field(description="地点或单位不同，不会并为一个事件")


class HintOut(Output):
    """What can be said about a draft; nothing was stored."""

    decision: DecisionRecord
    similar: list[SimilarHintOut]


class FoundOut(Output):
    """An appeal that was found."""

    appeal: AppealOut
    words: bool = Field(description="含有全部词语")
    closeness: float = Field(ge=0, le=1)


class FoundList(Output):
    """What was found: first what holds the words, then what reads alike."""

    items: list[FoundOut]
