"""Rows of JSON Lines files: one object per line."""

from __future__ import annotations

import json
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path

from triage.io.columns import check_mapping
from triage.io.encodings import (
    HALF_CHARACTER,
    NOTHING,
    NUL_REMOVED,
    OTHER_ENCODING,
    Line,
    detect_encoding,
    read_lines,
    repair,
    replace_halves,
)
from triage.io.headers import Wanted
from triage.io.rows import Limits, Record, Reject

LOOK_AHEAD = 100
"""Objects may leave fields out; the columns of a file are those of so many first lines."""

RAW_LINE = ("原始行",)
"""Header of rejected lines in the rejects file: objects have no common columns."""


@dataclass(slots=True)
class JsonlTable:
    """An open jsonl file.

    Attributes:
        header: Keys of the first `LOOK_AHEAD` objects, in order of appearance.
    """

    header: tuple[str, ...]
    _records: Iterator[Record | Reject] = field(repr=False)

    def records(self) -> Generator[Record | Reject, None, None]:
        """Yield the lines; blank ones are passed over."""
        yield from self._records


def open_jsonl(path: Path, wanted: Wanted, limits: Limits) -> JsonlTable:
    """Open a jsonl file.

    Raises:
        InputError: The file is empty or no text, or its first objects lack a wanted column.
    """
    lines = read_lines(path, detect_encoding(path), longest=limits.record_bytes)
    records = (_read(line, limits) for line in lines if line.text.strip() not in NOTHING)
    first = list(islice(records, LOOK_AHEAD))
    header = tuple(dict.fromkeys(key for record in first if isinstance(record, Record) for key in record.fields))
    if header:
        check_mapping(header, wanted.columns, wanted.required)
    return JsonlTable(header, chain(first, records))


def _read(line: Line, limits: Limits) -> Record | Reject:
    if line.too_long:
        return _reject(line, f"超过 {limits.record_bytes >> 20} MB；请检查是否缺少换行或混入了附件")
    text, warnings = line.text, line.warnings
    if line.damaged:
        repaired = repair(text)
        if repaired is None:
            return _reject(line, "含有无法解码的字节；请以 UTF-8 重新导出该行")
        text, warnings = repaired, (*warnings, OTHER_ENCODING)
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return _reject(line, "不是有效的 JSON；请检查引号、逗号和括号")
    if not isinstance(value, dict):
        return _reject(line, "不是 JSON 对象；每行应为一个 {…} 对象")
    fields = {key: _as_text(item) for key, item in value.items()}
    # An emoji cut in two by a column limit arrives as "\ud83d", which no file could hold again.
    if "\\u" in text and any(replace_halves(item) != item for item in fields.values()):
        fields = {key: replace_halves(item) for key, item in fields.items()}
        warnings = (*warnings, HALF_CHARACTER)
    if "\\u0000" in text and any("\0" in item for item in fields.values()):
        fields = {key: item.replace("\0", "") for key, item in fields.items()}
        warnings = (*warnings, NUL_REMOVED)
    return Record(number=line.number, line=line.number, fields=fields, values=value, warnings=warnings)


def _as_text(item: object) -> str:
    if isinstance(item, str):
        return item
    if item is None:
        return ""
    return json.dumps(item, ensure_ascii=False)


def _reject(line: Line, problem: str) -> Reject:
    cells = (replace_halves(line.text.rstrip("\r\n")),)
    reason = f"第 {line.number} 行{problem}"
    return Reject(number=line.number, field="", reason=reason, header=RAW_LINE, cells=cells)
