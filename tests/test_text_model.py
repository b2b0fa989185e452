from __future__ import annotations

import numpy as np
import pytest

from models.errors import BundleError
from models.linear import dequantise, join_heads, quantise
from models.ngrams import fit_vectoriser
from models.ranker import CandidateRanker, ranker_from
from models.text_model import FieldVectoriser, TextModel, text_model_from

TITLES = ["停水", "停水三天", "停水求助", "路灯", "路灯不亮", "路灯坏了"]
TEXTS = ["小区停水三天没人管", "小区停水通知", "停水了请问何时恢复", "路灯不亮", "路灯坏了", "路灯又坏了"]
FIELDS = {"title": TITLES, "content": TEXTS}


@pytest.fixture
def model() -> TextModel:
    fields = tuple(
        FieldVectoriser(name, fit_vectoriser(texts, orders=(1, 2)), weight)
        for (name, texts), weight in zip(FIELDS.items(), (0.5, 1.0), strict=True)
    )
    size = sum(field.vectoriser.size for field in fields)
    random = np.random.default_rng(0)
    heads = {
        "function": (random.normal(size=(size, 3)).astype(np.float32), np.zeros(3, np.float32)),
        "risk": (random.normal(size=(size, 4)).astype(np.float32), np.ones(4, np.float32)),
    }
    classes = {"function": ["供水公司", "城管局", "交警"], "risk": ["≥1", "≥2", "≥3", "≥4"]}
    return TextModel(fields, join_heads(heads), classes, {"function": 0.5})


def test_a_saved_model_gives_the_same_scores_within_the_rounding_of_int8(model: TextModel) -> None:
    again = text_model_from(model.tensors(), model.settings(), model.classes)
    before, after = (m.margins(m.features(FIELDS)) for m in (model, again))
    for head in model.classes:
        assert np.allclose(before[head], after[head], atol=0.05)
    twice = text_model_from(again.tensors(), again.settings(), again.classes)
    assert np.array_equal(twice.margins(twice.features(FIELDS))["risk"], after["risk"])


def test_int8_is_off_by_at_most_half_a_step() -> None:
    weights = np.random.default_rng(1).normal(size=(50, 4)).astype(np.float32)
    codes, scale = quantise(weights)
    assert (np.abs(dequantise(codes, scale) - weights) <= scale / 2 + 1e-6).all()


def test_each_row_is_scored_alone_as_in_a_batch(model: TextModel) -> None:
    together = model.margins(model.features(FIELDS))["function"]
    for row in range(len(TEXTS)):
        alone = model.margins(model.features({"title": [TITLES[row]], "content": [TEXTS[row]]}))["function"]
        assert np.allclose(alone[0], together[row], atol=1e-6)


def test_log_probabilities_are_normalised(model: TextModel) -> None:
    logs = model.log_probabilities(model.margins(model.features(FIELDS)), "function")
    assert np.exp(logs).sum(axis=1).tolist() == pytest.approx([1.0] * len(TEXTS), abs=1e-5)


def test_credit_adds_up_to_the_margin_apart_from_the_boundary_marks(model: TextModel) -> None:
    fields = {"title": ["停水停水"], "content": ["小区停水了，路灯停水"]}
    features = model.features(fields)
    ones = np.ones(features.shape[1], np.float32)
    credit = model.credit(fields, features, lambda columns, _rows: ones[columns])
    total = sum(float(part[0].sum()) for part in credit.values())
    assert 0.5 * features.sum() < total <= features.sum() + 1e-5
    assert [len(credit[name][0]) for name in ("title", "content")] == [4, 10]


def test_words_without_weight_get_no_credit(model: TextModel) -> None:
    fields = {"title": [""], "content": ["停水龘龘龘"]}
    features = model.features(fields)
    credit = model.credit(fields, features, lambda columns, _rows: np.ones(len(columns), np.float32))["content"][0]
    assert credit[:2].min() > 0
    assert credit[3:].tolist() == [0.0, 0.0]


def test_a_model_whose_classes_do_not_fit_is_refused(model: TextModel) -> None:
    with pytest.raises(BundleError, match="do not fit vocabulary and classes"):
        text_model_from(model.tensors(), model.settings(), {**model.classes, "risk": ["≥1"]})


def test_a_model_without_its_vocabulary_is_refused(model: TextModel) -> None:
    tensors = {name: tensor for name, tensor in model.tensors().items() if name != "vocabulary_title"}
    with pytest.raises(BundleError, match="vocabulary_title"):
        text_model_from(tensors, model.settings(), model.classes)


def test_a_ranker_scores_candidates_it_has_never_seen() -> None:
    ranker = CandidateRanker(("function", "place_named"), np.array([1.0, 2.0], np.float32))
    features = np.array([[[-1.0, 0.0], [-1.0, 1.0], [-5.0, 1.0]]], np.float32)
    assert ranker.probabilities(features).argmax() == 1


def test_a_ranker_with_an_unknown_feature_is_refused() -> None:
    with pytest.raises(BundleError, match="mood"):
        ranker_from({"weights": np.ones(1, np.float32)}, ["mood"], {"function": ""})
