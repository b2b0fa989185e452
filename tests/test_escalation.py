from __future__ import annotations

import numpy as np
import pytest

from tests.readings import reading_of
from triage.escalation import LEAST_EMERGENCY, LEAST_SCORE, risk_scores
from triage.rules import Danger
from triage.text.aligned import Span


def danger(*, certain: bool) -> Danger:
    return Danger("119", "“着火了”：起火", Span(0, 3), certain)


def test_without_danger_the_models_risk_stands() -> None:
    reading = reading_of("小区停水", level=1, probabilities=(0.2, 0.5, 0.2, 0.05, 0.05), emergency=0.3)
    scores = risk_scores(reading, None)
    assert (scores.level, scores.emergency) == (1, 0.3)
    assert scores.score == pytest.approx(0.1)


@pytest.mark.parametrize(("certain", "level"), [(True, 4), (False, 3)])
def test_danger_to_life_raises_a_risk_that_the_models_missed(certain: bool, level: int) -> None:
    reading = reading_of("着火了", level=1, probabilities=(0.2, 0.6, 0.2, 0.0, 0.0), emergency=0.01)
    scores = risk_scores(reading, danger(certain=certain))
    assert scores.level == level
    assert scores.score == LEAST_SCORE
    assert scores.emergency == LEAST_EMERGENCY[certain]
    assert float(scores.probabilities.sum()) == pytest.approx(1.0, abs=1e-6)
    assert float(scores.probabilities[3:].sum()) == pytest.approx(LEAST_SCORE, abs=1e-5)


def test_a_rule_never_lowers_what_the_models_say() -> None:
    reading = reading_of("着火了", level=4, probabilities=(0.0, 0.0, 0.02, 0.08, 0.9), emergency=0.99)
    scores = risk_scores(reading, danger(certain=False))
    assert (scores.level, scores.emergency) == (4, 0.99)
    assert scores.score == pytest.approx(0.98)
    assert np.array_equal(scores.probabilities, reading.risk_levels)
