"""Why the levels of events rose."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from api.schemas.common import Output

Ground = Literal["risk", "elsewhere", "likely", "heads", "repeat", "frequent", "growth", "returned", "overdue"]


class EscalationOut(Output):
    """One ground on which the level of an event rose (升级记录), as it stands for one district of the event."""

    id: int
    event_id: UUID
    appeal_id: UUID | None = Field(description="引起升级的诉求；不在本区划或已清除时为 null")
    district: str
    level_from: int = Field(ge=0, le=4)
    level_to: int = Field(ge=0, le=4, description="已达该理由可升到的最高等级时与 level_from 相同")
    ground: Ground = Field(
        description="risk 诉求风险等级、elsewhere 其他区划的诉求、likely 研判可能性、heads 反映人数、repeat 同一诉求人再次反映、"
        "frequent 多频、growth 事件扩大、returned 多次退单、overdue 办理超期"
    )
    mark: int = Field(ge=0, description="达到的等级或人数门槛；其余理由为 0")
    reason: str
    at: datetime


class EscalationPage(Output):
    """One page, the latest first."""

    items: list[EscalationOut]
    next: int | None = Field(description="下一页的游标；没有更多时为 null")
