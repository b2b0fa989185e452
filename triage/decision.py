"""The decision: everything the machine proposes for one appeal, ready for people and for other programs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

AUTO = "auto"
REVIEW = "review"


@dataclass(frozen=True, slots=True)
class Candidate:
    """One possible answer with its calibrated probability, 0 … 1."""

    name: str
    probability: float

    def to_record(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"name": self.name, "probability": round(self.probability, 4)}


@dataclass(frozen=True, slots=True)
class CategoryCandidate:
    """One possible pair of first- and second-level category with its probability, 0 … 1."""

    l1: str
    l2: str
    probability: float

    def to_record(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"l1": self.l1, "l2": self.l2, "probability": round(self.probability, 4)}


@dataclass(frozen=True, slots=True)
class UnitDecision:
    """Which unit (承办单位) should handle the appeal.

    Attributes:
        candidates: Best first; empty where neither a directory nor a local bundle names units.
        decision: ``auto`` (may be dispatched without a person) or ``review``.
        reason: Why, in Chinese, for the dispatcher.
    """

    candidates: tuple[Candidate, ...]
    decision: str
    reason: str


@dataclass(frozen=True, slots=True)
class AreaDecision:
    """Where the matter is: an administrative area and the words that say so (empty where unknown)."""

    name: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Quote:
    """A verbatim stretch of the raw text.

    Attributes:
        text: Exactly ``raw[start:end]`` of the field.
        field: ``title`` or ``content``.
        start: First character.
        end: One past the last.
    """

    text: str
    field: str
    start: int
    end: int

    def to_record(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"text": self.text, "field": self.field, "start": self.start, "end": self.end}


@dataclass(frozen=True, kw_only=True, slots=True)
class RiskDecision:
    """How likely the matter escalates.

    Attributes:
        level: 0 无 … 4 红, the scale of the annotation guide.
        color: The level's colour word.
        probabilities: P(level 0 … 4), summing to one.
        score: Calibrated P(level ≥ 3).
        emergency: Calibrated P(someone must act within about two hours).
        factors: Risk factors with probabilities, best first; only those above their threshold.
        evidence: Up to two quotes that show the risk.
    """

    level: int
    color: str
    probabilities: tuple[float, ...]
    score: float
    emergency: float
    factors: tuple[Candidate, ...]
    evidence: tuple[Quote, ...]

    def to_record(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {
            "level": self.level,
            "color": self.color,
            "probabilities": [round(p, 4) for p in self.probabilities],
            "score": round(self.score, 4),
            "emergency": round(self.emergency, 4),
            "factors": [factor.to_record() for factor in self.factors],
            "evidence": [quote.to_record() for quote in self.evidence],
        }


@dataclass(frozen=True, slots=True)
class EventDecision:
    """The event (同类诉求) the appeal belongs to; a single appeal is an event of size 1."""

    id: str
    size: int = 1
    similar: tuple[tuple[str, float], ...] = ()

    def to_record(self) -> dict[str, Any]:
        """Return the JSON form."""
        similar = [{"id": other, "probability": round(p, 4)} for other, p in self.similar]
        return {"id": self.id, "size": self.size, "similar": similar}


@dataclass(frozen=True, slots=True)
class Reason:
    """One line of explanation.

    Attributes:
        kind: ``words``, ``place``, ``similar``, ``duty`` or ``rule``.
        text: Words of the appeal, or a sentence in Chinese.
        spans: For ``words``: where they stand in the raw text, as (field, start, end).
    """

    kind: str
    text: str
    spans: tuple[tuple[str, int, int], ...] = ()

    def to_record(self) -> dict[str, Any]:
        """Return the JSON form; spans only where there are any."""
        record: dict[str, Any] = {"kind": self.kind, "text": self.text}
        if self.spans:
            record["spans"] = [{"field": field, "start": start, "end": end} for field, start, end in self.spans]
        return record


@dataclass(frozen=True, slots=True)
class DemandText:
    """One demand of the appeal: its text with personal data masked, and where it stands in the raw content."""

    text: str
    start: int
    end: int

    def to_record(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"text": self.text, "start": self.start, "end": self.end}


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """Everything proposed for one appeal; `to_record` is the contract other programs rely on."""

    id: str
    unit: UnitDecision
    functions: tuple[Candidate, ...]
    area: AreaDecision
    categories: tuple[CategoryCandidate, ...]
    types: tuple[Candidate, ...]
    risk: RiskDecision
    event: EventDecision
    explanation: tuple[Reason, ...]
    demands: tuple[DemandText, ...]
    level: Reason
    assisting: tuple[str, ...]
    route_out: tuple[str, str] | None
    deadline: tuple[datetime, datetime, str] | None
    bundle: str
    normaliser: str

    def to_record(self) -> dict[str, Any]:
        """Return the result record (one JSON object) in the documented key order."""
        return {
            "id": self.id,
            "unit": {
                "candidates": [candidate.to_record() for candidate in self.unit.candidates],
                "decision": self.unit.decision,
                "reason": self.unit.reason,
            },
            "function": {"candidates": [candidate.to_record() for candidate in self.functions]},
            "area": {"name": self.area.name, "evidence": self.area.evidence},
            "category": {"candidates": [category.to_record() for category in self.categories]},
            "type": {"candidates": [candidate.to_record() for candidate in self.types]},
            "risk": self.risk.to_record(),
            "event": self.event.to_record(),
            "explanation": [reason.to_record() for reason in self.explanation],
            "demands": [demand.to_record() for demand in self.demands],
            "level": {"name": self.level.kind, "reason": self.level.text},
            "assisting": list(self.assisting),
            "route_out": _route_out_record(self.route_out),
            "deadline": _deadline_record(self.deadline),
            "versions": {"bundle": self.bundle, "normaliser": self.normaliser},
        }


def _route_out_record(route_out: tuple[str, str] | None) -> dict[str, str] | None:
    return {"channel": route_out[0], "reason": route_out[1]} if route_out else None


def _deadline_record(deadline: tuple[datetime, datetime, str] | None) -> dict[str, str] | None:
    if deadline is None:
        return None
    accept_by, finish_by, rule = deadline
    return {"accept_by": accept_by.isoformat(), "finish_by": finish_by.isoformat(), "rule": rule}
