"""The pair scorer: its numbers, its storage, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from models.errors import BundleError
from models.pairs import Line, PairScorer, TermFrequencies, Trees


def scorer() -> PairScorer:
    """One tree that splits on the first feature at 0.5, and a line over the second."""
    return PairScorer(
        feature_names=("likeness", "same_place"),
        trees=Trees(
            roots=np.array([0], dtype=np.int32),
            feature=np.array([0, 0, 0], dtype=np.int16),
            threshold=np.array([0.5, 0.0, 0.0]),
            left=np.array([1, 1, 2], dtype=np.int32),
            right=np.array([2, 1, 2], dtype=np.int32),
            value=np.array([0.0, -4.0, 4.0], dtype=np.float32),
            depth=1,
        ),
        bias=-1.0,
        line=Line(
            centre=np.array([0.0, 0.5], dtype=np.float32),
            scale=np.array([1.0, 0.5], dtype=np.float32),
            weights=np.array([0.0, 2.0], dtype=np.float32),
            intercept=1.0,
        ),
        slope=1.5,
        shift=-0.25,
        link_at=0.4,
        frequencies=TermFrequencies.count([np.array([5, 9], dtype=np.uint32)] * 3),
    )


def test_log_odds_are_half_trees_and_half_line() -> None:
    features = np.array([[0.9, 1.0], [0.1, 0.0]], dtype=np.float32)
    # Right leaf: -1 + 4 = 3, line: 1 + 2 = 3; left leaf: -1 - 4 = -5, line: 1 - 2 = -1.
    assert scorer().margins(features) == pytest.approx([3.0, -3.0])


def test_probabilities_are_the_calibrated_log_odds() -> None:
    features = np.array([[0.9, 1.0]], dtype=np.float32)
    assert scorer().probabilities(features) == pytest.approx([1 / (1 + np.exp(-(1.5 * 3.0 - 0.25)))])


def test_a_value_at_the_threshold_goes_left() -> None:
    assert scorer().trees.sum(np.array([[0.5, 0.0]], dtype=np.float32)) == pytest.approx([-4.0])


def test_saved_and_loaded_scorers_give_the_same_scores() -> None:
    features = np.random.default_rng(0).random((200, 2), dtype=np.float32)
    before = scorer()
    after = PairScorer.from_state(before.state())
    assert np.array_equal(before.probabilities(features), after.probabilities(features))
    assert after.feature_names == before.feature_names
    assert after.link_at == before.link_at
    assert after.frequencies.total == 3


def test_an_empty_batch_gives_an_empty_answer_of_the_same_type() -> None:
    found = scorer().probabilities(np.empty((0, 2), dtype=np.float32))
    assert found.shape == (0,)
    assert found.dtype == np.float32


def test_features_of_another_width_are_refused() -> None:
    with pytest.raises(ValueError, match="need n rows of 2"):
        scorer().probabilities(np.zeros((1, 3), dtype=np.float32))


def test_a_missing_array_is_named() -> None:
    state = scorer().state()
    del state["threshold"]
    with pytest.raises(BundleError, match="threshold"):
        PairScorer.from_state(state)


@pytest.mark.parametrize(("name", "value"), [("left", 99), ("right", -1), ("feature", 2), ("roots", 3)])
def test_a_node_that_points_outside_is_refused(name: str, value: int) -> None:
    state = scorer().state()
    state[name] = state[name].copy()
    state[name][0] = value
    with pytest.raises(BundleError, match="do not fit together"):
        PairScorer.from_state(state)


def test_terms_of_fewer_than_three_documents_are_not_kept() -> None:
    documents = [np.array(terms, dtype=np.uint32) for terms in ([1, 2, 3], [1, 2], [1, 7], [7])]
    counted = TermFrequencies.count(documents)
    assert counted.terms.tolist() == [1]
    assert counted.lookup(np.array([1, 2, 7, 100], dtype=np.uint32)).tolist() == [3, 0, 0, 0]


def test_only_the_most_frequent_terms_are_kept_beyond_the_limit() -> None:
    documents = [np.array(terms, dtype=np.uint32) for terms in ([1, 2], [1, 2], [1, 2], [2])]
    assert TermFrequencies.count(documents, limit=1).terms.tolist() == [2]
