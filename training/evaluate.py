"""Judges decisions against gold columns: the same code path as `triage run`, then figures."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from models.abstention import lower_bound
from training.drift import periods
from training.event_folds import event_figures, judge_events
from training.event_metrics import GoldEvent
from training.metrics import average_precision, micro_f1, ranking_figures, risk_figures
from triage.appeal import Appeal
from triage.decision import AUTO, Decision, Quote
from triage.document import read_document
from triage.errors import InputError
from triage.io.readers import read_records, read_rows
from triage.io.rows import Record, Row
from triage.linking import event_item
from triage.service import CHUNK, Triage

Progress = Callable[[int, int], bool]
_LIST = re.compile(r"[、,，;；|]+")


@dataclass(frozen=True, slots=True)
class Judged:
    """One appeal with its decision and its gold row."""

    row: Row
    decision: Decision


def evaluate(
    path: Path,
    triage: Triage,
    *,
    label: str,
    columns: Mapping[str, str],
    events: Path | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Decide every row of a file and compare with its gold columns.

    Args:
        path: Appeals with gold columns; rows without a gold value are left out of that figure.
        triage: As loaded for `triage run`.
        label: Column that the unit candidates are compared with.
        columns: Canonical name → source column.
        events: Same-event file (id, event, batch); judged over the appeals of ``path``.
        progress: Called with (rows done, 0): the number of rows is not known beforehand.

    Returns:
        Figures by part; only parts for which there is gold.

    Raises:
        InputError: If the file has no usable row or no gold column at all.
    """
    judged = list(_decided(path, triage, columns, progress))
    if not judged:
        raise InputError(f"{path}：没有可评测的行")
    parts: dict[str, Any] = {
        "function": _ranked_part(judged, lambda row: _first(row.value("dept")), _functions),
        "l1": _ranked_part(judged, lambda row: row.text("l1"), _l1),
        "l2": _ranked_part(judged, _category, _categories),
        "type": _ranked_part(judged, lambda row: row.text("type"), _types),
        "risk": _risk_part(judged),
        "emergency": _emergency_part(judged),
        "factors": _factor_part(judged),
        "evidence": _evidence_part(judged),
    }
    # Last: where the city's own answer is called l1, its model is judged, not the base bundle's topics.
    own = _unit_part(judged, label, target=triage.settings.precision)
    parts |= {label: own} if own is not None else {}
    if events is not None:
        parts["events"] = _event_part(judged, triage, events)
    found = {name: part for name, part in parts.items() if part is not None}
    if not found:
        raise InputError(
            f"{path}：没有可比对的标注列；应有 {label}、dept、l1、l2、type、risk 等列之一，或用 --label 指定"
        )
    return {"n": len(judged), "date": date.today().isoformat(), "file": path.name} | found  # noqa: DTZ011 - local day


def _decided(path: Path, triage: Triage, columns: Mapping[str, str], progress: Progress | None) -> Iterator[Judged]:
    chunk: list[Row] = []
    done = 0
    for row in read_rows(path, columns=columns):
        chunk.append(row)
        if len(chunk) == CHUNK:
            yield from _judge(chunk, triage)
            done += len(chunk)
            chunk = []
            if progress is not None:
                progress(done, 0)
    yield from _judge(chunk, triage)


def _judge(rows: Sequence[Row], triage: Triage) -> Iterator[Judged]:
    decisions = triage.decide_batch([row.appeal for row in rows])
    return (Judged(row, decision) for row, decision in zip(rows, decisions, strict=True))


def _unit_part(judged: Sequence[Judged], label: str, *, target: float) -> dict[str, Any] | None:
    """Compare unit candidates with the label column, and count what would have been dispatched without a person.

    ``target`` is the precision that the automatic threshold was chosen for; ``periods`` says how all this held over time.
    """
    known = [one for one in judged if one.row.text(label) and one.decision.unit.candidates]
    if not known:
        return None
    truth = [one.row.text(label) for one in known]
    candidates = [one.decision.unit.candidates for one in known]
    ranked = [[c.name for c in some] for some in candidates]
    confidence = [some[0].probability for some in candidates]
    record = ranking_figures(ranked, confidence, truth).to_record()
    correct = np.array([names[0] == answer for names, answer in zip(ranked, truth, strict=True)])
    auto = np.array([one.decision.unit.decision == AUTO for one in known])
    dispatched, right = int(auto.sum()), int(correct[auto].sum())
    record["auto"] = {
        "n": dispatched,
        "coverage": round(dispatched / len(known), 4),
        "precision": round(right / dispatched, 4) if dispatched else None,
        "lower_bound": round(lower_bound(right, dispatched), 4),
        "target": target,
    }
    found = periods([one.row.appeal.created_at for one in known], np.array(confidence), correct, auto)
    record["periods"] = [period.to_record() for period in found]
    return record


def _ranked_part(
    judged: Sequence[Judged],
    gold: Callable[[Row], str],
    said: Callable[[Decision], list[tuple[str, float]]],
) -> dict[str, Any] | None:
    known = [(gold(one.row), said(one.decision)) for one in judged]
    known = [(truth, candidates) for truth, candidates in known if truth and candidates]
    if not known:
        return None
    ranked = [[name for name, _ in candidates] for _, candidates in known]
    confidence = [candidates[0][1] for _, candidates in known]
    return ranking_figures(ranked, confidence, [truth for truth, _ in known]).to_record()


def _risk_part(judged: Sequence[Judged]) -> dict[str, Any] | None:
    known = [(one.decision.risk, int(text)) for one in judged if (text := one.row.text("risk")).isdigit()]
    if not known:
        return None
    score = np.array([risk.score for risk, _ in known])
    level = np.array([risk.level for risk, _ in known])
    return risk_figures(score, level, np.array([truth for _, truth in known])).to_record()


def _emergency_part(judged: Sequence[Judged]) -> dict[str, Any] | None:
    known = [one for one in judged if one.row.text("emergency").lower() in ("true", "false", "0", "1")]
    if not known:
        return None
    truth = np.array([one.row.text("emergency").lower() in ("true", "1") for one in known])
    score = np.array([one.decision.risk.emergency for one in known])
    return {
        "n": len(known),
        "positives": int(truth.sum()),
        "average_precision": round(average_precision(score, truth), 4),
    }


def _factor_part(judged: Sequence[Judged]) -> dict[str, Any] | None:
    known = [one for one in judged if one.row.text("risk").isdigit() and one.row.value("factors") is not None]
    if not known:
        return None
    said = [frozenset(factor.name for factor in one.decision.risk.factors) for one in known]
    truth = [frozenset(_items(one.row.value("factors"))) for one in known]
    return {"n": len(known), "micro_f1": round(micro_f1(said, truth), 4)}


def _evidence_part(judged: Sequence[Judged]) -> dict[str, Any] | None:
    """Count the serious appeals whose quotes overlap an annotated one, and the quotes whose offsets are not exact."""
    serious = [one for one in judged if one.row.text("risk") in ("3", "4") and _items(one.row.value("evidence"))]
    if not serious:
        return None
    hits = sum(
        quotes_overlap(one.row.appeal, one.decision.risk.evidence, _items(one.row.value("evidence"))) for one in serious
    )
    quotes = [(one.row.appeal, quote) for one in judged for quote in one.decision.risk.evidence]
    inexact = sum(appeal.field(quote.field)[quote.start : quote.end] != quote.text for appeal, quote in quotes)
    return {"n": len(serious), "overlap": round(hits / len(serious), 4), "quotes": len(quotes), "inexact": inexact}


def quotes_overlap(appeal: Appeal, quotes: Sequence[Quote], annotated: Sequence[str]) -> bool:
    """Say whether a quote shares characters with an annotated one; annotated ones are found by their words."""
    for field in ("title", "content"):
        text = appeal.field(field)
        for words in annotated:
            at = text.find(words)
            if at >= 0 and any(q.field == field and q.start < at + len(words) and at < q.end for q in quotes):
                return True
    return False


def _event_part(judged: Sequence[Judged], triage: Triage, path: Path) -> dict[str, Any]:
    gold = [_gold_event(record) for record in read_records(path, columns={}, required=("id", "event", "batch"))]
    present = {one.row.appeal.id for one in judged}
    missing = [event.id for event in gold if event.id not in present]
    if missing:
        raise InputError(f"{path}：{len(missing)} 个编号不在诉求文件中，例如 {missing[0]}")
    items = [
        event_item(read_document(one.row.appeal, strip=triage.settings.strip), type_=one.decision.types[0].name)
        for one in judged
    ]
    return event_figures(judge_events(items, gold, triage.base.pairs))


def _gold_event(record: Record) -> GoldEvent:
    ambiguous = record.fields.get("ambiguous", "").lower() in ("true", "1")
    return GoldEvent.from_record({**record.fields, "ambiguous": ambiguous})


def _items(value: object) -> list[str]:
    """Read a list column: a JSON list, or words separated by 、 , ; or |."""
    if isinstance(value, str) and value.startswith("["):
        value = json.loads(value)
    if isinstance(value, list):
        return [str(item) for item in value]
    return [item for item in _LIST.split(str(value or "")) if item]


def _first(value: object) -> str:
    return next(iter(_items(value)), "")


def _category(row: Row) -> str:
    l1, l2 = row.text("l1"), row.text("l2")
    return f"{l1}/{l2}" if l1 and l2 else ""


def _functions(decision: Decision) -> list[tuple[str, float]]:
    return [(candidate.name, candidate.probability) for candidate in decision.functions]


def _types(decision: Decision) -> list[tuple[str, float]]:
    return [(candidate.name, candidate.probability) for candidate in decision.types]


def _categories(decision: Decision) -> list[tuple[str, float]]:
    return [(f"{c.l1}/{c.l2}", c.probability) for c in decision.categories]


def _l1(decision: Decision) -> list[tuple[str, float]]:
    totals: dict[str, float] = {}
    for category in decision.categories:
        totals[category.l1] = totals.get(category.l1, 0.0) + category.probability
    return sorted(totals.items(), key=lambda item: -item[1])
