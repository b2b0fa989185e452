"""A decision as one flat row under Chinese headers, for people who work in Excel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from triage.appeal import Appeal
from triage.io.cells import Cell
from triage.io.times import china

UNITS = 3
FUNCTIONS = 3
SIMILAR = 10
"""So many candidates and similar appeals are shown; the jsonl result holds all."""

_DECISIONS = {"auto": "自动派单", "review": "人工审核"}


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """One column of the flat table.

    Attributes:
        header: Chinese header.
        width: Width in characters.
        style: ``text``, ``share`` (0 … 1, shown in percent), ``number``, ``time`` or ``risk`` (filled by
            `risk_colour`).
        value: Reads the cell from a result record and, where given, its appeal.
    """

    header: str
    width: int
    style: str
    value: Callable[[Mapping[str, Any], Appeal | None], Cell]


def flat_row(record: Mapping[str, Any], appeal: Appeal | None) -> list[Cell]:
    """Return the cells of a result record, in the order of `COLUMNS`."""
    return [column.value(record, appeal) for column in COLUMNS]


def risk_colour(record: Mapping[str, Any]) -> str:
    """Return the colour word of the risk (红, 橙, 黄, 蓝 …); empty where there is none."""
    return str(_at(record, "risk", "color") or "")


def _at(record: Mapping[str, Any], *keys: str | int) -> Any:
    """Return the value at a path, None as soon as a step is missing: a record may lack parts (``route_out`` null)."""
    value: Any = record
    try:
        for key in keys:
            value = value[key]
    except (KeyError, IndexError, TypeError):
        return None
    return value


def _path(*keys: str | int) -> Callable[[Mapping[str, Any], Appeal | None], Cell]:
    def read(record: Mapping[str, Any], appeal: Appeal | None) -> Cell:
        value = _at(record, *keys)
        return value if value is None or isinstance(value, (str, int, float)) else str(value)

    return read


def _column(header: str, width: int, *keys: str | int, style: str = "text") -> Column:
    return Column(header=header, width=width, style=style, value=_path(*keys))


def _candidates(header: str, part: str, count: int, width: int) -> list[Column]:
    columns = []
    for rank in range(count):
        name = f"{header}{rank + 1}"
        columns.append(_column(name, width, part, "candidates", rank, "name"))
        columns.append(_column(f"{name}概率", 9, part, "candidates", rank, "probability", style="share"))
    return columns


def _arrived(record: Mapping[str, Any], appeal: Appeal | None) -> Cell:
    return appeal.created_at.astimezone(china()) if appeal is not None and appeal.created_at is not None else None


def _due(key: str) -> Callable[[Mapping[str, Any], Appeal | None], Cell]:
    def read(record: Mapping[str, Any], appeal: Appeal | None) -> Cell:
        text = _at(record, "deadline", key)
        if not isinstance(text, str):
            return None
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return text
        return moment.astimezone(china()) if moment.tzinfo else moment

    return read


def _decision(record: Mapping[str, Any], appeal: Appeal | None) -> Cell:
    decision = _at(record, "unit", "decision")
    return _DECISIONS.get(str(decision), str(decision)) if decision else None


def _texts(
    *keys: str, between: str = "；", numbered: bool = False
) -> Callable[[Mapping[str, Any], Appeal | None], Cell]:
    def read(record: Mapping[str, Any], appeal: Appeal | None) -> Cell:
        texts = [str(item.get("text") or item.get("name") or "") for item in _at(record, *keys) or ()]
        if numbered and len(texts) > 1:
            texts = [f"{number}. {text}" for number, text in enumerate(texts, 1)]
        return between.join(text for text in texts if text)

    return read


def _similar(record: Mapping[str, Any], appeal: Appeal | None) -> Cell:
    found = _at(record, "event", "similar") or ()
    shown = [f"{item['id']}（{float(item['probability']):.0%}）" for item in found[:SIMILAR]]
    return "；".join(shown) + ("；…" if len(found) > SIMILAR else "")


def _assisting(record: Mapping[str, Any], appeal: Appeal | None) -> Cell:
    return "、".join(map(str, _at(record, "assisting") or ()))


def _other_channel(record: Mapping[str, Any], appeal: Appeal | None) -> Cell:
    channel, reason = _at(record, "route_out", "channel"), _at(record, "route_out", "reason")
    return f"{channel}（{reason}）" if channel and reason else channel


COLUMNS: tuple[Column, ...] = (
    _column("编号", 20, "id"),
    Column(header="时间", width=18, style="time", value=_arrived),
    *_candidates("建议单位", "unit", UNITS, 20),
    Column(header="处置方式", width=11, style="text", value=_decision),
    _column("理由", 36, "unit", "reason"),
    *_candidates("职能", "function", FUNCTIONS, 16),
    _column("区域", 14, "area", "name"),
    _column("一级类别", 14, "category", "candidates", 0, "l1"),
    _column("二级类别", 20, "category", "candidates", 0, "l2"),
    _column("诉求类型", 10, "type", "candidates", 0, "name"),
    _column("风险等级", 10, "risk", "level", style="risk"),
    _column("风险颜色", 10, "risk", "color", style="risk"),
    _column("风险分", 9, "risk", "score", style="share"),
    _column("紧急", 9, "risk", "emergency", style="share"),
    Column(header="风险因素", width=20, style="text", value=_texts("risk", "factors", between="、")),
    Column(header="风险依据", width=36, style="text", value=_texts("risk", "evidence")),
    _column("事件编号", 18, "event", "id"),
    _column("同事件件数", 11, "event", "size", style="number"),
    Column(header="相似工单", width=28, style="text", value=_similar),
    Column(header="诉求项", width=40, style="text", value=_texts("demands", between="\n", numbered=True)),
    _column("层级", 10, "level", "name"),
    Column(header="协办单位", width=22, style="text", value=_assisting),
    Column(header="转其他渠道", width=24, style="text", value=_other_channel),
    Column(header="受理期限", width=18, style="time", value=_due("accept_by")),
    Column(header="办结期限", width=18, style="time", value=_due("finish_by")),
    Column(header="说明", width=44, style="text", value=_texts("explanation")),
    _column("模型版本", 18, "versions", "bundle"),
)
"""The flat table, left to right: what the dispatcher needs first comes first."""
