"""Events, alerts and the typing-time answer."""

from __future__ import annotations

from datetime import date, datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from api.schemas.appeals import AppealOut
from api.schemas.common import Input, Output, Reason

EventState = Literal["open", "closed", "merged"]
EventOrder = Literal["last", "hot", "size"]
AlertState = Literal["open", "acknowledged"]


class GrowthOut(Output):
    """Appeals of the last days, against as many days before them."""

    until: date = Field(description="统计到哪一天（含）")
    last_3: int = Field(ge=0, description="近三日")
    before_3: int = Field(ge=0, description="此前三日")
    last_7: int = Field(ge=0, description="近七日")
    before_7: int = Field(ge=0, description="此前七日")


class EventOut(Output):
    """An event (同一事件的诉求). ``size`` counts all its appeals, also those of other districts."""

    id: UUID
    title: str = Field(description="地点和事项，摘自脱敏文本")
    state: EventState
    merged_into: UUID | None
    size: int = Field(ge=0)
    district: str
    risk_level: int = Field(ge=0, le=4)
    first_at: datetime
    last_at: datetime
    keywords: list[str] = Field(description="关键词，最有代表性的在前")
    unit: str = Field(description="承办最多的单位；尚未派单时为首件的建议单位")
    l1: str
    l2: str
    appellants: int = Field(ge=0, description="诉求人数；身份不明的每件计一人")
    frequent_since: date | None = Field(description="成为多频事件（任意连续三个自然日内三件以上）的日期；不是则为 null")
    frequent_last: date | None = Field(description="最近一次达到多频的日期")
    watched: bool = Field(description="是否重点关注")
    growth: GrowthOut


class DayOut(Output):
    """One natural day of an event."""

    day: date
    count: int = Field(ge=1)


class EventActionOut(Output):
    """What a person decided about an event."""

    id: UUID
    kind: Literal["merge", "split", "close", "reopen", "watch", "unwatch", "undo", "same", "apart"]
    event_id: UUID
    other_id: UUID | None
    moved: int = Field(ge=0, description="移动的诉求件数")
    reason: str
    actor: str
    at: datetime
    undoes: UUID | None = Field(description="所撤销的操作")
    undone_at: datetime | None = Field(description="何时被撤销；仍有效为 null")


class EventDetail(EventOut):
    """An event with those of its appeals that the caller may see."""

    daily: list[DayOut] = Field(description="逐日件数（只计可见的诉求）")
    steps: list[EventActionOut] = Field(description="人工操作，最近的在前")
    appeals: list[AppealOut]


class EventPage(Output):
    """One page in the order asked for."""

    items: list[EventOut]
    next: UUID | None = Field(description="下一页的游标；没有更多时为 null")


class MergeIn(Input):
    """Joins other events into this one (并单)."""

    others: list[UUID] = Field(min_length=1, max_length=100, description="并入本事件的事件编号")
    reason: Reason | None = None


class SplitIn(Input):
    """Takes appeals out of this event into a new one (拆分)."""

    appeals: list[UUID] = Field(min_length=1, max_length=500, description="拆出的诉求编号")
    reason: Reason | None = None


class ReopenIn(Input):
    """Opens a closed event again."""

    reason: Reason | None = None


class PairSideOut(Output):
    """One appeal of a pair, masked."""

    appeal_id: UUID
    event_id: UUID
    title: str
    content: str
    district: str
    received_at: datetime


class UnsurePairOut(Output):
    """Two appeals of which the machine cannot say whether they are about one event."""

    appeal: PairSideOut = Field(description="较新的一件")
    other: PairSideOut = Field(description="较早的一件")
    probability: float = Field(ge=0, le=1, description="为同一事件的概率")
    at: datetime


class UnsurePageOut(Output):
    """One page, the latest first."""

    items: list[UnsurePairOut]
    next: str | None = Field(description="下一页的游标；没有更多时为 null")


class VerdictIn(Input):
    """A person's word on a pair: one event or not."""

    appeal: UUID = Field(description="列表中较新的一件")
    other: UUID = Field(description="列表中较早的一件")
    same: bool = Field(description="是否同一事件；是则并单，否则今后不再自动关联")
    reason: Reason | None = None


class EventStep(Output):
    """An event after a step."""

    id: UUID
    state: EventState
    title: str
    size: int
    risk_level: int
    first_at: datetime
    last_at: datetime
    watched: bool


class AlertOut(Output):
    """A warning (预警): a red or orange event that somebody must look at."""

    id: UUID
    event_id: UUID
    appeal_id: UUID
    district: str
    level: int = Field(ge=0, le=4)
    reason: str
    state: AlertState
    at: datetime
    acknowledged_by: str
    acknowledged_at: datetime | None


class AlertPage(Output):
    """One page, the latest first."""

    items: list[AlertOut]
    next: UUID | None = Field(description="下一页的游标；没有更多时为 null")


class AcknowledgeIn(Input):
    """What a person made of a warning; all of it may be left out."""

    judged_level: int | None = Field(None, ge=0, le=4, description="本人判断的风险等级；0 为误报，缺省为未作判断")


class AcknowledgedOut(Output):
    """An alert after it was acknowledged (签收)."""

    id: UUID
    appeal_id: UUID
    event_id: UUID
    level: int
    state: AlertState
    acknowledged_by: str
    acknowledged_at: datetime
    judged_level: int | None
