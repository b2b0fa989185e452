"""The network over dense vectors: what it learns, how it is stored, and that it answers the same alone and in a batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from models.dense_head import DenseHead, dense_head_from
from models.errors import BundleError
from models.linear import Scores
from training.dense_fit import DenseRecipe, fit_dense
from triage.appeal import Appeal
from triage.dense_view import DenseView
from triage.document import read_document
from triage.service import Triage

QUICK = DenseRecipe(hidden=32, epochs=20, batch=32)


def rings(n: int, seed: int = 3) -> tuple[Scores, NDArray[np.int64]]:
    """Points inside and outside a circle: no linear head can tell them apart."""
    random = np.random.default_rng(seed)
    points = random.normal(size=(n, 2)).astype(np.float32)
    return points, (np.hypot(points[:, 0], points[:, 1]) > 1.2).astype(np.int64)


@pytest.fixture(scope="module")
def head() -> DenseHead:
    points, truth = rings(800)
    return fit_dense(points, truth, 2, recipe=QUICK, seed=1)


def test_it_learns_what_a_linear_head_cannot(head: DenseHead) -> None:
    points, truth = rings(400, seed=4)
    assert (head.log_probabilities(points).argmax(axis=1) == truth).mean() > 0.9


def test_the_answers_are_log_probabilities(head: DenseHead) -> None:
    logs = head.log_probabilities(rings(10)[0])
    assert np.exp(logs).sum(axis=1) == pytest.approx(np.ones(10), abs=1e-5)


def test_alone_and_in_a_batch_the_answer_is_the_same_to_the_last_bit(head: DenseHead) -> None:
    points = rings(700)[0]
    alone = np.vstack([head.log_probabilities(points[i : i + 1]) for i in range(700)])
    assert np.array_equal(alone, head.log_probabilities(points))


def test_no_text_gives_no_answer(head: DenseHead) -> None:
    assert head.log_probabilities(np.zeros((0, 2), np.float32)).shape == (0, 2)


def test_the_same_seed_gives_the_same_network_and_another_one_another(head: DenseHead) -> None:
    points, truth = rings(800)
    assert np.array_equal(fit_dense(points, truth, 2, recipe=QUICK, seed=1).inner, head.inner)
    assert not np.array_equal(fit_dense(points, truth, 2, recipe=QUICK, seed=2).inner, head.inner)


def test_a_stored_network_answers_nearly_the_same(head: DenseHead) -> None:
    points = rings(200)[0]
    again = dense_head_from(head.tensors(), classes=2)
    assert again.log_probabilities(points) == pytest.approx(head.log_probabilities(points), abs=0.1)


@pytest.mark.parametrize("part", ["scale", "inner", "outer", "outer_bias"])
def test_a_stored_network_whose_parts_do_not_fit_is_refused_by_name(head: DenseHead, part: str) -> None:
    broken = replace(head, **{part: getattr(head, part)[:1]})
    with pytest.raises(BundleError, match="dense head"):
        dense_head_from(broken.tensors(), classes=2)


def test_a_stored_network_of_other_classes_is_refused(head: DenseHead) -> None:
    with pytest.raises(BundleError, match="outer"):
        dense_head_from(head.tensors(), classes=3)


class Lengths:
    """An encoder that knows only how long a text is."""

    @property
    def fingerprint(self) -> str:
        return "lengths-1"

    def encode(self, texts: Sequence[str]) -> Scores:
        return np.array([[len(text)] for text in texts], np.float32)


def test_the_view_of_an_encoder_is_another_view_and_holds_its_vectors() -> None:
    space = Triage.load().base.meaning.space
    documents = [read_document(Appeal(id=str(i), content="路灯不亮" * (i + 1))) for i in range(3)]
    words, both = DenseView(space), DenseView(space, Lengths())
    assert words.fingerprint != both.fingerprint
    assert both.fingerprint.endswith("encoder:lengths-1")
    assert np.array_equal(both.read(documents)[:, :-1], words.read(documents))
    assert both.read(documents)[:, -1].tolist() == [4.0, 8.0, 12.0]
