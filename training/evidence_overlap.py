"""Whether the quotes that a decision would show are those that the annotator gave."""

from __future__ import annotations

from training.corpus import Example
from triage.evidence import Clauses, risk_quotes

LEAST_SHARED = 2
"""Characters that a quote must share with an annotated one."""


def hits_evidence(example: Example, clauses: Clauses) -> bool:
    """Return whether at least one quote shares `LEAST_SHARED` characters with an annotated quote of the same field."""
    truth = [
        (field, start, start + len(quote))
        for quote in example.evidence
        for field in ("title", "content")
        if (start := example.document.appeal.field(field).find(quote)) >= 0
    ]
    assert example.risk is not None
    return any(
        field == quote.field and min(end, quote.end) - max(start, quote.start) >= LEAST_SHARED
        for quote in risk_quotes(example.document, clauses, level=example.risk)
        for field, start, end in truth
    )
