"""Every error as problem+json (RFC 9457): what is wrong with which field and what to do, never a value that was sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

MEDIA_TYPE = "application/problem+json"
NAMESPACE = "urn:citizen-appeal-triage:problem:"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of problem: its last part of ``type``, its status and its title."""

    name: str
    status: int
    title: str


MALFORMED = Kind("malformed", 400, "请求格式错误")
FOREIGN_HOST = Kind("foreign-host", 400, "主机名不被接受")
UNAUTHENTICATED = Kind("unauthenticated", 401, "未登录或凭证无效")
FORBIDDEN = Kind("forbidden", 403, "没有权限")
NOT_FOUND = Kind("not-found", 404, "没有找到")
NOT_ALLOWED = Kind("method-not-allowed", 405, "不支持的方法")
TOO_SLOW = Kind("request-timeout", 408, "请求接收超时")
CONFLICT = Kind("conflict", 409, "与现有数据冲突")
TOO_LARGE = Kind("too-large", 413, "请求过大")
MEDIA = Kind("unsupported-media-type", 415, "不支持的内容类型")
INVALID = Kind("invalid", 422, "内容不符合要求")
TOO_MANY = Kind("too-many-requests", 429, "请求过于频繁")
FAILED = Kind("internal-error", 500, "服务内部错误")
UNAVAILABLE = Kind("unavailable", 503, "服务暂不可用")

BY_STATUS: Mapping[int, Kind] = MappingProxyType(
    {
        kind.status: kind
        for kind in (
            MALFORMED,
            UNAUTHENTICATED,
            FORBIDDEN,
            NOT_FOUND,
            NOT_ALLOWED,
            TOO_SLOW,
            CONFLICT,
            TOO_LARGE,
            MEDIA,
            INVALID,
            TOO_MANY,
            FAILED,
            UNAVAILABLE,
        )
    }
)


class FieldProblem(BaseModel):
    """One field that does not hold what it must."""

    field: str = Field(description="字段位置 / where it stands", examples=["body.content"])
    message: str = Field(description="问题与处理办法 / what is wrong and what to do", examples=["不能为空"])


class ProblemBody(BaseModel):
    """An error (RFC 9457). ``instance`` is the number under which the service's log knows the request."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": f"{NAMESPACE}not-found",
                "title": "没有找到",
                "status": 404,
                "detail": "没有这个编号的诉求；请核对编号",
                "instance": "urn:uuid:0b9bb2c4-8a4f-4b43-9d3f-3b8a4a0f2c11",
            }
        }
    )

    type: str = Field(description="问题种类 / kind of problem, a stable name")
    title: str = Field(description="标题 / title of the kind")
    status: int = Field(description="HTTP 状态码", ge=400, le=599)
    detail: str = Field(description="问题与处理办法 / what is wrong here and what to do; holds no text that was sent")
    instance: str = Field(description="请求编号 / number of the request")
    errors: list[FieldProblem] | None = Field(None, description="各字段的问题 / one entry per field, status 422 only")
    existing: UUID | None = Field(
        None, description="已有诉求的编号 / the appeal that is already there, status 409 only"
    )


class Problem(HTTPException):
    """Raised anywhere in a request; answered as problem+json.

    Attributes:
        kind: What kind of problem.
        extra: Further members of the body (``errors``, ``existing``).
    """

    def __init__(
        self,
        kind: Kind,
        detail: str,
        *,
        headers: Mapping[str, str] | None = None,
        extra: Mapping[str, Any] | None = None,
    ) -> None:
        """Store kind, detail (Chinese, with the remedy), headers and further members."""
        super().__init__(kind.status, detail, dict(headers) if headers else None)
        self.kind = kind
        self.extra = dict(extra or {})

    def __reduce__(self) -> tuple[Any, ...]:
        """Allow copies: HTTPException's own would call the constructor with other arguments."""
        return (_rebuild, (self.kind, self.detail, self.headers, self.extra))


def _rebuild(kind: Kind, detail: str, headers: Mapping[str, str] | None, extra: Mapping[str, Any]) -> Problem:
    return Problem(kind, detail, headers=headers, extra=extra)


def problem_response(problem: Problem, request_id: str) -> JSONResponse:
    """Return the answer for a problem."""
    body: dict[str, Any] = {
        "type": NAMESPACE + problem.kind.name,
        "title": problem.kind.title,
        "status": problem.kind.status,
        "detail": problem.detail,
        "instance": f"urn:uuid:{request_id}",
        **problem.extra,
    }
    return JSONResponse(body, status_code=problem.kind.status, headers=problem.headers, media_type=MEDIA_TYPE)


def too_many(seconds: float, detail: str) -> Problem:
    """Return the answer to somebody who asks too often; ``seconds`` until the next try makes sense."""
    return Problem(TOO_MANY, detail, headers={"Retry-After": str(max(1, round(seconds + 0.5)))})


def unavailable(seconds: int, detail: str) -> Problem:
    """Return the answer of a service that cannot now but will."""
    return Problem(UNAVAILABLE, detail, headers={"Retry-After": str(max(1, seconds))})


_DETAILS: Mapping[int, str] = MappingProxyType(
    {
        400: "请求无法解析；请检查 JSON 或表单格式",
        401: "请在 Authorization 头中给出有效密钥，或重新登录",
        403: "当前身份没有此项权限；请联系管理员",
        404: "没有这个地址或编号；请核对",
        405: "此地址不支持该方法；允许的方法见 Allow 头",
        413: "请求体超过上限；请拆分后再发",
        415: "请使用接口文档规定的内容类型",
        422: "请求内容不符合要求；请对照接口文档修改",
        429: "请求过于频繁；请按 Retry-After 头所示时间后再试",
        500: "服务内部错误，已记录；请稍后重试，并把 instance 告知管理员",
        503: "服务暂不可用；请按 Retry-After 头所示时间后再试",
    }
)


def from_status(status: int, headers: Mapping[str, str] | None = None) -> Problem:
    """Return the general problem for a status that a library answered with; its own words are not passed on."""
    kind = BY_STATUS.get(status)
    if kind is None:
        kind = MALFORMED if status < 500 else FAILED
    return Problem(
        kind, _DETAILS.get(status, _DETAILS[kind.status if kind.status in _DETAILS else 400]), headers=headers
    )


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the ``responses`` of a route: the statuses given and those that every route may answer with.

    The bodies (`ProblemBody` as problem+json) are added by `api.openapi.describe`.
    """
    return {status: {"description": BY_STATUS[status].title} for status in sorted({*statuses, *_EVERYWHERE})}


_EVERYWHERE: Sequence[int] = (400, 500, 503)


def example_of(status: int) -> dict[str, Any]:
    """Return an example body for the documentation of a status."""
    kind = BY_STATUS[status]
    example: dict[str, Any] = {
        "type": NAMESPACE + kind.name,
        "title": kind.title,
        "status": status,
        "detail": _DETAILS.get(status, kind.title),
        "instance": "urn:uuid:0b9bb2c4-8a4f-4b43-9d3f-3b8a4a0f2c11",
    }
    if status == 422:
        example["errors"] = [{"field": "body.content", "message": "不能为空"}]
    return example
