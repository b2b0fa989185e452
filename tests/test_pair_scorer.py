"""The pair scorer: its numbers, its storage, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from models.errors import BundleError
from models.pairs import Line, PairModel, PairScorer, TermFrequencies, Trees, WordMeanings

NAMES = ("likeness", "same_place", "both_titled")


def model(*, slope: float = 1.5) -> PairModel:
    """One tree that splits on the first feature at 0.5, and a line over the second."""
    return PairModel(
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
            centre=np.array([0.0, 0.5, 0.0], dtype=np.float32),
            scale=np.array([1.0, 0.5, 1.0], dtype=np.float32),
            weights=np.array([0.0, 2.0, 0.0], dtype=np.float32),
            intercept=1.0,
        ),
        line_share=0.25,
        slope=slope,
        shift=-0.25,
    )


def scorer() -> PairScorer:
    """Titled and untitled pairs have the same model, but for the slope."""
    words = np.array([[0.6, 0.8], [1.0, 0.0]], dtype=np.float32)
    return PairScorer(
        feature_names=NAMES,
        titled=model(),
        untitled=model(slope=0.5),
        link_at=0.4,
        frequencies=TermFrequencies.count([np.array([5, 9], dtype=np.uint32)] * 3),
        meanings=WordMeanings(
            np.array([3, 7], dtype=np.uint32),
            np.array([1.0, 2.0], dtype=np.float32),
            words,
            np.zeros((3, 2), dtype=np.float32),
        ),
    )


def test_the_line_counts_its_share_of_the_log_odds() -> None:
    features = np.array([[0.9, 1.0, 1.0], [0.1, 0.0, 1.0]], dtype=np.float32)
    # Right leaf: -1 + 4 = 3, line: 1 + 2 = 3; left leaf: -1 - 4 = -5, line: 1 - 2 = -1.
    assert model().margins(features) == pytest.approx([3.0, 0.75 * -5.0 + 0.25 * -1.0])


def test_pairs_without_titles_have_a_model_of_their_own() -> None:
    features = np.array([[0.9, 1.0, 1.0], [0.9, 1.0, 0.0]], dtype=np.float32)
    assert scorer().log_odds(features) == pytest.approx([1.5 * 3.0 - 0.25, 0.5 * 3.0 - 0.25])


def test_probabilities_are_the_calibrated_log_odds() -> None:
    features = np.array([[0.9, 1.0, 1.0]], dtype=np.float32)
    assert scorer().probabilities(features) == pytest.approx([1 / (1 + np.exp(-(1.5 * 3.0 - 0.25)))])


def test_a_value_at_the_threshold_goes_left() -> None:
    assert model().trees.sum(np.array([[0.5, 0.0, 0.0]], dtype=np.float32)) == pytest.approx([-4.0])


def test_saved_and_loaded_scorers_give_the_same_scores() -> None:
    features = np.random.default_rng(0).random((200, 3), dtype=np.float32)
    features[:, 2] = features[:, 2] > 0.5
    before = scorer()
    after = PairScorer.from_state(before.state())
    assert np.array_equal(before.probabilities(features), after.probabilities(features))
    assert after.feature_names == before.feature_names
    assert after.link_at == before.link_at
    assert after.frequencies.total == 3
    assert after.meanings.vectors == pytest.approx(before.meanings.vectors, abs=0.01)
    assert np.array_equal(after.meanings.terms, before.meanings.terms)


def test_an_empty_batch_gives_an_empty_answer_of_the_same_type() -> None:
    found = scorer().probabilities(np.empty((0, 3), dtype=np.float32))
    assert found.shape == (0,)
    assert found.dtype == np.float32


def test_features_of_another_width_are_refused() -> None:
    with pytest.raises(ValueError, match="need n rows of 3"):
        scorer().probabilities(np.zeros((1, 2), dtype=np.float32))


def test_a_missing_array_is_named() -> None:
    state = scorer().state()
    del state["untitled_threshold"]
    with pytest.raises(BundleError, match="untitled_threshold"):
        PairScorer.from_state(state)


@pytest.mark.parametrize(
    ("name", "value"), [("titled_left", 99), ("titled_right", -1), ("untitled_feature", 3), ("untitled_roots", 3)]
)
def test_a_node_that_points_outside_is_refused(name: str, value: int) -> None:
    state = scorer().state()
    state[name] = state[name].copy()
    state[name][0] = value
    with pytest.raises(BundleError, match="do not fit together"):
        PairScorer.from_state(state)


def test_meanings_of_another_width_are_refused() -> None:
    state = scorer().state()
    state["meaning_scale"] = np.ones(5, dtype=np.float32)
    with pytest.raises(BundleError, match="meanings of words do not fit"):
        PairScorer.from_state(state)


def test_terms_of_fewer_than_three_documents_are_not_kept() -> None:
    documents = [np.array(terms, dtype=np.uint32) for terms in ([1, 2, 3], [1, 2], [1, 7], [7])]
    counted = TermFrequencies.count(documents)
    assert counted.terms.tolist() == [1]
    assert counted.lookup(np.array([1, 2, 7, 100], dtype=np.uint32)).tolist() == [3, 0, 0, 0]


def test_only_the_most_frequent_terms_are_kept_beyond_the_limit() -> None:
    documents = [np.array(terms, dtype=np.uint32) for terms in ([1, 2], [1, 2], [1, 2], [2])]
    assert TermFrequencies.count(documents, limit=1).terms.tolist() == [2]
