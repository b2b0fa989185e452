"""The ridge regression of the first level that also learns from unlabelled texts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import cho_factor, cho_solve

from training.linear_fit import Floats, Head, Meaning

Rows = NDArray[np.int64]

_FREQUENT = 0.02
"""Share of texts from which a feature's column is multiplied densely."""

_BLOCK = 500


def gram(left: sparse.csr_matrix, right: sparse.csr_matrix) -> Floats:
    """Return float32[n, m], ``left · rightᵀ``.

    The few frequent n-grams make nearly all of the work; as dense columns they go through one matrix product, which is
    ten times as fast as a sparse one.
    """
    share = np.bincount(left.indices, minlength=left.shape[1]) / max(left.shape[0], 1)
    frequent, rare = np.flatnonzero(share > _FREQUENT), np.flatnonzero((share > 0) & (share <= _FREQUENT))
    product = np.zeros((left.shape[0], right.shape[0]), dtype=np.float32)
    for at in range(0, len(frequent), _BLOCK):
        columns = frequent[at : at + _BLOCK]
        product += left[:, columns].toarray() @ right[:, columns].toarray().T
    other = right[:, rare].T.tocsr()
    rest = left[:, rare]
    for at in range(0, left.shape[0], _BLOCK):
        product[at : at + _BLOCK] += (rest[at : at + _BLOCK] @ other).toarray()
    return product


class SecondOrderRidge:
    """Kernel ridge that also learns from unlabelled texts.

    Two texts are alike when they share words, and also when they are alike to the same unlabelled texts: 噪音扰民 and
    吵得睡不着 meet in letters that use both. The kernel is half ``X Xᵀ`` and half the second-order term
    ``Kc Kcᵀ / c`` with ``K = X Pᵀ`` for the unlabelled texts P, centred, and c its mean diagonal. Both are linear in the
    features, so the fitted model is an ordinary linear head (Saunders et al. 1998 for the dual; the term is that of
    cluster kernels, Chapelle et al. 2003).
    """

    def __init__(
        self, labelled: sparse.csr_matrix, pool: sparse.csr_matrix, *, penalty: float, meaning: Meaning | None = None
    ) -> None:
        """Compute the products that every fold shares.

        Args:
            labelled: float32[n, v], the texts that have labels.
            pool: float32[p, v], the unlabelled texts.
            penalty: Added to the diagonal.
            meaning: Of the labelled texts; None leaves it out.
        """
        self.penalty = penalty
        self.meaning = meaning
        self._labelled = labelled
        self._pool = sparse.vstack([labelled, pool], format="csr")
        cross = gram(labelled, self._pool)
        self._gram = cross[:, : labelled.shape[0]].copy()
        self._centre = cross.mean(axis=0)
        # Centred on the mean of all texts first: what a fold's own mean then takes off is small, and float32 suffices.
        self._cross = cross
        self._cross -= self._centre
        self._second = self._cross @ self._cross.T

    def fit(self, rows: Rows, targets: NDArray[np.floating]) -> Head:
        """Fit all columns at once.

        Args:
            rows: Which of the n texts to learn from.
            targets: float[len(rows), c], ±1 for yes/no questions.
        """
        second = self._second[np.ix_(rows, rows)].astype(np.float64)
        towards_mean = second.mean(axis=1)
        second -= towards_mean[:, None] + towards_mean[None, :] - towards_mean.mean()
        size = float(np.diag(second).mean())
        meaning = self.meaning.part(rows) if self.meaning else None
        kernel = 0.5 * (self._gram[np.ix_(rows, rows)] + second / size)
        kernel = meaning.mixed(kernel) if meaning else kernel
        kernel += 1.0
        kernel[np.diag_indices_from(kernel)] += self.penalty
        mean = targets.mean(axis=0)
        factor = cho_factor(kernel, lower=True, overwrite_a=True, check_finite=False)
        dual = np.asarray(cho_solve(factor, targets - mean, check_finite=False), dtype=np.float32)
        fold_mean = self._cross[rows].mean(axis=0)
        through_pool = (self._cross[rows].T @ dual - np.outer(fold_mean, dual.sum(axis=0))) / np.float32(size)
        half = 0.5 * (1.0 - meaning.share if meaning else 1.0)
        weights = half * (self._labelled[rows].T @ dual + self._pool.T @ through_pool)
        intercepts = mean + dual.sum(axis=0) - half * (fold_mean + self._centre) @ through_pool
        near = meaning.weights(dual) if meaning else None
        return Head(np.asarray(weights, np.float32), np.asarray(intercepts, np.float32), near)
