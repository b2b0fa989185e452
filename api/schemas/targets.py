"""Receivers of messages, and what became of messages."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from api.schemas.common import NO_NUL, SOMETHING, Input, Output

TargetKind = Literal["webhook", "wecom", "dingtalk", "feishu", "email"]
DeliveryState = Literal["pending", "sending", "sent", "dead", "uncertain", "closed"]
Topic = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^(\*|[a-z0-9_]+(\.[a-z0-9_]+)*(\.\*)?)$")]
District = Annotated[str, Field(min_length=1, max_length=50, pattern=r"^[^\x00-\x1f]+$")]
Plain = Annotated[str, Field(max_length=200, pattern=NO_NUL)]


class TargetAddress(Input):
    """Where a receiver is. ``url`` and ``secret`` for programs and robots, the other fields for mailboxes."""

    url: str = Field("", max_length=2000, pattern=NO_NUL, description="程序或群机器人的地址 / of a program or robot")
    secret: str = Field(
        "", max_length=200, pattern=NO_NUL, description="签名密钥；webhook 留空则自动生成 / signs messages"
    )
    server: Plain = Field("", description="邮件服务器 / mail server")
    port: int | None = Field(None, ge=1, le=65_535, description="465（tls）或 587（starttls）")
    security: Literal["tls", "starttls"] = "tls"
    sender: Plain = Field("", description="发件邮箱 / from")
    to: list[Plain] = Field(default_factory=list, max_length=20, description="收件邮箱 / to")
    user: Plain = Field("", description="邮件服务器账号 / account")
    password: Plain = Field("", description="其口令 / its password")


class TargetIn(Input):
    """A receiver of messages."""

    name: str = Field(min_length=1, max_length=50, pattern=SOMETHING, examples=["值班群"])
    kind: TargetKind = Field(description="webhook 程序、wecom 企业微信、dingtalk 钉钉、feishu 飞书、email 邮件")
    address: TargetAddress
    topics: list[Topic] = Field(
        default_factory=list, max_length=30, description="消息主题，如 alert.raised、appeal.*、*；留空为该类默认"
    )
    districts: list[District] = Field(default_factory=lambda: ["*"], min_length=1, max_length=100)
    least_level: int = Field(0, ge=0, le=4, description="预警的最低等级 / least level of alerts")
    repeats: bool = Field(False, description="宁可重复、不可遗漏（群机器人和邮件）/ rather twice than not at all")


class TargetOut(Output):
    """A receiver; its address and secrets are never answered."""

    id: UUID
    name: str
    kind: TargetKind
    host: str = Field(description="发往的主机 / host only")
    topics: list[str]
    districts: list[str]
    least_level: int
    repeats: bool
    failures: int = Field(description="连续不可达次数 / failures in a row")
    last_error: str
    created_by: str
    created_at: datetime


class NewTargetOut(TargetOut):
    """A receiver that was just added or changed."""

    secret: str = Field(description="webhook 的签名密钥，只显示这一次；其他类型为空 / shown this once")


class TargetList(Output):
    """All receivers by name."""

    items: list[TargetOut]


class RemovedOut(Output):
    """A receiver that was removed."""

    waiting: int = Field(description="未发出而关闭的消息数 / messages that waited for it, now closed")


class TriedOut(Output):
    """How a test message ended."""

    outcome: Literal["delivered", "refused", "unreached", "unknown"]
    reason: str


class DeliveryOut(Output):
    """A message for one receiver."""

    id: UUID
    topic: str
    key: str
    target_id: UUID
    target: str
    state: DeliveryState
    attempts: int
    last_error: str
    created_at: datetime
    tried_at: datetime | None
    settled_by: str
    settled_at: datetime | None


class DeliveryPage(Output):
    """A page of deliveries, the latest first."""

    items: list[DeliveryOut]
    next: UUID | None = Field(description="下一页的游标；没有更多时为 null")
