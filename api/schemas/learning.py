"""What is worth deciding next, and what has changed since the models were trained."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from api.schemas.appeals import AppealOut
from api.schemas.common import Output


class QueueItemOut(Output):
    """A waiting appeal and what would be learned from deciding it."""

    appeal: AppealOut
    value: float = Field(description="学习价值，只在同一次答复内可比")
    unit: str = Field(description="首选单位；没有建议时为空")
    probability: float = Field(ge=0, le=1)
    sampled: bool = Field(description="自动派单的随机抽查件")
    reasons: list[str]


class QueueOut(Output):
    """Waiting appeals, those first from which most would be learned."""

    items: list[QueueItemOut]


class ShareOut(Output):
    """A share with its 95 % bounds."""

    n: int = Field(ge=0)
    right: int = Field(ge=0)
    share: float | None = Field(description="没有时为 null")
    low: float
    high: float


class UnitChangeOut(Output):
    """How often it was right to propose a unit."""

    unit: str
    before: ShareOut
    now: ShareOut
    verdict: Literal["falling", "watched", "steady", "unknown"] = Field(
        description="falling 明显下降；watched 留意；steady 平稳；unknown 件数不足"
    )


class NewWordOut(Output):
    """A word that has become frequent; at least three people wrote it."""

    word: str
    now: int
    before: int
    growth: float


class NewUnitOut(Output):
    """A unit that the models know little or nothing of."""

    name: str
    since: datetime
    taught: int = Field(ge=0, description="人工派给它的诉求")
    known: bool = Field(description="现用模型是否学过")


class DriftOut(Output):
    """What has changed: the latest days beside the weeks before, of the caller's districts."""

    before_since: datetime
    since: datetime
    until: datetime
    bundle: str
    learned_until: datetime | None = Field(description="现用模型学到何时的人工结果；未从本库学过时为 null")
    labels_since: int = Field(ge=0, description="其后又有多少件人工派单")
    before: ShareOut
    now: ShareOut
    confidence: float | None = Field(description="模型对近期建议的平均概率")
    units: list[UnitChangeOut]
    words: list[NewWordOut]
    new_units: list[NewUnitOut]
    withdrawn: list[str] = Field(description="近期仍被建议、但已不在名录的单位")
    warnings: ShareOut = Field(description="人工判断过的预警中属实的")
    links: ShareOut = Field(description="人工判定的诉求对中属同一事件的")
    advice: list[str]
