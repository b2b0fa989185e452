"""A report as JSON and back; the same report gives the same bytes."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Mapping
from datetime import date
from enum import Enum
from functools import cache
from typing import Any

from triage.errors import TriageError
from triage.reports.content import Report

VERSION = 1
"""Raised when a field changes its meaning; a kept report of another version is refused."""


class ReportFormatError(TriageError):
    """A kept report cannot be read."""


def to_json(report: Report) -> dict[str, Any]:
    """Return plain dictionaries, lists, strings and numbers; dates in ISO form."""
    return {"version": VERSION, "report": _plain(report)}


def dumps(report: Report) -> bytes:
    """Return a report as UTF-8 JSON, keys in the order of the fields."""
    return json.dumps(to_json(report), ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def loads(data: bytes) -> Report:
    """Read what `dumps` wrote.

    Raises:
        ReportFormatError: It is of another version or no report.
    """
    return from_json(json.loads(data))


def from_json(data: Mapping[str, Any]) -> Report:
    """Read what `to_json` made.

    Raises:
        ReportFormatError: It is of another version or no report.
    """
    if data.get("version") != VERSION:
        raise ReportFormatError("报告由其他版本的程序生成；请重新生成该期报告")
    try:
        found: Report = _typed(Report, data["report"])
    except (KeyError, TypeError, ValueError) as error:
        raise ReportFormatError("报告内容已损坏；请重新生成该期报告") from error
    return found


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    return value.isoformat() if isinstance(value, date) else value


@cache
def _hints(kind: type) -> dict[str, Any]:
    return typing.get_type_hints(kind)


def _typed(kind: Any, value: Any) -> Any:
    """Return a plain value as what an annotation says: a dataclass, tuple, date, enumeration, or itself."""
    origin = typing.get_origin(kind)
    if origin in (types.UnionType, typing.Union):
        (inner,) = (one for one in typing.get_args(kind) if one is not type(None))
        return None if value is None else _typed(inner, value)
    if origin is tuple:
        inner = typing.get_args(kind)[0]
        return tuple(value) if inner in (int, str, float) else tuple(_typed(inner, item) for item in value)
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        return kind(**{name: _typed(hint, value[name]) for name, hint in _hints(kind).items()})
    if isinstance(kind, type) and issubclass(kind, date):
        return kind.fromisoformat(value)
    return kind(value) if isinstance(kind, type) and issubclass(kind, Enum) else value
