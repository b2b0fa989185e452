"""Events, alerts and the typing-time answer."""

from __future__ import annotations

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from api.schemas.appeals import AppealOut
from api.schemas.common import Input, Output, Reason

EventState = Literal["open", "closed", "merged"]
AlertState = Literal["open", "acknowledged"]


class EventOut(Output):
    """An event (同一事件的诉求). ``size`` counts all its appeals, also those of other districts."""

    id: UUID
    title: str
    state: EventState
    merged_into: UUID | None
    size: int = Field(ge=0)
    district: str
    risk_level: int = Field(ge=0, le=4)
    first_at: datetime
    last_at: datetime


class EventDetail(EventOut):
    """An event with those of its appeals that the caller may see."""

    appeals: list[AppealOut]


class EventPage(Output):
    """One page, the latest first."""

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


class EventStep(Output):
    """An event after a step."""

    id: UUID
    state: EventState
    size: int
    risk_level: int
    first_at: datetime
    last_at: datetime


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
