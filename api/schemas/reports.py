"""Reports of a day, week, month or quarter."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from api.schemas.common import NO_NUL, Input, Output

Kind = Literal["day", "week", "month", "quarter"]
PERIOD = r"^[0-9]{4}(-[0-9]{1,2}-[0-9]{1,2}|-?[Ww][0-9]{1,2}|-?[Qq][1-4]|-[0-9]{1,2})$"


class ReportIn(Input):
    """A report to be made."""

    kind: Kind
    period: Annotated[
        str,
        Field(
            pattern=PERIOD,
            max_length=10,
            description="周期 / 2019-09-02, 2019-W36, 2019-09 or 2019-Q3",
            examples=["2019-W36"],
        ),
    ]
    area: Annotated[
        str,
        Field(max_length=100, pattern=NO_NUL, description="只统计该区县；空为可见的全部 / one district; empty: all"),
    ] = ""
    office: Annotated[str, Field(max_length=100, pattern=NO_NUL, description="编制单位 / who issues it")] = ""


class ReportOut(Output):
    """A report that was asked for, without its contents."""

    id: UUID
    kind: Kind
    code: str = Field(description="周期 / its period")
    first_day: date
    last_day: date
    area: str
    office: str
    title: str = Field(description="标题；生成前为空 / empty until it is made")
    issue: str = Field(description="期号 / issue number in words")
    total: int = Field(ge=0, description="本期诉求 / tickets of the period")
    state: Literal["queued", "running", "done", "failed"]
    error: str
    created_by: str
    created_at: datetime
    made_at: datetime | None


class ReportList(Output):
    """Reports, the latest first."""

    items: list[ReportOut]
    next: UUID | None = Field(description="下一页的 cursor / where the next page begins")


class ReportDetail(ReportOut):
    """A report with its summary; the documents hold the rest."""

    summary: list[str] = Field(description="内容提要；生成前为空 / empty until it is made")
    notes: list[str] = Field(description="数据说明 / what limits the figures")
