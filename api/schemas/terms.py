"""Terms, the supervision list, the admission list, channels and the difference of two lists of units."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from api.schemas.common import NO_NUL, Input, Moment, Output
from api.schemas.operations import UnitOut

StepName = Annotated[
    str, Field(min_length=1, max_length=20, pattern=r"^[a-z_]+$", description="环节，如 contact、notice")
]


class TermOut(Output):
    """A term of an appeal (办理时限)."""

    id: int
    appeal_id: UUID
    step: str = Field(description="环节，如 accept、finish、sign、return")
    name: str = Field(description="环节名称，如 办结")
    state: Literal["open", "met", "dropped"]
    unit: str
    rule: str = Field(description="依据")
    started_at: datetime
    due_at: datetime
    half_at: datetime | None = Field(description="用去 50% 的时刻；办理窗口无提醒，为 null")
    most_at: datetime | None = Field(description="用去 80% 的时刻")
    reminded: Literal[0, 50, 80, 100] = Field(description="已提醒到的百分比；100 为已报超期")
    extensions: int
    paused_at: datetime | None
    ended_at: datetime | None
    overdue: bool = Field(description="是否超期；已完成的按完成时刻判断")


class TermList(Output):
    """The terms of one appeal, oldest first."""

    items: list[TermOut]


class DueOut(TermOut):
    """An open term with the appeal it belongs to; masked (已脱敏)."""

    reference: str
    title: str
    district: str
    risk_level: int = Field(ge=0, le=4)
    event_id: UUID


class DuePage(Output):
    """One page, what ends first at the top; ``next`` is the cursor of the following one."""

    items: list[DueOut]
    next: str | None = Field(description="下一页的游标；没有更多时为 null")


class TermIn(Input):
    """Something done with a term that follows no other step of the case."""

    step: StepName
    action: Literal["begin", "meet", "suspend", "resume"] = Field(
        description="begin 开始计时，meet 已完成，suspend 中止（如听证），resume 恢复"
    )
    unit: str = Field("", max_length=100, pattern=NO_NUL, description="开始计时的时限由哪个单位办理")
    due_at: Moment | None = Field(None, description="人工指定的截止时刻；缺省按规则")


class SupervisedOut(Output):
    """A ticket that should be supervised (督办): overdue, repeated or returned again and again; masked."""

    appeal_id: UUID
    reference: str
    title: str
    district: str
    unit: str
    risk_level: int = Field(ge=0, le=4)
    event_id: UUID
    due_at: datetime | None = Field(description="最早超期的时限；未超期为 null")
    reasons: list[str]


class SupervisedList(Output):
    """What should be supervised, the longest overdue first."""

    items: list[SupervisedOut]


class AdmissionItemOut(Output):
    """A small matter that may go down to street, community or grid."""

    name: str
    lowest: Literal["网格", "社区村", "街镇"]
    words: list[str]
    barred: list[str]


class AdmissionOut(Output):
    """The admission list in force (准入清单)."""

    items: list[AdmissionItemOut]
    imported: bool = Field(description="是否为导入的清单；否则为规则文件中的清单")


class AdmissionImportOut(Output):
    """What an import of the admission list changed."""

    added: int
    changed: int
    withdrawn: int
    unchanged: int


class ChannelOut(Output):
    """A channel (受理渠道)."""

    name: str
    aliases: list[str]
    references: list[str] = Field(description="编号写法；空为不核对")
    columns: dict[str, list[str]] = Field(description="文件列名对应")


class ChannelList(Output):
    """The channels of the city."""

    items: list[ChannelOut]
    closed: bool = Field(description="是否拒收未列出的渠道")


class FieldChangeOut(Output):
    """One fact of a unit that changes."""

    field: str
    old: str
    new: str


class UnitChangeOut(Output):
    """A unit that stays with other facts."""

    name: str
    fields: list[FieldChangeOut]


class RenamedOut(Output):
    """A unit that goes while another one lists its name as an alias."""

    old: str
    new: str


class UnitDiffOut(Output):
    """What importing a file would change; nothing has been changed yet."""

    added: list[UnitOut]
    changed: list[UnitChangeOut]
    withdrawn: list[UnitOut]
    renamed: list[RenamedOut]
    unchanged: int
    open_at: dict[str, int] = Field(description="将撤出的单位 → 尚在该单位办理的诉求数")
    seen: str = Field(description="随导入一并提交；名录或文件其间有变动则不导入")
