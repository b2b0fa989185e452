"""Automatic dispatch: how it stands, and what people do about it."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from api.schemas.common import Input, Output, Reason

Mode = Literal["off", "shadow", "on"]


class SeriesOut(Output):
    """Checked decisions of one kind, the latest ones."""

    name: Literal["audited", "audited_present", "settled", "recent"] = Field(
        description="audited 人工核对（试运行和抽检） / audited_present 其中现用模型 / settled 已过退单时限的自动派单 / "
        "recent 近期自动派单"
    )
    label: str
    checked: int = Field(ge=0, description="核对件数，最多 500")
    agreed: int = Field(ge=0, description="与人工一致的件数")
    precision: float | None = Field(ge=0, le=1)
    bound: float = Field(ge=0, le=1, description="准确率的 95% 单侧下限")
    holds: bool = Field(description="是否允许自动派单继续")


class CountsOut(Output):
    """What became of the appeals of the last seven days that could go automatically."""

    shadow: int = Field(0, ge=0, description="试运行：本可自动派出")
    sampled: int = Field(0, ge=0, description="随机抽检，交人工")
    held: int = Field(0, ge=0, description="撤回时限内，单位尚未收到")
    sent: int = Field(0, ge=0, description="已自动派出")
    recalled: int = Field(0, ge=0, description="已撤回")
    overtaken: int = Field(0, ge=0, description="撤回时限内已由人工派单")


class DispatchingOut(Output):
    """How automatic dispatch stands."""

    configured: Mode = Field(description="本服务的设置 TRIAGE_AUTO_DISPATCH")
    mode: Mode = Field(description="实际模式；停用后为 shadow")
    fallen: bool
    changed_at: datetime | None
    changed_by: str
    reason: str
    target: float = Field(description="目标准确率")
    floor: float = Field(description="准确率下限的最低要求")
    sample: float = Field(description="交人工抽检的比例")
    recall_seconds: int = Field(ge=0)
    series: list[SeriesOut]
    counts: CountsOut
    held: int = Field(ge=0, description="撤回时限内的件数")
    late: int = Field(ge=0, description="已过撤回时限仍未派出的件数；持续增加说明没有工作进程")


class TurnIn(Input):
    """Why automatic dispatch is stopped or resumed."""

    reason: Reason


class ReviewList(Output):
    """Appeals whose automatic dispatch a person must review, the oldest first."""

    items: list[UUID]


class ObjectedOut(Output):
    """What an objection to automated decision brings about."""

    appeal_id: UUID
    effect: Literal["recalled", "review", "noted"] = Field(
        description="recalled 已撤回待人工派单 / review 已派单位，须人工复核 / noted 由人工办理，已记录"
    )
