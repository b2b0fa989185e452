"""Learning what words mean, and heads that read it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import sparse

from models.ngrams import unpack
from models.word_space import nearness
from training.config import CONFIGS, BaseRecipe, load_recipe
from training.level_one import SecondOrderRidge
from training.linear_fit import Meaning, fit_ridge
from training.stacking import fit_shares
from training.word_fit import fit_word_space, places_of
from triage.appeal import Appeal
from triage.document import Document, read_document

GENERATOR = np.random.default_rng(11)


def letters() -> list[Document]:
    wages = ("公司拖欠工资", "老板不发工资", "公司欠薪不发", "老板拖欠工钱")
    noise = ("邻居夜里噪音扰民", "楼下噪声吵闹", "夜里施工噪声扰民", "楼下邻居吵闹")
    written = [f"{first}，{second}" for part in (wages, noise) for first in part for second in part]
    return [read_document(Appeal(id=str(i), title="", content=text)) for i, text in enumerate(written)]


def recipe() -> BaseRecipe:
    shipped = load_recipe(CONFIGS / "base.toml", BaseRecipe)
    return replace(shipped, words=200, word_vector=4, clusters=3)


def test_words_used_alike_bring_texts_together() -> None:
    documents = letters()
    space = fit_word_space(documents, [], ["公司老板拖欠工资", "噪音噪声扰民吵闹"], recipe=recipe())
    whole = places_of(space, documents)[0]
    alike = whole @ whole.T
    half = len(documents) // 2
    assert alike[:half, :half].mean() > alike[:half, half:].mean() + 0.5


def test_words_of_fewer_than_three_texts_are_never_kept() -> None:
    rare = read_document(Appeal(id="x", title="", content="公司拖欠工资，鼋头渚鼋头渚"))
    space = fit_word_space([*letters(), rare], [], [], recipe=recipe())
    words = {unpack(int(key)) for key in space.vocabulary}
    assert "工资" in words
    assert not any("鼋" in word for word in words)


def test_the_same_seed_gives_the_same_space() -> None:
    first, second = (fit_word_space(letters(), [], [], recipe=recipe()) for _ in range(2))
    assert np.array_equal(first.vectors, second.vectors)
    assert all(np.array_equal(*pair) for pair in zip(first.landmarks, second.landmarks, strict=True))


def meaning(rows: int) -> tuple[Meaning, np.ndarray]:
    places = GENERATOR.normal(size=(rows, 3)).astype(np.float32)
    places /= np.linalg.norm(places, axis=1, keepdims=True)
    marks = places[:6]
    return Meaning.of(nearness(places, marks, 1.0), [nearness(marks, marks, 1.0)], [1.0], share=0.4), places


@pytest.mark.parametrize("second_order", [False, True])
def test_the_stored_weights_predict_what_the_mixed_kernel_predicts(second_order: bool) -> None:
    features = sparse.csr_matrix(GENERATOR.random((30, 80)).astype(np.float32))
    near, _ = meaning(30)
    targets = np.where(GENERATOR.normal(size=(30, 2)) > 0, 1.0, -1.0)
    if second_order:
        pool = sparse.csr_matrix(GENERATOR.random((10, 80)).astype(np.float32))
        head = SecondOrderRidge(features, pool, penalty=1e-6, meaning=near).fit(np.arange(30), targets)
    else:
        head = fit_ridge(features, targets, penalty=1e-6, meaning=near)
    # With hardly any penalty the kernel machine meets its targets, and so must the weights made from it.
    assert head.margins(features, near.nearness) == pytest.approx(targets, abs=5e-2)


def test_a_head_over_ngrams_alone_has_no_part_in_the_meaning() -> None:
    features = sparse.csr_matrix(GENERATOR.random((12, 5)).astype(np.float32))
    head = fit_ridge(features, np.ones((12, 1)), penalty=0.2)
    assert head.meaning is None
    assert not head.meaning_of(7).any()


def test_shares_are_learned_as_shares() -> None:
    wanted = np.tile([0.7, 0.3], (50, 1))
    weights, intercepts = fit_shares(np.zeros((50, 1)), wanted, c=1.0)
    odds = np.exp(intercepts - intercepts.max())
    assert odds / odds.sum() == pytest.approx([0.7, 0.3], abs=1e-3)
    assert not weights.any()
