"""Logs hold what happened to which id, and no text."""

from __future__ import annotations

import json
import logging
from io import StringIO

from api.logs import JsonFormatter, describe_error
from tests.api.harness import traces_in
from tests.api.texts import IDENTITY, PHONE


def logged(name: str, message: str, *arguments: object, **extra: object) -> dict[str, object]:
    stream = StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    logger = logging.Logger(name)
    logger.addHandler(handler)
    try:
        int(f"直接引用了{PHONE}")
    except ValueError:
        logger.exception(message, *arguments, extra=extra)
    line: dict[str, object] = json.loads(stream.getvalue())
    return line


def test_an_error_is_its_type_and_place_without_its_message() -> None:
    line = logged("api.service", "failed", action="x")
    assert PHONE not in json.dumps(line, ensure_ascii=False)
    assert "builtins.ValueError" in json.dumps(line)
    assert line["action"] == "x"


def test_messages_of_other_libraries_are_left_out() -> None:
    line = logged("asyncio", "Task exception: %s", PHONE)
    assert PHONE not in json.dumps(line)
    assert "message" not in line


def test_only_known_extras_are_written() -> None:
    line = logged("triage.casework", "received", appeal_id="1", content="苍蝇乱飞")
    assert line["appeal_id"] == "1"
    assert "content" not in line


def test_causes_are_named_as_well() -> None:
    error = RuntimeError("a")
    error.__cause__ = KeyError(PHONE)
    assert [entry["type"] for entry in describe_error(error)] == ["builtins.RuntimeError", "builtins.KeyError"]


def test_the_scan_of_the_log_can_fail() -> None:
    assert traces_in(f"x {PHONE} y") == [PHONE]
    assert traces_in(f"id={IDENTITY}") == [IDENTITY]
    assert traces_in("… 苍蝇乱飞 …") == ["苍蝇乱飞"]
    assert traces_in('{"id": "01a2050e-a6f7-7d6e-bb55-253e13900001", "ms": 1390.00}') == []
