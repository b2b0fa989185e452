"""The training of the two levels: what is composed, joined or computed in another way must still be the same model."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from training.level_one import SecondOrderRidge, gram
from training.linear_fit import Head
from training.second_level import RouteFit
from training.signals import ROUTE_SIGNALS
from training.stacking import fit_sigmoids, fit_softmax

GENERATOR = np.random.default_rng(7)


def texts(count: int, features: int = 60) -> sparse.csr_matrix:
    random = np.random.default_rng(count)
    dense = random.random((count, features)) * (random.random((count, features)) < 0.3)
    return sparse.csr_matrix(dense.astype(np.float32))


def test_the_gram_matrix_is_the_product_of_all_pairs() -> None:
    left, right = texts(30), texts(21)
    assert gram(left, right) == pytest.approx(left.toarray() @ right.toarray().T, abs=1e-4)


def test_the_linear_head_predicts_what_the_second_order_kernel_predicts() -> None:
    labelled, pool, unseen = texts(40), texts(25), texts(12)
    rows = np.arange(5, 40)
    targets = np.where(GENERATOR.normal(size=(35, 2)) > 0, 1.0, -1.0)
    head = SecondOrderRidge(labelled, pool, penalty=0.2).fit(rows, targets)
    known, all_pool = labelled.toarray()[rows].astype(np.float64), np.vstack([labelled.toarray(), pool.toarray()])
    cross = known @ all_pool.T
    centred, unseen_centred = cross - cross.mean(axis=0), unseen.toarray() @ all_pool.T - cross.mean(axis=0)
    size = np.diag(centred @ centred.T).mean()
    kernel = (known @ known.T + centred @ centred.T / size) / 2 + 1
    dual = np.linalg.solve(kernel + 0.2 * np.eye(35), targets - targets.mean(axis=0))
    between = (unseen.toarray() @ known.T + unseen_centred @ centred.T / size) / 2 + 1
    assert head.margins(unseen) == pytest.approx(between @ dual + targets.mean(axis=0), abs=2e-3)


def test_both_levels_of_a_route_head_amount_to_one() -> None:
    heads = {
        name: Head(GENERATOR.normal(size=(60, 4)).astype(np.float32), GENERATOR.normal(size=4).astype(np.float32))
        for name in ROUTE_SIGNALS
    }
    width = 4 * len(ROUTE_SIGNALS)
    route = RouteFit(GENERATOR.normal(size=(width, 3)), GENERATOR.normal(size=3))
    features = texts(9)
    first = np.hstack([heads[name].margins(features) for name in ROUTE_SIGNALS])
    assert route.composed(heads, landmarks=0).margins(features) == pytest.approx(route.margins(first), abs=1e-2)


def test_logistic_regressions_learn_what_separates_the_classes() -> None:
    truth = np.arange(90) % 3
    inputs = np.eye(3)[truth] + 0.1 * GENERATOR.normal(size=(90, 3))
    weights, intercepts = fit_softmax(inputs, truth, 3, c=1.0)
    assert ((inputs @ weights + intercepts).argmax(axis=1) == truth).all()
    weights, intercepts = fit_sigmoids(inputs, truth[:, None] == np.arange(2), c=1.0)
    assert (((inputs @ weights + intercepts) > 0) == (truth[:, None] == np.arange(2))).all()
