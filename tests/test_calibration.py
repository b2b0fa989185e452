from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from models.abstention import NEVER, coverage_at, lower_bound, threshold_for
from models.calibration import expected_calibration_error, fit_platt, probabilities, temperature
from models.ordinal import OrdinalModel, fit_cuts, quadratic_kappa


def test_the_temperature_of_overconfident_scores_is_above_one() -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, 3, 3000)
    scores = np.eye(3)[truth] + random.normal(0, 0.7, (3000, 3))
    right = temperature(scores, truth)
    assert temperature(scores * 5, truth) == pytest.approx(5 * right, rel=0.02)


def test_probabilities_of_any_scores_sum_to_one() -> None:
    found = probabilities(np.array([[1e4, -1e4, 0.0], [0.0, 0.0, 0.0]]), 0.1)
    assert found.sum(axis=1).tolist() == pytest.approx([1.0, 1.0])


def test_platt_probabilities_match_the_share_of_positives() -> None:
    random = np.random.default_rng(1)
    scores = random.normal(0, 2, (5000, 1))
    truth = random.random((5000, 1)) < 1 / (1 + np.exp(-(1.5 * scores - 1)))
    platt = fit_platt(scores, truth)
    assert platt.slope[0] == pytest.approx(1.5, abs=0.15)
    assert platt.probabilities(scores).mean() == pytest.approx(truth.mean(), abs=0.01)


def test_platt_never_turns_a_ranking_round() -> None:
    scores = np.array([[0.0], [1.0], [2.0], [3.0]])
    platt = fit_platt(scores, np.array([[True], [True], [False], [False]]))
    assert platt.slope[0] >= 0


def test_the_calibration_error_of_a_coin_called_certain_is_one_half() -> None:
    correct = np.array([True, False] * 500)
    assert expected_calibration_error(np.ones(1000), correct) == pytest.approx(0.5)
    assert expected_calibration_error(np.full(1000, 0.5), correct) == pytest.approx(0.0, abs=0.01)


def test_the_lower_bound_is_that_of_the_tables() -> None:
    assert lower_bound(95, 100) == pytest.approx(0.8977, abs=2e-3)
    assert lower_bound(0, 10) == 0.0
    assert lower_bound(0, 0) == 0.0


def test_a_threshold_is_only_given_where_the_sample_proves_it() -> None:
    confidence = np.linspace(1.0, 0.0, 1000)
    correct = confidence > 0.4
    threshold = threshold_for(confidence, correct, precision=0.95)
    taken = confidence >= threshold
    assert lower_bound(int(correct[taken].sum()), int(taken.sum())) >= 0.95
    assert threshold_for(confidence[:20], correct[:20], precision=0.95) == NEVER


def test_appeals_of_equal_confidence_are_taken_or_left_together() -> None:
    confidence = np.array([0.9] * 200 + [0.8] * 200)
    correct = np.array([True] * 200 + [True, False] * 100)
    assert threshold_for(confidence, correct, precision=0.95) == pytest.approx(0.9)


def test_coverage_in_hindsight_counts_the_largest_share() -> None:
    confidence = np.array([0.9, 0.8, 0.7, 0.6])
    assert coverage_at(confidence, np.array([True, False, True, True]), 0.75) == 1.0
    assert coverage_at(confidence, np.array([True, False, False, False]), 0.95) == 0.25


@given(arrays(np.float64, (7, 4), elements=st.floats(-30, 30)))
def test_level_probabilities_are_probabilities_for_any_margins(margins: np.ndarray) -> None:
    truth = np.array([[True] * 4, [False] * 4] * 4)[:7]
    model = OrdinalModel(fit_platt(margins, truth), np.array([0.5, 1.5, 2.5, 3.5], np.float32))
    found = model.level_probabilities(margins)
    assert (found >= 0).all()
    assert found.sum(axis=1).tolist() == pytest.approx([1.0] * 7, abs=1e-5)
    assert set(model.levels(margins).tolist()) <= {0, 1, 2, 3, 4}


def test_kappa_is_one_for_agreement_and_punishes_far_misses_more() -> None:
    truth = np.array([0, 1, 2, 3, 4, 0, 1, 2])
    near, far = truth.copy(), truth.copy()
    near[0], far[0] = 1, 4
    assert quadratic_kappa(truth, truth) == 1.0
    assert 1.0 > quadratic_kappa(truth, near) > quadratic_kappa(truth, far)


def test_cuts_find_the_levels_again() -> None:
    random = np.random.default_rng(2)
    truth = random.integers(0, 5, 800)
    expected = truth * 0.5 + random.normal(0, 0.02, 800)
    cuts = fit_cuts(expected, truth)
    assert (np.diff(cuts) > 0).all()
    assert (np.searchsorted(cuts, expected, side="right") == truth).mean() > 0.97
