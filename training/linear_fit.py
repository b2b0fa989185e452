"""Fits linear heads with scikit-learn; the result is plain arrays."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.linalg import block_diag, cho_factor, cho_solve
from sklearn.exceptions import ConvergenceWarning
from sklearn.svm import LinearSVC

Floats = NDArray[np.float32]

_TWINS = 1e-3

ABSENT_MARGIN = -2.0
"""Margin of a class without a training example: below every real one, so that it is never first by accident."""


@dataclass(frozen=True, slots=True)
class Head:
    """One fitted head.

    Attributes:
        weights: float32[v, c].
        intercepts: float32[c].
        meaning: float32[m, c], weights of the nearness to m landmarks; None for a head over n-grams alone.
    """

    weights: Floats
    intercepts: Floats
    meaning: Floats | None = None

    def margins(self, features: sparse.csr_matrix, nearness: Floats | None = None) -> Floats:
        """Return float32[n, c].

        Args:
            features: float32[n, v].
            nearness: float32[n, m]; needed where the head has weights for it.
        """
        margins = features @ self.weights + self.intercepts
        if self.meaning is not None and nearness is not None:
            margins = margins + nearness @ self.meaning
        return np.asarray(margins, dtype=np.float32)

    def meaning_of(self, landmarks: int) -> Floats:
        """Return the landmarks' weights, zeros for a head over n-grams alone."""
        if self.meaning is not None:
            return self.meaning
        return np.zeros((landmarks, self.weights.shape[1]), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Meaning:
    """Nearness of texts to landmarks, and the kernel it stands for (Williams and Seeger 2001).

    Attributes:
        nearness: float32[n, m].
        inverse: float64[m, m], block by block the weighted inverse of the landmarks' own kernel matrix.
        share: Part of this kernel beside that of the n-grams, 0 … 1.
    """

    nearness: Floats
    inverse: NDArray[np.float64]
    share: float

    @classmethod
    def of(cls, nearness: Floats, own: Sequence[Floats], weights: Sequence[float], *, share: float) -> Meaning:
        """Invert the landmarks' own kernel matrices; a small ridge keeps near twins apart.

        Args:
            nearness: float32[n, m].
            own: For each way of reading a text the kernel of its landmarks among themselves.
            weights: What each way counts; they add up to 1.
            share: Part of all of them beside the n-grams.
        """
        blocks = [
            weight * np.linalg.inv(kernel.astype(np.float64) + _TWINS * np.eye(len(kernel)))
            for kernel, weight in zip(own, weights, strict=True)
        ]
        return cls(nearness, block_diag(*blocks), share)

    def part(self, rows: NDArray[np.integer] | NDArray[np.bool_]) -> Meaning:
        """Return some of the texts."""
        return Meaning(self.nearness[rows], self.inverse, self.share)

    def mixed(self, kernel: NDArray[np.float64]) -> NDArray[np.float64]:
        """Mix the n-grams' kernel float64[n, n] with that of the meaning."""
        near = self.nearness.astype(np.float64)
        return (1.0 - self.share) * kernel + self.share * (near @ self.inverse @ near.T)

    def weights(self, dual: NDArray[np.floating]) -> Floats:
        """Return float32[m, c], the landmarks' weights of a dual solution float[n, c]."""
        return np.asarray(self.share * (self.inverse @ (self.nearness.T.astype(np.float64) @ dual)), dtype=np.float32)


def fit_exclusive(
    features: sparse.csr_matrix, truth: NDArray[np.integer], classes: int, *, c: float = 0.3, seed: int = 0
) -> Head:
    """Fit one-against-rest linear SVMs for classes that exclude each other.

    Args:
        features: float32[n, v].
        truth: int[n], column of the right class.
        classes: Number of columns; those without an example get `ABSENT_MARGIN`.
        c: Inverse regularisation.
        seed: For the solver's coordinate order.
    """
    head = _empty(features.shape[1], classes)
    present = np.unique(truth)
    if len(present) < 2:
        head.intercepts[present] = -ABSENT_MARGIN
        return head
    fitted = _svm(features, truth, c=c, seed=seed)
    if len(present) == 2:
        # liblinear keeps one hyperplane for two classes; the other column is its mirror image.
        head.weights[:, present] = np.vstack([-fitted.coef_, fitted.coef_]).T
        head.intercepts[present] = np.concatenate([-fitted.intercept_, fitted.intercept_])
    else:
        head.weights[:, present] = fitted.coef_.T
        head.intercepts[present] = fitted.intercept_
    return head


def fit_yes_no(
    features: sparse.csr_matrix,
    truth: NDArray[np.bool_],
    *,
    c: float = 0.3,
    seed: int = 0,
    balanced: bool = False,
) -> Head:
    """Fit one independent yes/no question per column of ``truth`` (bool[n, c]); constant columns get a constant."""
    head = _empty(features.shape[1], truth.shape[1])
    for column in range(truth.shape[1]):
        if truth[:, column].all():
            head.intercepts[column] = -ABSENT_MARGIN
        elif truth[:, column].any():
            fitted = _svm(features, truth[:, column], c=c, seed=seed, balanced=balanced)
            head.weights[:, column] = fitted.coef_[0]
            head.intercepts[column] = fitted.intercept_[0]
    return head


def fit_ridge(
    features: sparse.csr_matrix, targets: NDArray[np.floating], *, penalty: float, meaning: Meaning | None = None
) -> Head:
    """Fit all columns of a kernel ridge regression at once, in closed form (Saunders et al. 1998).

    One factorisation of the n × n Gram matrix serves every head, and on a few thousand texts it is both faster and more
    accurate than as many SVMs; beyond 10,000 texts the matrix no longer fits.

    Args:
        features: float32[n, v].
        targets: float[n, c], ±1 for yes/no questions.
        penalty: Added to the diagonal.
        meaning: Of the same texts; None leaves it out.
    """
    gram = np.asarray((features @ features.T).toarray(), dtype=np.float64)
    kernel = meaning.mixed(gram) if meaning else gram
    kernel += 1.0
    kernel[np.diag_indices_from(kernel)] += penalty
    mean = targets.mean(axis=0)
    dual = cho_solve(cho_factor(kernel, lower=True, overwrite_a=True), targets - mean)
    share = 1.0 - meaning.share if meaning else 1.0
    weights = np.asarray(share * (features.T @ dual), dtype=np.float32)
    intercepts = np.asarray(mean + dual.sum(axis=0), dtype=np.float32)
    return Head(weights, intercepts, meaning.weights(dual) if meaning else None)


def fit_centroids(features: sparse.csr_matrix, truth: NDArray[np.integer], classes: int) -> Head:
    """Return each class's mean direction: margins are cosines; rare classes are as reachable as frequent ones."""
    membership = sparse.csr_matrix(
        (np.ones(len(truth), np.float32), (truth, np.arange(len(truth)))), shape=(classes, len(truth))
    )
    sums = (membership @ features).tocsr()
    norms = np.sqrt(np.asarray(sums.multiply(sums).sum(axis=1))).ravel()
    directions = sparse.diags(1.0 / np.maximum(norms, 1e-9)) @ sums
    return Head(np.asarray(directions.T.toarray(), dtype=np.float32), np.zeros(classes, dtype=np.float32))


def _empty(features: int, classes: int) -> Head:
    return Head(np.zeros((features, classes), np.float32), np.full(classes, ABSENT_MARGIN, np.float32))


def _svm(
    features: sparse.csr_matrix, truth: NDArray[np.generic], *, c: float, seed: int, balanced: bool = False
) -> LinearSVC:
    with warnings.catch_warnings():
        # Stopping at tol 0.01 or 1,000 passes costs nothing measurable; the warning would only alarm the user.
        warnings.simplefilter("ignore", ConvergenceWarning)
        weight = "balanced" if balanced else None
        return LinearSVC(C=c, tol=1e-2, random_state=seed, class_weight=weight).fit(features, truth)
