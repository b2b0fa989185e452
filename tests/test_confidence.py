from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.confidence import ConfidenceModel, confidence_from, with_confidence
from models.errors import BundleError
from training.confidence_fit import fit_confidence
from triage.routing.contenders import Choice, Surroundings
from triage.routing.doubt import DOUBTS, doubt_features, doubt_names

PROBABILITIES = np.array([[0.7, 0.2, 0.1], [0.4, 0.35, 0.25]], np.float32)


def test_the_first_candidate_gets_its_confidence_and_the_rest_is_shared() -> None:
    found = with_confidence(PROBABILITIES, np.array([0.9, 0.5], np.float32))
    assert found[0].tolist() == pytest.approx([0.9, 0.0667, 0.0333], abs=1e-3)
    assert found.sum(axis=1).tolist() == pytest.approx([1.0, 1.0], abs=1e-5)


@given(st.floats(0.001, 0.999), st.floats(0.001, 0.999))
def test_the_first_candidate_stays_first_whatever_its_confidence(a: float, b: float) -> None:
    found = with_confidence(PROBABILITIES, np.array([a, b], np.float32))
    assert found.argmax(axis=1).tolist() == [0, 0]
    assert (found.sum(axis=1) <= 1.0 + 1e-5).all()


def test_confidence_learns_that_a_small_lead_is_doubtful() -> None:
    random = np.random.default_rng(0)
    lead = random.exponential(1.0, (2000, 1)).astype(np.float32)
    model = fit_confidence(lead, random.random(2000) < lead[:, 0] / (lead[:, 0] + 0.5), ("lead",))
    assert model.probabilities(np.array([[0.1], [3.0]], np.float32)).tolist() == pytest.approx([0.25, 0.85], abs=0.2)


def test_a_sample_without_mistakes_teaches_no_confidence() -> None:
    model = fit_confidence(np.ones((50, 1), np.float32), np.ones(50, bool), ("log_odds",))
    assert model.weights.tolist() == [1.0]


def test_saved_confidence_is_the_same_and_unknown_features_are_refused() -> None:
    model = ConfidenceModel(("lead", "entropy"), np.array([1.0, -2.0], np.float32), 0.5)
    again = confidence_from(model.tensors(), ["lead", "entropy"], DOUBTS)
    features = np.array([[0.3, 0.1]], np.float32)
    assert again.probabilities(features) == model.probabilities(features)
    with pytest.raises(BundleError, match="mood"):
        confidence_from(model.tensors(), ["lead", "mood"], DOUBTS)


def test_a_first_unit_is_compared_with_units_of_other_functions() -> None:
    features = np.array([[[0.5, -1.0], [0.1, -2.0], [0.0, -9.0]]], np.float32)
    margins = {
        "unit": np.array([[1.0, -1.0, -2.0]], np.float32),
        "function": np.array([[0.2, -0.2, 0.2]], np.float32),
    }
    around = Surroundings(margins, {"function": np.array([0, 1, 0])}, np.array([4.0], np.float32))
    ranker = ("centroid", "prior")
    names = doubt_names(ranker, ["unit", "function"], trees=True)
    known = Choice(np.array([[0.8, 0.1, 0.1]], np.float32), np.array([2.0], np.float32))
    new = Choice(np.array([[0.1, 0.1, 0.8]], np.float32), np.array([-1.0], np.float32))
    rows = [doubt_features(choice, features, ranker, around, names)[0] for choice in (known, new)]
    first, second = (dict(zip(names, row.tolist(), strict=True)) for row in rows)
    assert (first["margin"], second["margin"]) == (1.0, -2.0)
    assert first["function_lead"] == second["function_lead"] == pytest.approx(0.4)
    assert (first["centroid"], second["prior"], second["score"]) == (0.5, -9.0, -1.0)
    assert "unit_named" not in names
    assert np.isfinite(rows).all()
