"""Readings made by hand, for tests of what follows from scores."""

from __future__ import annotations

import numpy as np

from triage.appeal import Appeal
from triage.document import read_document
from triage.evidence import Clauses
from triage.reading import Reading


def reading_of(
    text: str, *, level: int, probabilities: tuple[float, float, float, float, float], emergency: float
) -> Reading:
    """Return a reading with the given risk and nothing else to say."""
    nothing = np.zeros(0, dtype=np.float32)
    levels = np.array(probabilities, dtype=np.float32)
    return Reading(
        document=read_document(Appeal(id="1", content=text)),
        functions=nothing,
        categories=nothing,
        types=nothing,
        risk_level=level,
        risk_levels=levels,
        risk_score=float(levels[3:].sum()),
        factors=nothing,
        emergency=emergency,
        units=nothing,
        places=(),
        phrases=frozenset(),
        local_area=None,
        clauses=Clauses(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros((0, 2), np.float32)),
        route_credit=np.zeros(len(text), dtype=np.float32),
    )
