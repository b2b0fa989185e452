"""Users, keys and sessions."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from api.schemas.common import SOMETHING, Input, Moment, Output

Role = Literal["intake", "dispatcher", "officer", "analyst", "admin"]
District = Annotated[str, Field(min_length=1, max_length=50, pattern=r"^[^\x00-\x1f]+$")]
Districts = Annotated[list[District], Field(min_length=1, max_length=100)]
Password = Annotated[str, Field(min_length=1, max_length=200, pattern=r"^[^\x00]*$")]
UserName = Annotated[str, Field(min_length=1, max_length=50, pattern=SOMETHING)]


class UserIn(Input):
    """A person who may log in."""

    name: UserName = Field(examples=["zhaofei"])
    password: Password = Field(examples=["a long sentence nobody knows"])
    role: Role = Field(description="角色 / intake 登记、dispatcher 派单、officer 值班、analyst 分析、admin 管理")
    districts: Districts = Field(description='可见的区；["*"] 为全市', examples=[["云桥区"]])


class PasswordIn(Input):
    """A new password."""

    password: Password


class UserOut(Output):
    """A person who may log in."""

    id: UUID
    name: str
    role: Role
    districts: list[str]
    disabled: bool
    locked_until: datetime | None
    created_at: datetime


class UserList(Output):
    """All users by name."""

    items: list[UserOut]


class KeyIn(Input):
    """A key for another program."""

    label: str = Field(min_length=1, max_length=100, pattern=SOMETHING, examples=["热线系统"])
    role: Role
    districts: Districts = Field(examples=[["*"]])
    expires_at: Moment | None = None


class KeyOut(Output):
    """A key; its secret is stored nowhere."""

    id: UUID
    label: str
    role: Role
    districts: list[str]
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    used_at: datetime | None


class NewKeyOut(KeyOut):
    """A new key with its secret, shown this once."""

    secret: str = Field(description="只显示这一次 / shown this once", examples=["tk_…"])


class KeyList(Output):
    """All keys, oldest first."""

    items: list[KeyOut]


class LogInIn(Input):
    """Name and password."""

    name: UserName
    password: Password


class SessionOut(Output):
    """Who is logged in; ``csrf`` goes into the X-CSRF-Token header of every changing request."""

    user: str
    role: str
    districts: list[str]
    csrf: str
