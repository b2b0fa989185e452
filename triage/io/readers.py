"""Appeals out of csv, xlsx and jsonl files, row by row; a bad row is reported and the rest goes on."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Generator, Iterator, Mapping
from contextlib import closing
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from triage.appeal import Appeal
from triage.errors import InputError
from triage.io.columns import ColumnMap, map_columns
from triage.io.delimited import open_delimited
from triage.io.headers import Wanted
from triage.io.jsonl import RAW_LINE, open_jsonl
from triage.io.rows import Limits, Record, Reject, Row, place
from triage.io.times import earliest, parse_time
from triage.io.workbooks import open_workbook

__all__ = ["SUFFIXES", "Limits", "Record", "Reject", "Row", "read_records", "read_rows"]

UNREADABLE_TIME = "时间无法识别，按无时间处理"
SCIENTIFIC_ID = "编号呈科学计数法，可能已被 Excel 截断"


class Table(Protocol):
    """An open file of rows."""

    header: tuple[str, ...]

    def records(self) -> Generator[Record | Reject, None, None]:
        """Yield every row that has any text."""
        ...


_OPENERS: Mapping[str, Callable[[Path, Wanted, Limits], Table]] = MappingProxyType(
    {
        ".csv": open_delimited,
        ".tsv": open_delimited,
        ".xlsx": open_workbook,
        ".jsonl": open_jsonl,
        ".ndjson": open_jsonl,
    }
)
SUFFIXES = tuple(_OPENERS)
"""File types that can be read."""

_NO_COLUMNS: Mapping[str, str] = MappingProxyType({})
_NOTHING = frozenset({"null", "none", "nan", "nat", "n/a", "#n/a", "\\n"})
_BLANK = " \t\r\n\v\f\u00a0\u3000\u200b\u200c\u200d\u2060\ufeff"
_ZIP = b"PK\x03\x04"
_OLE = b"\xd0\xcf\x11\xe0"
_DEFAULTS = Limits()


def read_rows(
    path: Path,
    *,
    columns: Mapping[str, str] = _NO_COLUMNS,
    limits: Limits = _DEFAULTS,
    on_reject: Callable[[Reject], None] | None = None,
) -> Iterator[Row]:
    """Read appeals from a file, in order, holding one row at a time.

    Args:
        path: A .csv, .tsv, .xlsx, .jsonl or .ndjson file in UTF-8, GB18030 or UTF-16.
        columns: Canonical name → source column, for headers that are not recognised (``{"content":
            "某列"}``).
        limits: What one input may ask of the machine.
        on_reject: Called with every row that is not yielded; together rows and rejects are all rows of the
            file that hold any text.

    Yields:
        The rows that hold an appeal.

    Raises:
        InputError: The file as a whole cannot be used: missing, empty, header only, another format than its
        suffix
            says, broken, or without a column for the content.
    """
    seen: set[int] = set()
    maps: dict[tuple[str, ...], ColumnMap] = {}
    for record in read_records(path, columns=columns, required=("content",), limits=limits, on_reject=on_reject):
        keys = tuple(record.fields)
        if keys not in maps:
            if len(maps) >= limits.columns:  # every object of a jsonl file may have other keys
                maps.clear()
            maps[keys] = map_columns(keys, columns)
        row = _row(record, maps[keys], seen)
        if isinstance(row, Row):
            yield row
        elif on_reject is not None:
            on_reject(row)


def read_records(
    path: Path,
    *,
    columns: Mapping[str, str] = _NO_COLUMNS,
    required: Collection[str] = (),
    limits: Limits = _DEFAULTS,
    on_reject: Callable[[Reject], None] | None = None,
) -> Iterator[Record]:
    """Read any table (units, same-event labels, …) as records of text; see `read_rows` for the arguments.

    Args:
        path: The file.
        columns: Canonical name → source column.
        required: Canonical names of which the table must have a column.
        limits: What one input may ask of the machine.
        on_reject: Called with every row that cannot be read.

    Raises:
        InputError: The file as a whole cannot be used.
    """
    wanted = Wanted(columns=columns, required=required)
    empty = True
    try:
        with closing(_open(path, wanted, limits).records()) as records:
            for record in records:
                empty = False
                checked = _too_long(record, limits) if isinstance(record, Record) else record
                if isinstance(checked, Record):
                    yield checked
                elif on_reject is not None:
                    on_reject(checked)
    except OSError as error:
        raise InputError(f"{path.name} 读取失败（{error.strerror}）；请检查文件和权限") from error
    if empty:
        raise InputError(f"{path.name} 只有表头，没有数据行；请检查导出是否完整")


def _open(path: Path, wanted: Wanted, limits: Limits) -> Table:
    suffix = path.suffix.lower()
    if suffix not in _OPENERS:
        advice = "请在 Excel 中另存为 .xlsx" if suffix.startswith(".xl") or suffix == ".et" else "请改用这些格式"
        raise InputError(f"{path.name}：不支持 {suffix or '无扩展名的'} 文件，可读 {'、'.join(SUFFIXES)}；{advice}")
    if not path.is_file():
        raise InputError(f"找不到文件 {path}；请检查路径")
    with path.open("rb") as handle:
        start = handle.read(4)
    if not start:
        raise InputError(f"{path.name} 是空文件；请检查导出是否完整")
    if start == _OLE:
        raise InputError(f"{path.name} 是旧版或加密的 Excel 文件；请取消密码并另存为 .xlsx")
    if start == _ZIP and suffix != ".xlsx":
        raise InputError(f"{path.name} 的内容是 Excel 工作簿（或压缩包）；请把扩展名改为 .xlsx")
    if start != _ZIP and suffix == ".xlsx":
        raise InputError(f"{path.name} 的内容不是 Excel 工作簿；若是文本请把扩展名改为 .csv，否则请重新导出")
    return _OPENERS[suffix](path, wanted, limits)


def _too_long(record: Record, limits: Limits) -> Record | Reject:
    for name, text in record.fields.items():
        if len(text) > limits.cell_chars:
            problem = f"有 {len(text)} 个字符，超过 {limits.cell_chars} 的上限；请截短或拆成几件"
            return _reject(record, name, f"「{name}」{problem}")
    return record


def _row(record: Record, found: ColumnMap, seen: set[int]) -> Row | Reject:
    fields = record.fields
    given = {name: fields[source] for name, source in found.sources.items()}
    bad = _not_text(record, found)
    if bad:
        return _reject(record, bad, f"「{bad}」不是文本；请改为字符串")
    if is_blank(given.get("content", "")) and is_blank(given.get("title", "")):
        source = found.source("content")
        return _reject(record, source, f"「{source}」为空，标题也为空；请至少填写一项")
    identifier, known = _identifier(_cell(given, "id"), record.number, seen)
    if known:
        source = found.source("id")
        return _reject(record, source, f"「{source}」与前面的行重复（编号重复）；请改为唯一编号，或删除重复行")
    created_at, warnings = _created_at(fields, found, record.warnings)
    if _is_scientific(identifier):
        warnings = (*warnings, SCIENTIFIC_ID)
    appeal = Appeal(
        id=identifier,
        content=given.get("content", ""),
        title=given.get("title", ""),
        created_at=created_at,
        user=_cell(given, "user"),
        address=_cell(given, "address"),
        channel=_cell(given, "channel"),
    )
    return Row(
        number=record.number,
        line=record.line,
        appeal=appeal,
        fields=fields,
        sources=found.sources,
        values=record.values,
        warnings=warnings,
    )


def is_blank(text: str) -> bool:
    """Say whether a text shows nothing: white space, full-width and zero-width spaces included."""
    return not text.strip(_BLANK)


def _cell(given: Mapping[str, str], name: str) -> str:
    """Return a short field, trimmed; what databases export for nothing (NULL, nan) is nothing."""
    text = given.get(name, "").strip(_BLANK)
    return "" if text.casefold() in _NOTHING else text


def _not_text(record: Record, found: ColumnMap) -> str:
    """Return the source column of a title or content that is a JSON list or object; empty where none is."""
    for name in ("title", "content"):
        source = found.source(name)
        if record.values is not None and isinstance(record.values.get(source), (list, dict)):
            return source
    return ""


def _identifier(given: str, number: int, seen: set[int]) -> tuple[str, bool]:
    """Return the row's id, or one made from its number, and whether an earlier row has it."""
    identifier = given or f"row-{number}"
    # Eight bytes per id instead of the id: a million rows cost 60 MB; two ids of a million meet once in
    # 10**7 files.
    key = _digest(identifier)
    while not given and key in seen:
        identifier += "-1"
        key = _digest(identifier)
    known = key in seen
    seen.add(key)
    return identifier, known


def _digest(identifier: str) -> int:
    return int.from_bytes(blake2b(identifier.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def _is_scientific(identifier: str) -> bool:
    """Say whether an id looks like ``2.01801E+14``: Excel has rounded it, other rows may have the same."""
    mantissa, exponent, digits = identifier.upper().partition("E+")
    return bool(exponent) and digits.isdigit() and mantissa.replace(".", "", 1).isdigit()


def _created_at(
    fields: Mapping[str, str], found: ColumnMap, warnings: tuple[str, ...]
) -> tuple[datetime | None, tuple[str, ...]]:
    texts = [text for text in (_cell(fields, source) for source in found.times) if text]
    moments = [moment for moment in map(parse_time, texts) if moment is not None]
    if len(moments) < len(texts):
        warnings = (*warnings, UNREADABLE_TIME)
    return earliest(moments), warnings


def _reject(record: Record, field: str, problem: str) -> Reject:
    fields = record.fields
    source = map_columns(fields, _NO_COLUMNS).source("id")
    header, cells = tuple(fields), tuple(fields.values())
    if record.values is not None:
        header, cells = RAW_LINE, (json.dumps(record.values, ensure_ascii=False),)
    return Reject(
        number=record.number,
        field=field,
        reason=f"{place(record.number, record.line)}{problem}",
        id=fields.get(source, "").strip(_BLANK)[:200],
        header=header,
        cells=cells,
    )
