"""From what a use case, a library or a check raises to the problem that is answered."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from api import problems
from api.observe import request_id_of
from api.problems import Problem
from models.errors import TriageError
from triage.errors import BundleError, DirectoryError, InputError
from triage.store import errors

LOG = logging.getLogger("api.errors")
_RETRY_SECONDS = 5

_KINDS: Sequence[tuple[type[TriageError], problems.Kind]] = (
    (errors.Unauthenticated, problems.UNAUTHENTICATED),
    (errors.NotFound, problems.NOT_FOUND),
    (errors.Refused, problems.FORBIDDEN),
    (errors.Conflict, problems.CONFLICT),
    (errors.StoreUnavailable, problems.UNAVAILABLE),
    (errors.MigrationNeeded, problems.UNAVAILABLE),
    (errors.Locked, problems.UNAVAILABLE),
    (InputError, problems.INVALID),
    (DirectoryError, problems.INVALID),
    (BundleError, problems.INVALID),
)


def install_handlers(app: FastAPI) -> None:
    """Answer every error of a request as problem+json."""
    for kind in _HANDLERS:
        app.add_exception_handler(kind, _answer)


def problem_for(request: Request, error: Exception) -> Problem:
    """Return what is to be told of an error, and log what the operator must see."""
    kind = next((kind for kind in _HANDLERS if isinstance(error, kind)), None)
    return _HANDLERS[kind](request, error) if kind is not None else problems.from_status(500)


def problem_of(error: TriageError) -> Problem:
    """Return the problem for an error of the use cases; their messages hold no texts, so they are passed on."""
    kind = next((kind for known, kind in _KINDS if isinstance(error, known)), None)
    if kind is None:
        # What is not listed names files and folders of the server, which a client has no business with.
        return problems.from_status(500)
    extra = None
    if isinstance(error, errors.DuplicateReference) and error.appeal_id:
        # Empty where the stored appeal belongs to a district that the caller does not see.
        extra = {"existing": error.appeal_id}
    headers = {"Retry-After": str(_RETRY_SECONDS)} if kind is problems.UNAVAILABLE else None
    if kind is problems.UNAUTHENTICATED:
        headers = {"WWW-Authenticate": "Bearer"}
    return Problem(kind, str(error), headers=headers, extra=extra)


def _answer(request: Request, error: Exception) -> Response:
    return problems.problem_response(problem_for(request, error), request_id_of(request.scope))


def _on_triage_error(request: Request, error: Exception) -> Problem:
    problem = problem_of(error) if isinstance(error, TriageError) else problems.from_status(500)
    if problem.status_code >= 500:
        LOG.error("refused", exc_info=error, extra={"action": "refused", "request": request_id_of(request.scope)})
    return problem


def _on_database_error(request: Request, error: Exception) -> Problem:
    """Answer a failed statement: 503 where the connection or the time ran out, 500 else. Its message quotes values."""
    lost = isinstance(error, DBAPIError) and (error.connection_invalidated or _sqlstate(error) in _PASSING)
    LOG.error("database", exc_info=error, extra={"action": "database", "request": request_id_of(request.scope)})
    return problems.unavailable(_RETRY_SECONDS, "数据库暂不可用；请稍后重试") if lost else problems.from_status(500)


_PASSING = frozenset({"57014", "57P01", "57P02", "57P03", "53300", "40001", "40P01", "55P03"})
"""Cancelled by time limit, shutting down, crash, starting, too many connections, serialisation, deadlock, lock."""


def _sqlstate(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or "57P03"


def _on_http_error(_request: Request, error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    if isinstance(error, HTTPException):
        return problems.from_status(error.status_code, error.headers)
    return problems.from_status(500)


def _on_invalid(_request: Request, error: Exception) -> Problem:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    if any(entry.get("type") == "json_invalid" for entry in found):
        return Problem(problems.MALFORMED, "请求体不是合法的 JSON；请检查引号、逗号和括号")
    listed = [{"field": _field(entry), "message": _message(entry)} for entry in found[:50]]
    first = f"{listed[0]['field']}：{listed[0]['message']}" if listed else "请对照接口文档修改"
    return Problem(problems.INVALID, first, extra={"errors": listed})


_HANDLERS: Mapping[type[Exception], Callable[[Request, Exception], Problem]] = MappingProxyType(
    {
        HTTPException: _on_http_error,
        RequestValidationError: _on_invalid,
        TriageError: _on_triage_error,
        SQLAlchemyError: _on_database_error,
    }
)

_OUR_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,39}")


def _field(entry: Mapping[str, Any]) -> str:
    """Return where it stands, e.g. ``body.appeals.3.content``; a name that the client invented is left out."""
    steps = list(entry.get("loc", ()))
    if entry.get("type") == "extra_forbidden":
        steps = steps[:-1]
    kept = [str(step) for step in steps if isinstance(step, int) or _OUR_NAME.fullmatch(str(step))]
    return ".".join(kept) or "body"


def _message(entry: Mapping[str, Any]) -> str:
    """Say in Chinese what is wrong; only numbers and choices of our own schema are filled in."""
    template = _MESSAGES.get(str(entry.get("type")))
    if template is None:
        return "不符合要求；请对照接口文档修改"
    limits = {key: value for key, value in (entry.get("ctx") or {}).items() if key in _LIMITS}
    try:
        return template.format(**limits)
    except KeyError:
        return "不符合要求；请对照接口文档修改"


_LIMITS = frozenset({"max_length", "min_length", "ge", "le", "gt", "lt", "expected"})
_TIME = "应为带时区的时间，如 2026-03-01T09:30:00+08:00"
_MESSAGES: Mapping[str, str] = MappingProxyType(
    {
        "missing": "缺少此项；请补上",
        "extra_forbidden": "含有未知字段；请对照接口文档删去或改正拼写",
        "string_type": "应为文字；请加引号",
        "string_too_long": "过长；最多 {max_length} 个字符",
        "string_too_short": "为空或过短；至少 {min_length} 个字符",
        "string_pattern_mismatch": "为空白或含有不能存储的字符（如空字符 NUL）；请改正",
        "string_unicode": "含有不成对的代理字符，不是合法的 Unicode；请改正",
        "too_long": "项数过多；最多 {max_length} 项",
        "too_short": "项数过少；至少 {min_length} 项",
        "list_type": "应为数组",
        "model_attributes_type": "应为 JSON 对象；请检查 Content-Type 是否为 application/json",
        "dict_type": "应为 JSON 对象",
        "bool_type": "应为 true 或 false",
        "bool_parsing": "应为 true 或 false",
        "int_type": "应为整数",
        "int_parsing": "应为整数",
        "int_parsing_size": "整数过大",
        "int_from_float": "应为整数",
        "float_parsing": "应为数字",
        "finite_number": "应为有限的数字",
        "greater_than_equal": "不得小于 {ge}",
        "less_than_equal": "不得大于 {le}",
        "greater_than": "应大于 {gt}",
        "less_than": "应小于 {lt}",
        "uuid_type": "应为 UUID 形式的编号",
        "uuid_parsing": "应为 UUID 形式的编号",
        "literal_error": "应为 {expected} 之一",
        "enum": "应为 {expected} 之一",
        "timezone_aware": _TIME,
        "datetime_type": _TIME,
        "datetime_parsing": _TIME,
        "datetime_from_date_parsing": _TIME,
        "datetime_object_invalid": _TIME,
        "moment_range": "时间应在 1990 年至 2099 年之间",
    }
)
